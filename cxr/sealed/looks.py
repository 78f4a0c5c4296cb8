"""Every look at test patients, in reports/sealed/looks.jsonl: a record that only grows.

A look is a computation of numbers on a test set. Reading numbers that are there is none.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cxr.common.journal import append_once, read_entries
from cxr.common.paths import SEALED
from cxr.sealed.report_types import Look, SealedPair

LOOKS = SEALED / "looks.jsonl"


@dataclass(frozen=True)
class Count:
    """this: looks at one test set. ever: at any test set, which may share patients with it."""

    this: int
    ever: int


def look_at(pair: SealedPair, model: str, version: int, when: str, why: str) -> Look:
    """model, version: as the registry names them. when: ISO 8601, UTC. why: one sentence."""
    return {"id": uuid.uuid4().hex, "when": when, "model": model, "version": version, "why": why, **pair}


def record(looks: Iterable[Look], path: Path = LOOKS) -> None:
    """Add those that are not there yet, as looks from another workspace may be."""
    for look in looks:
        append_once(look, path)


def recorded(path: Path = LOOKS) -> list[Look]:
    return [cast(Look, entry) for entry in read_entries(path) if entry.keys() >= Look.__required_keys__]


def count(looks: Iterable[Look], test_set: str) -> Count:
    sets = [look["test_set"] for look in looks]
    return Count(sets.count(test_set), len(sets))
