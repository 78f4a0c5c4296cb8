"""Bring the sources that params.yaml names into data/raw, one folder each."""

from cxr.layout import RAW
from cxr.params import DownloadParams, load_params
from cxr.sources import SOURCES
from cxr.sources.fetching import fetch_all
from cxr.stage import run_stage


def main() -> str:
    configured = load_params(DownloadParams, "download").all()
    fetched = fetch_all(configured, SOURCES, RAW)
    kept = [name for name in configured if name not in fetched]
    return f"fetched {', '.join(fetched) or 'nothing'}; already there: {', '.join(kept) or 'nothing'}"


if __name__ == "__main__":
    run_stage(main)
