import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr.evaluation import metrics
from cxr.evaluation import weighted_metrics as weighted
from cxr.evaluation.metric_catalogue import METRICS, Sample, statistics
from cxr.evaluation.settings import EvaluateParams

PARAMS = EvaluateParams(resamples=300, confidence=0.95, prevalence=0.1, seed=5)
PLAIN = [name for name, one in METRICS.items() if "sources" not in one.needs]


def some_scores(n: int = 120, per_patient: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    label_of = rng.integers(0, 2, n // per_patient)
    y = np.repeat(label_of, per_patient)
    p = np.clip(0.5 + 0.25 * (y - 0.5) + rng.normal(0, 0.2, n), 0, 1)
    return y, p, [f"p{i // per_patient}" for i in range(n)]


@st.composite
def repeated_rows(draw):
    """Labels, tied scores and how often each row counts; both classes drawn at least once."""
    n = draw(st.integers(2, 25))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    p = np.array(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))) / 8
    repeats = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    y[:2], repeats[:2] = (0, 1), np.maximum(repeats[:2], 1)
    return y, p, repeats


@settings(max_examples=60, deadline=None)
@given(repeated_rows())
def test_a_weight_counts_as_that_many_copies_of_the_row(case):
    from sklearn import metrics as reference

    y, p, repeats = case
    copies, scores = np.repeat(y, repeats), np.repeat(p, repeats)
    called = scores >= 0.5
    got = {k: v[0] for k, v in statistics(Sample(y == 1, p, 0.5, 0.2, repeats[None, :].astype(float))).items()}
    expected = {
        "auc": reference.roc_auc_score(copies, scores),
        "average_precision": reference.average_precision_score(copies, scores),
        "sensitivity": reference.recall_score(copies, called),
        "specificity": reference.recall_score(copies, called, pos_label=0),
        "f1": reference.f1_score(copies, called),
        "balanced_accuracy": reference.balanced_accuracy_score(copies, called),
        "accuracy": reference.accuracy_score(copies, called),
        "brier": reference.brier_score_loss(copies, scores),
    }
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=1e-9)


def test_predictive_values_at_the_data_s_own_prevalence_are_the_plain_shares():
    y, p, _ = some_scores()
    called = p >= 0.5
    got = statistics(Sample(y == 1, p, 0.5, float(y.mean()), np.ones((1, len(y)))))
    assert got["ppv"][0] == pytest.approx(y[called].mean())
    assert got["npv"][0] == pytest.approx(1 - y[~called].mean())


def test_a_rare_disease_lowers_the_predictive_value_of_the_same_test():
    ppv = weighted.positive_predictive_value(np.array([0.9]), np.array([0.9]), 0.01)
    assert ppv[0] == pytest.approx(0.009 / (0.009 + 0.099))


def test_calibration_error_of_a_hand_made_case():
    # Confidences 0.9, 0.9 (one of two right) and 0.6 (right): gaps |1 - 1.8| / 3 and |1 - 0.6| / 3.
    y, p = np.array([1, 1, 0]), np.array([0.9, 0.1, 0.4])
    assert weighted.expected_calibration_error(y, p, np.ones((1, 3)))[0] == pytest.approx((0.8 + 0.4) / 3)


def test_evaluate_is_json_and_its_counts_add_up():
    import json

    y, p, patients = some_scores()
    result = metrics.evaluate(y, p, patients, 0.5, PARAMS)
    json.dumps(result, allow_nan=False)
    counts = result["counts"]
    cells = [counts[f"{kind}_{outcome}"] for kind in ("true", "false") for outcome in ("positive", "negative")]
    assert sum(cells) == counts["images"] == 120
    assert counts["patients"] == 40


def test_the_same_seed_gives_the_same_intervals_and_another_seed_others():
    y, p, patients = some_scores()
    other = EvaluateParams(resamples=300, confidence=0.95, prevalence=0.1, seed=6)
    first = metrics.evaluate(y, p, patients, 0.5, PARAMS)
    assert first == metrics.evaluate(y, p, patients, 0.5, PARAMS)
    assert first["auc"] != metrics.evaluate(y, p, patients, 0.5, other)["auc"]


def test_the_order_of_blocks_does_not_show(monkeypatch):
    y, p, patients = some_scores()
    whole = metrics.evaluate(y, p, patients, 0.5, PARAMS)
    monkeypatch.setattr(metrics, "BLOCK_VALUES", 7 * len(y))
    assert metrics.evaluate(y, p, patients, 0.5, PARAMS)["auc"] == pytest.approx(whole["auc"])


