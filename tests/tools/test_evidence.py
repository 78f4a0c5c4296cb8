"""What the retraining report says of the sealed test: that of the version at hand, or nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from cxr.common.atomic_files import write_json
from cxr.common.paths import SEALED
from cxr.tracking.registry import Version
from tests.common.params_files import written
from tools import evidence

VERSION = Version("covid-cxr", 3, "run", "e" * 64, "2026-01-31", "", (), {})


def test_the_sealed_test_of_another_version_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, {})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evidence.registry, "find_version", lambda name, number: VERSION)
    assert evidence.sealed_test(3) is None
    place = {"bundle_sha256": VERSION.bundle_sha256, "folder": "eee-ddd", "looks": 2, "looks_ever": 5}
    write_json(place, SEALED / "registered.json")
    write_json({"says": "No choice used it."}, SEALED / "eee-ddd/sealed.json")
    write_json({"auc": {"value": 0.9}}, SEALED / "eee-ddd/metrics.json")
    found = evidence.sealed_test(3)
    assert found is not None
    assert (found.metrics["auc"]["value"], found.says, found.looks, found.looks_ever) == (
        0.9,
        "No choice used it.",
        2,
        5,
    )
    monkeypatch.setattr(evidence.registry, "find_version", lambda name, number: replace(VERSION, bundle_sha256="f"))
    assert evidence.sealed_test(3) is None
