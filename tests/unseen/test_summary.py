"""From answers to unseen.json: means over pairs and seeds, intervals, and what is said first."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cxr.common.labels import COVID, NON_COVID
from cxr.common.report_files import read_report, write_report
from cxr.evaluation.settings import EvaluateParams
from cxr.unseen.figure import matrix_figure
from cxr.unseen.fold_store import FoldAnswers
from cxr.unseen.intervals import SourceAnswers, mean_of
from cxr.unseen.plan import Fold, Images, Plan, plan_folds
from cxr.unseen.report_types import UnseenReport
from cxr.unseen.summary import (
    SWITCHED_OFF,
    AllAnswers,
    as_metrics,
    carried_facts,
    headline,
    matrix,
    not_measured,
    sentence,
    summarise,
)
from tests.unseen.made import BOTH, columns

PARAMS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=3)
IMAGES = columns({"a": BOTH, "b": BOTH}, external={"e": BOTH})


def answered(images: Images, plan: Plan, seeds: int = 2, *, noise: float = 0.1) -> AllAnswers:
    """Right answers with some noise, of other noise at every seed."""
    rng = np.random.default_rng(1)

    def answers(fold: Fold) -> FoldAnswers:
        familiar = (rng.uniform(0, 1, len(part)) for part in (fold.asked, fold.validation))
        return FoldAnswers(scores(fold.asked), 0.5, *familiar)

    def scores(asked: np.ndarray) -> np.ndarray:
        return np.clip(0.25 + 0.5 * images.covid[asked] + rng.normal(0, noise, len(asked)), 0, 1)

    return {fold.left_out: [answers(fold) for _ in range(seeds)] for fold in plan.folds}


def summary(images: Images = IMAGES, *, noise: float = 0.1) -> UnseenReport:
    plan = plan_folds(images)
    return summarise(images, plan, answered(images, plan, noise=noise), 2, PARAMS)


def test_the_number_is_the_mean_over_pairs_of_the_mean_over_seeds() -> None:
    report = summary(noise=0.4)
    pairs = report["pairs"]
    assert [pair["auc"]["value"] for pair in pairs] == [pytest.approx(np.mean(pair["by_seed"])) for pair in pairs]
    assert report["unseen_auc"]["value"] == pytest.approx(np.mean([pair["auc"]["value"] for pair in pairs]))
    assert report["worst"] == min(pairs, key=lambda pair: pair["auc"]["value"])
    low, value, high = (report["unseen_auc"][name] for name in ("low", "value", "high"))
    assert low < value < high


def test_the_false_calls_are_a_mean_over_the_sources_left_out() -> None:
    report = summary(noise=0.4)
    assert set(report["called"]) == {"a", "b"}
    shares = [of[NON_COVID]["value"] for of in report["called"].values()]
    assert report["false_positive_rate"]["value"] == pytest.approx(np.mean(shares))


def test_external_sources_stand_apart() -> None:
    report = summary(noise=0.4)
    assert set(report["external"]) == {"e"}
    assert report["external"]["e"]["auc"]["images"] == 16
    assert set(report["external"]["e"]["called"]) == set(BOTH)


def test_an_interval_holds_for_patients_and_for_trainings() -> None:
    """One patient with many images makes it as wide as one patient is; trainings that differ make it wider."""
    y = np.arange(40) % 2 == 1
    rng = np.random.default_rng(0)
    p = np.clip(0.5 * y + rng.normal(0.25, 0.3, (1, 40)), 0, 1)
    people = np.array([f"p{i}" for i in range(40)])
    source = np.full(40, "a")
    everywhere = np.ones(40, bool)

    def width(answers: SourceAnswers) -> float:
        found = answers.auc(everywhere, PARAMS).measured(0.95)
        return found["high"] - found["low"]

    alone = SourceAnswers(y, source, people, p, np.array([0.5]))
    few = replace(alone, patients=np.array([f"p{i // 8}" for i in range(40)]))
    unlike = replace(alone, p_covid=np.concatenate([p, 1 - p]), thresholds=np.array([0.5, 0.5]))
    assert width(alone) < width(unlike)
    assert few.auc(everywhere, PARAMS).patients == 5
    assert width(few) != width(alone)


def test_a_share_without_an_exception_has_an_interval_all_the_same() -> None:
    y = np.zeros(20, bool)
    people = np.array([f"p{i}" for i in range(20)])
    answers = SourceAnswers(y, np.full(20, "a"), people, np.zeros((3, 20)), np.full(3, 0.5))
    found = answers.called(np.ones(20, bool), PARAMS).measured(0.95)
    assert (found["value"], found["low"]) == (0, 0)
    assert 0.1 < found["high"] < 0.25


def test_a_mean_of_nothing_has_no_value() -> None:
    assert math.isnan(mean_of([]).value)
    assert mean_of([]).measured(0.95) == {"value": None, "low": None, "high": None}


def test_the_report_can_be_read_again(tmp_path) -> None:
    report = summary()
    write_report(report, tmp_path / "unseen.json")
    assert read_report(UnseenReport, tmp_path / "unseen.json") == report


def test_the_matrix_has_a_cell_for_every_pair_and_its_reason_where_it_has_no_number() -> None:
    cells = matrix(summary())
    assert {(cell.positive, cell.negative): cell.note for cell in cells} == {
        ("a", "a"): "",
        ("b", "b"): "",
        ("a", "b"): "the other sources have no COVID image in train",
        ("b", "a"): "the other sources have no COVID image in train",
    }
    texts = [text.get_text() for text in matrix_figure(cells, "tiny").axes[0].texts]
    assert len(texts) == 4
    assert texts.count("not possible") == 2


def test_metrics_have_names_that_mlflow_takes_and_no_gaps() -> None:
    metrics = as_metrics(summary())
    assert {"unseen/auc", "unseen/auc_low", "unseen/pairs/a/a/auc", "unseen/false_positive_rate"} <= metrics.keys()
    assert all(isinstance(value, float) for value in metrics.values())
    assert as_metrics(not_measured(SWITCHED_OFF)) == {}


def test_the_headline_is_of_numbers_alone() -> None:
    numbers = headline(summary())
    assert all(isinstance(value, float) for value in numbers.values())
    assert numbers["worst_pair_auc"] <= numbers["unseen_auc"]
    assert set(headline(not_measured(SWITCHED_OFF)).values()) == {None}


def test_the_sentence_says_the_number_or_that_nothing_is_known() -> None:
    assert sentence(summary()).startswith("In sources that it has never seen its AUC is ")
    one = columns({"a": BOTH, "c": (NON_COVID,)})
    said = sentence(summary(one))
    assert said.startswith(
        "Nothing is known about how it tells COVID in other hospitals: the COVID images come from one source only, a. "
        "What is known: of their images without COVID it calls a share of 0."
    )
    assert carried_facts(summary(one))["says"] == said
    assert "unseen.enabled" in sentence(not_measured(SWITCHED_OFF))


def test_a_source_without_covid_is_asked_about_its_false_calls_alone() -> None:
    report = summary(columns({"a": BOTH, "c": (NON_COVID,)}))
    assert set(report["called"]) == {"c"}
    assert COVID not in report["called"]["c"]
    assert report["unseen_auc"]["value"] is None