def test_images_of_one_patient_do_not_count_as_independent():
    y, p, _ = some_scores(n=60, per_patient=1)
    alone = metrics.evaluate(y, p, [f"p{i}" for i in range(60)], 0.5, PARAMS)["auc"]
    copied = [f"p{i}" for i in range(60) for _ in range(5)]
    five_fold = metrics.evaluate(np.repeat(y, 5), np.repeat(p, 5), copied, 0.5, PARAMS)["auc"]
    assert five_fold == pytest.approx(alone)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    params = EvaluateParams(resamples=200, confidence=0.9, prevalence=0.1, seed=1)
    covered = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1], 40)
        p = np.clip(0.5 + rng.normal(0, 0.1, 80) + 0.1 * y, 0, 1)
        interval = metrics.evaluate(y, p, [str(i) for i in range(80)], 0.5, params)["auc"]
        covered += interval["low"] <= 0.7602 <= interval["high"]  # Phi(1 / sqrt(2))
    assert 0.82 <= covered / 120 <= 0.97


def test_a_perfect_sensitivity_is_not_taken_for_certainty():
    y, p = np.repeat([0, 1], 30), np.repeat([0.1, 0.9], 30)
    result = metrics.evaluate(y, p, [str(i) for i in range(60)], 0.5, PARAMS)
    assert result["sensitivity"]["low"] == pytest.approx(0.025 ** (1 / 30))
    assert 0 < result["ppv"]["low"] < result["ppv"]["value"] == 1
    assert set(result["exact"]) == {"sensitivity", "specificity", "accuracy", "ppv", "npv"}
    assert "auc" in result["no_spread"]


def test_no_case_found_is_not_taken_for_certainty_either():
    y, p = np.repeat([0, 1], 30), np.concatenate([np.linspace(0.2, 0.8, 30), np.full(30, 0.1)])
    result = metrics.evaluate(y, p, [str(i) for i in range(60)], 0.5, PARAMS)
    assert result["sensitivity"] == {"value": 0, "low": 0, "high": pytest.approx(1 - 0.025 ** (1 / 30))}


def test_resamples_that_miss_a_class_are_left_out_and_counted():
    y, p = np.array([1, 0, 0, 0]), np.array([0.9, 0.2, 0.4, 0.95])
    counts = metrics.evaluate(y, p, ["a", "b", "c", "d"], 0.5, PARAMS)["counts"]
    # Missing the one COVID patient: (3/4)^4; drawing nobody else: (1/4)^4.
    assert counts["degenerate_resamples"] / 300 == pytest.approx(0.3164 + 0.0039, abs=0.08)


def test_with_one_class_only_what_needs_both_is_null():
    result = metrics.evaluate(np.zeros(20), np.linspace(0, 1, 20), [str(i) for i in range(20)], 0.5, PARAMS)
    for name in ("auc", "average_precision", "sensitivity", "ppv", "npv", "f1", "balanced_accuracy"):
        assert result[name] == {"value": None, "low": None, "high": None}
    assert result["specificity"]["value"] == 0.5
    assert result["counts"]["degenerate_resamples"] == 0


def test_two_patients_give_a_result_without_a_crash():
    result = metrics.evaluate([1, 0], [0.9, 0.1], ["a", "b"], 0.5, PARAMS)
    assert result["auc"]["value"] == 1


def test_groups_are_evaluated_apart_and_the_unknown_left_out():
    y, p, patients = some_scores()
    views = ["PA", "AP", ""] * 40
    result = metrics.evaluate_by(views, y, p, patients, threshold=0.5, params=PARAMS)
    assert list(result) == ["AP", "PA"]
    assert result["AP"]["counts"]["images"] == 40


@pytest.mark.parametrize(
    ("y", "p", "patients", "said"),
    [
        ([], [], [], "not empty"),
        ([0, 1], [0.1], ["a", "b"], "equally long"),
        ([0, 2], [0.1, 0.2], ["a", "b"], "0 and 1 only"),
        ([0, 1], [0.1, 1.2], ["a", "b"], "got 1.2"),
        ([0, 1], [0.1, math.nan], ["a", "b"], "got nan"),
    ],
)
def test_odd_input_is_named(y, p, patients, said):
    with pytest.raises(ValueError, match=said):
        metrics.evaluate(y, p, patients, 0.5, PARAMS)


