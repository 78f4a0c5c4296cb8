"""Bring the champion of a shared MLflow server to where a service looks for it: `python -m tools.deliver`.

MLFLOW_TRACKING_URI names the server, BENTOML_HOME the store to fill, CXR_MODEL the model, as for the service. The alias
decides and nothing here moves it. With --every it goes on looking; a look that fails leaves the store as it is.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cxr.common.errors import CxrError
from cxr.common.stage_runner import run_stage
from cxr.inference.predictor import Predictor
from cxr.tracking import registry
from serving import store

MODEL = "covid-cxr:champion"


def deliver(model: str, known: str = "") -> tuple[str, str]:
    """Make `model:champion` of the store the registry's champion; the hash of its files, and one sentence.

    known: the hash that this process delivered last; those files are not fetched again. Raises CxrError where there is
    no champion, or one that cannot be read or cannot answer; the store is then as it was.
    """
    version = registry.champion(model)
    if version is None:
        raise CxrError(f"{model} has no champion in the registry yet; `make promote VERSION=…` makes one")
    if version.bundle_sha256 and version.bundle_sha256 == known:
        return known, ""
    with tempfile.TemporaryDirectory() as folder:
        bundle = registry.fetch_bundle(version, Path(folder) / "bundle")
        Predictor.load(bundle)
        store.publish(bundle, model, version.number)
    return version.bundle_sha256, f"{version} is in {os.environ.get('BENTOML_HOME', 'the BentoML store')}"


def keep_delivering(model: str, every_s: float, beat: Path | None) -> None:
    """Look again every `every_s` seconds, until a signal ends it. Each cause is said once."""
    known = last = ""
    while True:
        try:
            known, said = deliver(model, known)
        except CxrError as fault:
            said = f"not delivered: {fault}"
        if said and said != last:
            sys.stdout.write(f"deliver: {said}\n")
            sys.stdout.flush()
        last = said or last
        if beat is not None:
            beat.touch()
        time.sleep(every_s)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="deliver", description=__doc__)
    parser.add_argument("--every", type=float, default=0, metavar="SECONDS", help="look again so often; 0: once")
    parser.add_argument("--beat", type=Path, metavar="FILE", help="touch it after each look, for a health check")
    return parser.parse_args(argv)


def main() -> str:
    wanted = arguments()
    name, _, version = (os.environ.get("CXR_MODEL") or MODEL).partition(":")
    if version != "champion":
        raise CxrError(f"CXR_MODEL is {name}:{version}; only {name}:champion follows the registry")
    if not wanted.every:
        return deliver(name)[1]
    keep_delivering(name, wanted.every, wanted.beat)
    return ""


if __name__ == "__main__":
    run_stage(main)
