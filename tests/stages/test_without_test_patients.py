"""What every backbone goes through needs no test patient: the stages run where there is none."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cxr.common.atomic_files import read_json
from cxr.common.config import load_params
from cxr.common.paths import INDEX, MODEL_REPORTS, SPLIT
from cxr.data.dataset import Dataset
from cxr.data.manifest import ImageRow, read_rows, write_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import SplitRow, split_of_patient
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


def test_no_image_of_a_test_patient_decides_on_the_stamp(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even one that is never trained on, as its label is not."""
    seen: list[str] = []

    def looking(ask: Callable[..., Any]) -> Callable[..., Any]:
        def ask_about(data: Dataset, *rest: Any) -> Any:
            seen.extend(row.patient for row in data.rows if row.path in data.split_of and row.role == "audit")
            return ask(data, *rest)

        return ask_about

    for name in ("audited_images", "feature_examples"):
        monkeypatch.setattr(audit, name, looking(getattr(audit, name)))
    audit.main(OTHER)
    never_trained = {row.patient for row in read_rows(ImageRow, INDEX) if row.role == "audit"}
    tested = {patient for patient in never_trained if split_of_patient(patient, load_params(SplitParams)) == "test"}
    assert tested
    assert set(seen) == never_trained - tested


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