def test_a_model_differs_from_itself_by_nothing():
    y, p, patients = some_scores()
    difference = metrics.paired_difference(y, p, p, patients, PARAMS)
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_a_paired_interval_is_narrower_than_two_separate_ones():
    y, p, patients = some_scores()
    nudged = np.clip(p + 0.02 * np.random.default_rng(3).normal(size=len(p)), 0, 1)
    difference = metrics.paired_difference(y, p, nudged, patients, PARAMS)
    alone = metrics.evaluate(y, p, patients, 0.5, PARAMS)["auc"]
    assert difference.high - difference.low < (alone["high"] - alone["low"]) / 2


def test_a_worse_model_s_difference_is_below_zero_with_its_whole_interval():
    y, p, patients = some_scores()
    difference = metrics.paired_difference(y, 1 - p, p, patients, PARAMS)
    assert difference.value < difference.high < 0


def test_a_difference_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="auc is undefined on 0 COVID and 3 other"):
        metrics.paired_difference([0, 0, 0], [0.1] * 3, [0.2] * 3, ["a", "b", "c"], PARAMS)
    with pytest.raises(ValueError, match="'kappa' is not one of"):
        metrics.paired_difference([0, 1], [0.1] * 2, [0.2] * 2, ["a", "b"], PARAMS, metric="kappa")


@settings(max_examples=30, deadline=None)
@given(repeated_rows())
def test_the_report_is_scikit_learn_s(case):
    from sklearn.metrics import classification_report

    from cxr.common.labels import CLASSES

    y, p, _ = case
    expected = classification_report(y, p >= 0.5, target_names=CLASSES, output_dict=True, zero_division=0)
    got = metrics.classification_report(y, p, 0.5)
    assert got.pop("accuracy") == pytest.approx(expected.pop("accuracy"))
    assert got.keys() == expected.keys()
    for name, row in got.items():
        assert row == pytest.approx(expected[name])


def test_the_report_reads_as_a_table():
    y, p, _ = some_scores()
    lines = metrics.report_text(metrics.classification_report(y, p, 0.5)).splitlines()
    assert len(lines) == 6
    assert {len(line) for line in lines} == {53}


def two_sources(n: int = 90, seed: int = 3) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """NonCOVID of a large and of a small source, COVID of the small one only; scores that know the large source."""
    rng = np.random.default_rng(seed)
    sources = np.repeat(["large", "small", "small"], [n, n // 9, n // 3])
    y = np.repeat([0, 0, 1], [n, n // 9, n // 3])
    return y, np.clip(rng.normal(np.where(sources == "large", 0.2, 0.7), 0.08), 0, 1), list(sources)


def balanced_auc(y, p, sources, patients) -> dict[str, float | None]:
    return metrics.evaluate(y, p, patients, 0.5, PARAMS, sources=sources)["balanced_auc"]


def test_balanced_auc_is_the_mean_over_pairs_of_groups():
    from sklearn.metrics import roc_auc_score

    y, p, sources = two_sources()
    patients = [str(i) for i in range(len(y))]
    others = (np.array(sources) == name for name in ("large", "small"))
    pairs = [roc_auc_score(y[rows], p[rows]) for rows in ((y == 1) | other for other in others)]
    found = balanced_auc(y, p, sources, patients)
    assert found["value"] == pytest.approx(np.mean(pairs))
    assert found["low"] < found["value"] < found["high"]


def test_a_model_that_knows_only_the_source_earns_plain_auc_and_no_balanced_one():
    y, p, sources = two_sources()
    patients = [str(i) for i in range(len(y))]
    assert metrics.evaluate(y, p, patients, 0.5, PARAMS)["auc"]["value"] > 0.9
    assert balanced_auc(y, p, sources, patients)["value"] < 0.85


def test_with_one_source_a_label_balanced_auc_is_auc():
    y, p, patients = some_scores()
    plain = metrics.evaluate(y, p, patients, 0.5, PARAMS)["auc"]
    for sources in (["one"] * len(y), [f"of {label}" for label in y]):
        assert balanced_auc(y, p, sources, patients) == pytest.approx(plain)


def test_balanced_auc_needs_both_classes():
    nothing = {"value": None, "low": None, "high": None}
    assert balanced_auc([0, 0], [0.1, 0.2], ["a", "b"], ["p", "q"]) == nothing


def test_a_group_that_a_resample_misses_takes_no_part_in_it():
    y, p = np.array([0, 0, 1]), np.array([0.1, 0.9, 0.5])
    rows = np.array([[1.0, 1, 1], [5, 1, 2], [1, 0, 1], [0, 1, 1]])
    assert weighted.balanced_auc(y, p, np.array([0, 1, 2]), rows) == pytest.approx([0.5, 0.5, 1, 0])
