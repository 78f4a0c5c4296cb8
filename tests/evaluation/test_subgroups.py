"""Results by group of test images."""

import itertools

import numpy as np
import pytest

from cxr.evaluation.metrics import evaluate
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.subgroups import (
    AGE_BANDS,
    FACTORS,
    MIN_PATIENTS,
    NOT_RECORDED,
    age_band,
    as_metrics,
    evaluate_groups,
)
from tests.rows import image_row

PARAMS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=20)
THRESHOLD = 0.5


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("0", "0 to 17"),
        ("17.9", "0 to 17"),
        ("18", "18 to 39"),
        ("80", "80 and more"),
        ("", NOT_RECORDED),
        ("adult", NOT_RECORDED),
        ("nan", NOT_RECORDED),
        ("inf", NOT_RECORDED),
        ("-3", NOT_RECORDED),
    ],
)
def test_an_age_falls_into_one_band(age: str, band: str):
    assert age_band(age) == band


def test_the_bands_leave_no_year_out():
    ends = list(AGE_BANDS.values())
    assert all(low == high + 1 for (_, high), (low, _) in itertools.pairwise(ends))


@pytest.fixture
def answers():
    """40 patients of two images each: half of them COVID; 16 of the others are the only ones without a view."""
    rng = np.random.default_rng(0)
    rows, y = [], []
    for patient in range(40):
        covid = patient % 2 == 0
        view = "" if not covid and patient > 8 else ("PA", "AP")[patient % 4 // 2]
        for k in range(2):
            label = "COVID" if covid else "NonCOVID"
            row = image_row(
                f"{patient}-{k}", patient=f"p{patient}", view=view, label=label, sex="MF"[patient % 3 % 2], age="50"
            )
            rows.append(row)
            y.append(covid)
    p = np.clip(np.array(y) * 0.3 + rng.uniform(0, 0.7, len(y)), 0, 1)
    return rows, np.array(y), p


def test_a_group_s_numbers_are_those_of_its_images_alone(answers):
    rows, y, p = answers
    groups = evaluate_groups(rows, y, p, THRESHOLD, PARAMS)
    women = np.array([row.sex == "F" for row in rows])
    patients = [row.patient for row in rows if row.sex == "F"]
    alone = evaluate(y[women], p[women], patients, THRESHOLD, PARAMS)
    group = groups["sex"]["F"]
    assert group["images"] == women.sum()
    assert {name: group["metrics"]["auc"][name] for name in ("value", "low", "high")} == alone["auc"]
    sensitivity = group["metrics"]["sensitivity"]
    assert sensitivity["value"] == alone["sensitivity"]["value"]
    assert (sensitivity["images"], sensitivity["patients"]) == (group["covid_images"], group["covid_patients"])


def test_every_image_is_in_one_group_of_each_factor(answers):
    rows, y, p = answers
    groups = evaluate_groups(rows, y, p, THRESHOLD, PARAMS)
    assert tuple(groups) == FACTORS
    for of_factor in groups.values():
        assert sum(group["images"] for group in of_factor.values()) == len(rows)
    assert list(groups["view"])[-1] == NOT_RECORDED


def test_what_a_group_is_too_small_for_is_null_with_the_reason(answers):
    rows, y, p = answers
    groups = evaluate_groups(rows, y, p, THRESHOLD, PARAMS)
    unknown = groups["view"][NOT_RECORDED]["metrics"]
    assert unknown["auc"]["value"] is None
    assert unknown["auc"]["why"] == f"0 COVID patients; at least {MIN_PATIENTS} are needed"
    assert unknown["sensitivity"]["value"] is None
    assert unknown["specificity"]["value"] is not None
    assert "why" not in unknown["specificity"]


def test_one_patient_has_no_interval():
    rows = [image_row(f"{k}", patient="one", view="PA") for k in range(3)]
    found = evaluate_groups(rows, [1, 1, 1], [0.2, 0.6, 0.9], THRESHOLD, PARAMS)["view"]["PA"]
    assert found["patients"] == 1
    assert all(metric["value"] is None and metric["why"] for metric in found["metrics"].values())


def test_mlflow_gets_what_was_measured_under_plain_names(answers):
    rows, y, p = answers
    logged = as_metrics(evaluate_groups(rows, y, p, THRESHOLD, PARAMS))
    assert "view/not_recorded/specificity" in logged
    assert "view/not_recorded/auc" not in logged
    assert all(isinstance(value, float) for value in logged.values())


def test_one_is_said_in_the_singular():
    rows = [image_row("a", patient="a", view="PA")]
    found = evaluate_groups(rows, [1], [0.9], THRESHOLD, PARAMS)["view"]["PA"]["metrics"]["sensitivity"]
    assert found["why"] == f"1 COVID patient; at least {MIN_PATIENTS} are needed"
