"""Bring the sources that params.yaml names into data/raw, one folder each."""

from cxr.common.config import load_params
from cxr.common.paths import RAW
from cxr.common.stage_runner import run_stage
from cxr.sources import SOURCES
from cxr.sources.fetching import fetch_all
from cxr.sources.settings import DownloadParams


def main() -> str:
    configured = load_params(DownloadParams).all()
    fetched = fetch_all(configured, SOURCES, RAW)
    kept = [name for name in configured if name not in fetched]
    return f"fetched {', '.join(fetched) or 'nothing'}; already there: {', '.join(kept) or 'nothing'}"


if __name__ == "__main__":
    run_stage(main)
