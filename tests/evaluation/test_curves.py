import csv
import json
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxr.common.errors import CxrError
from cxr.evaluation.curves import pr_points, read_history, reliability_points, roc_points, write_curves, write_history

ROOT = Path(__file__).parents[2]
Epoch = namedtuple("Epoch", "epoch train_loss train_accuracy validation_loss validation_accuracy")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


@st.composite
def scores(draw):
    n = draw(st.integers(2, 40))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    y[:2] = 0, 1
    return y, np.array(draw(st.lists(st.integers(0, 10), min_size=n, max_size=n))) / 10


@settings(max_examples=50, deadline=None)
@given(scores())
def test_the_roc_curve_is_scikit_learn_s_without_points_on_straight_lines(case):
    from sklearn.metrics import roc_auc_score, roc_curve

    y, p = case
    points = roc_points(y, p)
    fpr, tpr, _ = roc_curve(y, p, drop_intermediate=False)
    got = set(zip(points["false_positive_rate"].round(9), points["true_positive_rate"].round(9), strict=True))
    assert got <= set(zip(fpr.round(9), tpr.round(9), strict=True))
    area = np.trapezoid(points["true_positive_rate"], points["false_positive_rate"])
    assert area == pytest.approx(roc_auc_score(y, p))
    for threshold, rate in zip(points["threshold"], points["true_positive_rate"], strict=True):
        assert (p[y == 1] >= threshold).mean() == pytest.approx(rate)


@settings(max_examples=50, deadline=None)
@given(scores())
def test_the_precision_recall_curve_is_scikit_learn_s(case):
    from sklearn.metrics import precision_recall_curve

    y, p = case
    points = pr_points(y, p)
    precision, recall, threshold = precision_recall_curve(y, p)
    assert points["precision"][::-1] == pytest.approx(precision[:-1])
    assert points["recall"][::-1] == pytest.approx(recall[:-1])
    assert points["threshold"][::-1] == pytest.approx(threshold)


def test_a_curve_without_its_class_is_refused():
    with pytest.raises(ValueError, match="needs both classes, got 0 COVID and 2 other"):
        roc_points([0, 0], [0.1, 0.2])
    with pytest.raises(ValueError, match="needs COVID images"):
        pr_points([0, 0], [0.1, 0.2])


def test_bins_hold_every_image_once_and_their_shares_lie_in_their_intervals():
    rng = np.random.default_rng(0)
    p = np.append(rng.random(200), [0.0, 1.0])
    points = reliability_points(rng.integers(0, 2, 202), p)
    assert points["images"].sum() == 202
    assert (points["low"] <= points["observed"]).all()
    assert (points["observed"] <= points["high"]).all()
    assert (np.diff(points["predicted"]) > 0).all()


def test_empty_bins_are_left_out():
    assert reliability_points([0, 1], [0.05, 0.95])["images"].tolist() == [1, 1]


def test_the_files_hold_what_dvc_draws(tmp_path):
    rng = np.random.default_rng(0)
    y, p = np.repeat([0, 1], 2000), np.concatenate([rng.random(2000) * 0.8, 0.2 + rng.random(2000) * 0.8])
    write_curves(y, p, 0.5, tmp_path)
    roc = read(tmp_path / "roc.csv")
    assert len(roc) <= 1000
    assert [(row["false_positive_rate"], row["true_positive_rate"]) for row in (roc[0], roc[-1])] == [
        ("0", "0"),
        ("1", "1"),
    ]
    assert roc[0]["threshold"] == ""
    assert len(read(tmp_path / "pr.csv")) == 1000
    confusion = read(tmp_path / "confusion.csv")
    missed = sum(row == {"actual": "COVID", "predicted": "NonCOVID"} for row in confusion)
    assert missed == (p[2000:] < 0.5).sum()
    assert {float(row["images"]) for row in read(tmp_path / "reliability.csv")} <= set(range(4001))


def test_a_history_survives_its_file(tmp_path):
    write_history([Epoch(1, 0.75, 0.5, 0.875, 0.25), Epoch(2, 0.5, 0.625, 0.75, 0.5)], tmp_path / "history.csv")
    assert list(read(tmp_path / "history.csv")[1].values()) == ["1", "validation", "0.875", "0.25"]
    assert read_history(tmp_path / "history.csv") == {
        "train_loss": [0.75, 0.5],
        "train_accuracy": [0.5, 0.625],
        "validation_loss": [0.875, 0.75],
        "validation_accuracy": [0.25, 0.5],
    }


@pytest.mark.parametrize(
    "text", ["epoch,split,loss\n1,train,0.5\n", "epoch,split,loss,accuracy\n1,test,1,1\n", "x\n1\n"]
)
def test_another_file_is_no_history(tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(CxrError, match=r"history.csv is not a training history"):
        read_history(tmp_path / "history.csv")
    with pytest.raises(CxrError, match="is missing"):
        read_history(tmp_path / "none.csv")


def fields(spec: object) -> set[str]:
    """Every field that a Vega-Lite specification draws."""
    if isinstance(spec, list):
        return set().union(*map(fields, spec))
    if not isinstance(spec, dict):
        return set()
    own = {value for key, value in spec.items() if key == "field" and isinstance(value, str)}
    return own.union(*map(fields, spec.values()))


@pytest.mark.parametrize("name", ["history", "roc", "pr", "reliability"])
def test_dvc_s_templates_draw_columns_that_are_written(tmp_path, name):
    write_curves([0, 1, 0, 1], [0.1, 0.8, 0.6, 0.4], 0.5, tmp_path)
    write_history([Epoch(1, 0.75, 0.5, 0.875, 0.25)], tmp_path / "history.csv")
    template = json.loads((ROOT / f".dvc/plots/{name}.json").read_text())
    given_by_dvc, made_inside = {"rev"}, {"row", "x", "y"}
    assert fields(template) <= set(read(tmp_path / f"{name}.csv")[0]) | given_by_dvc | made_inside
    assert template["data"] == {"values": "<DVC_METRIC_DATA>"}
