"""What every backbone goes through needs no test patient: the stages run where there is none."""

import contextlib
from pathlib import Path
from typing import Any

import pytest

from cxr.common.atomic_files import read_json
from cxr.common.paths import MODEL_REPORTS, SPLIT
from cxr.data.manifest import read_rows, write_rows
from cxr.data.splits import SplitRow
from stages import audit, evaluate, precision
from tests.common.params_files import written
from tests.report.made import OTHER, make_files

SMALL = {"masked_images": 20, "behaviour_images": 4, "images_per_source": 20, "permutations": 2}


class Run:
    """Takes everything and keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: None


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_files(tmp_path)
    written(tmp_path, {"audit": SMALL, "evaluate": {"resamples": 100}})
    kept = [row for row in read_rows(SplitRow, tmp_path / SPLIT) if row.split != "test"]
    write_rows(kept, SplitRow, tmp_path / SPLIT)
    monkeypatch.chdir(tmp_path)
    for stage in (audit, evaluate, precision):
        monkeypatch.setattr(stage, "recorded", lambda *given: contextlib.nullcontext(Run()))
    return tmp_path / MODEL_REPORTS / OTHER


def test_the_stages_of_a_backbone_run_without_test_patients(workspace: Path) -> None:
    for name in ("validation.json", "validation_groups.json", "audit.json"):
        (workspace / name).unlink()
    assert "validation images" in evaluate.main(OTHER)
    precision.main(OTHER)
    audit.main(OTHER)
    found = read_json(workspace / "audit.json")
    assert found["asked"] == "validation"
    assert {finding["images"] for finding in found["findings"] if finding["arm"] == "with_lungs"} == {20}
    assert read_json(workspace / "validation_headline.json")["auc"] is not None
    assert {path.name for path in workspace.iterdir()} >= {"roc.csv", "confusion.csv", "precision.json"}
