"""What lies in reports/sealed/: one folder a pair of model and test set, computed once and read from then on."""

import time
from pathlib import Path

from cxr.common.paths import SEALED
from cxr.common.report_files import write_report
from cxr.sealed.looks import Count
from cxr.sealed.report_types import Look, SealedFacts, SealedPair, SealedPlace

FACTS = "sealed.json"
REGISTERED = SEALED / "registered.json"
_SHOWN = 12  # characters of a hash that tell it from others


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def folder_of(pair: SealedPair) -> Path:
    return SEALED / f"{pair['bundle_sha256'][:_SHOWN]}-{pair['test_set'][:_SHOWN]}"


def is_measured(pair: SealedPair) -> bool:
    return (folder_of(pair) / FACTS).is_file()


def write_facts(look: Look, folder: Path) -> None:
    """Last of all files: a folder that has it is whole."""
    facts: SealedFacts = {
        "bundle_sha256": look["bundle_sha256"],
        "test_set": look["test_set"],
        "model": look["model"],
        "version": look["version"],
        "when": look["when"],
        "why": look["why"],
        "says": (
            f"Computed on {look['when']}, after version {look['version']} of {look['model']} was registered. No choice "
            "before that used it: the epoch, the calibration, the threshold and the backbone were decided without the "
            "test patients. Who promotes the version by hand may have seen it."
        ),
    }
    write_report(facts, folder / FACTS)


def point_to(pair: SealedPair, seen: Count) -> None:
    """Say which pair is the registered version's, and how often its test set was looked at."""
    place: SealedPlace = {
        "bundle_sha256": pair["bundle_sha256"],
        "test_set": pair["test_set"],
        "folder": folder_of(pair).name,
        "looks": seen.this,
        "looks_ever": seen.ever,
    }
    write_report(place, REGISTERED)
