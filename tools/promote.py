"""Make a registered version the champion: `make promote VERSION=3`, or `cxr promote --version 3`.

It is compared with the present champion on the validation patients first. FORCE=1 (`--force`) promotes it although the
comparison speaks against it, or cannot be made.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from cxr.common.config import load_params
from cxr.common.errors import CxrError
from cxr.common.paths import FEATURE_CACHE, INDEX, PIXELS, SPLIT
from cxr.common.stage_runner import run_stage
from cxr.data.dataset import Dataset
from cxr.data.settings import SplitParams
from cxr.evaluation.settings import EvaluateParams
from cxr.promotion import moves
from cxr.promotion.decision import Decision, decide_without_champion
from cxr.promotion.registration import decide_on
from cxr.promotion.settings import RegisterParams
from cxr.tracking import registry
from serving import store


def promote(number: int, force: bool = False) -> tuple[bool, str]:
    """Whether the version is the champion now, and one sentence. Raises CxrError where it cannot be."""
    refuse_in_experiments()
    model = load_params(RegisterParams).model
    moves.settle(model, store)
    version = registry.find_version(model, number)
    if "champion" in version.aliases:
        moves.put_in_place(version, store)
        return True, f"{version} is the champion already; its files are in place"
    decision = compared(version, force)
    if not decision.promote and not force:
        return False, f"{version} stays as it is: {decision.reason}"
    forced = "" if decision.promote else "by force, although: "
    moves.promote(version, store, "promote", forced + decision.reason, None if force else decision)
    return True, f"{version} is the champion now, {forced}{decision.reason}; a service on :champion follows by itself"


def refuse_in_experiments() -> None:
    if os.environ.get(moves.EXPERIMENT):
        raise CxrError("an experiment of DVC promotes nothing; run `make promote VERSION=…` after it")


def compared(version: registry.Version, force: bool) -> Decision:
    """The version against the champion; under force a comparison that cannot be made only says so."""
    if registry.champion(version.name) is None and not version.rolled_back:
        return decide_without_champion()
    try:
        data = Dataset.read(INDEX, SPLIT, PIXELS)
        split = data.split_fingerprint(load_params(SplitParams))
        return decide_on(version, split, data.split("validation"), load_params(EvaluateParams), FEATURE_CACHE)
    except CxrError as fault:
        if not force:
            raise CxrError(f"{version} cannot be compared ({fault}); FORCE=1 promotes it uncompared") from None
        return Decision(False, f"it was not compared ({fault})")


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cxr promote", description=__doc__)
    parser.add_argument("--version", type=int, required=True, metavar="NUMBER", help="of the version in the registry")
    parser.add_argument("--force", action="store_true", help="promote it whatever the comparison says")
    return parser.parse_args(argv)


def command(argv: Sequence[str]) -> int:
    """`cxr promote`: exit status 0 where it is the champion now, 1 where it is not."""
    wanted = arguments(argv)
    moved, said = promote(wanted.version, wanted.force)
    sys.stdout.write(f"promote: {said}\n")
    return 0 if moved else 1


def main() -> str:
    wanted = arguments()
    moved, said = promote(wanted.version, wanted.force)
    if not moved:
        raise CxrError(f"{said}; FORCE=1 promotes it nevertheless")
    return said


if __name__ == "__main__":
    run_stage(main)
