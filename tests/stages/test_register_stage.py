"""What picks the winner: the yardstick where it was measured, else the validation patients, and why."""

from pathlib import Path

import pytest

from cxr.common.atomic_files import write_json
from cxr.common.paths import MODEL_REPORTS
from cxr.promotion.settings import RegisterParams
from stages.register import described, values_to_pick_by, winner_numbers
from tests.common.params_files import written

MEASURED = {"value": 0.8, "low": 0.7, "high": 0.9}
COUNTS = dict.fromkeys(
    ("images", "patients", "covid", "true_positive", "false_positive", "false_negative", "true_negative", "resamples"),
    9,
)
METRICS = (
    "auc",
    "balanced_auc",
    "average_precision",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "accuracy",
    "ece",
    "calibration_error",
)
BACKBONES = ["vgg16", "xception"]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two backbones' reports; the yardstick was measured for both."""
    written(tmp_path, {"train": {"backbones": BACKBONES}})
    for number, name in enumerate(BACKBONES):
        settings = {"threshold": 0.5, "prevalence": 0.1, "confidence": 0.95}
        validation = {**dict.fromkeys(METRICS, MEASURED), "counts": COUNTS, **settings}
        write_json(validation, tmp_path / MODEL_REPORTS / name / "validation.json")
        write_json(unseen(0.6 + number / 10), tmp_path / MODEL_REPORTS / name / "unseen.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def unseen(auc: float | None) -> dict:
    nothing = dict.fromkeys(("value", "low", "high"))
    return {
        "unseen_auc": {"value": auc, "low": auc, "high": auc},
        "why": "" if auc else "the COVID images come from one source only, a",
        "worst": None,
        "false_positive_rate": nothing,
        "sensitivity": nothing,
        "seeds": 3,
        "pairs": [],
        "impossible": [],
        "called": {},
        "external": {},
        "folds": [],
    }


def params(metric: str) -> RegisterParams:
    return RegisterParams(model="m", experiment="e", metric=metric, promote="by_hand")


def test_the_yardstick_picks_where_every_backbone_has_it(workspace: Path) -> None:
    metric, values, why_not = values_to_pick_by(params("unseen_auc"))
    assert (metric, why_not) == ("unseen_auc", "")
    assert values == {"vgg16": pytest.approx(0.6), "xception": pytest.approx(0.7)}


def test_without_it_the_validation_patients_pick_and_the_reason_is_told(workspace: Path) -> None:
    write_json(unseen(None), workspace / MODEL_REPORTS / "xception" / "unseen.json")
    metric, values, why_not = values_to_pick_by(params("unseen_auc"))
    assert (metric, values) == ("balanced_auc", {"vgg16": 0.8, "xception": 0.8})
    assert why_not == ", since there is no unseen_auc: the COVID images come from one source only, a"


def test_another_metric_does_not_ask_for_the_yardstick(workspace: Path) -> None:
    (workspace / MODEL_REPORTS / "vgg16" / "unseen.json").unlink()
    assert values_to_pick_by(params("auc")) == ("auc", {"vgg16": 0.8, "xception": 0.8}, "")


def test_the_winner_s_numbers_are_of_validation_patients_and_of_the_yardstick(workspace: Path) -> None:
    metrics = {**dict.fromkeys(METRICS, MEASURED), "counts": COUNTS, "threshold": 0.5}
    numbers = winner_numbers("xception", metrics)
    assert numbers["backbone"] == "xception"
    assert numbers["unseen_auc"] == pytest.approx(0.7)
    assert {name for name in numbers if name not in ("backbone", "unseen_auc")} == {
        f"validation_{name}" for name in ("auc", "balanced_auc", "sensitivity", "specificity", "calibration_error")
    }


def test_the_registry_s_words_tell_a_frozen_trunk_from_a_trained_one() -> None:
    counts = {**COUNTS, "patients": 9}
    metrics = {**dict.fromkeys(METRICS, MEASURED), "counts": counts, "threshold": 0.5}
    assert described("vgg16", 0, metrics).startswith(
        "Frozen vgg16 with a linear head. On 9 images of 9 validation patients, who chose its epoch"
    )
    assert described("vgg16", 2, metrics).startswith("vgg16, its last 2 blocks trained too, with a linear head.")
