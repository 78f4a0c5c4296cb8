"""A metric from outside the package: one function, and every place that shows metrics has it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import read_json
from cxr.common.paths import MODEL_REPORTS
from cxr.evaluation.metric_catalogue import METRICS, Sample, in_tables, metric
from cxr.evaluation.subgroups import as_metrics
from cxr.report.facts import read_facts
from cxr.report.page import model_card, report
from cxr.report.words import metric_rows
from cxr.tracking.records import read_records, written_record
from stages.evaluate import headline
from tests.report.conftest import Made
from tests.report.made import REGISTERED, WINNER, make_files


@pytest.fixture
def youden() -> Iterator[str]:
    """The name of a metric that is in the catalogue while the test runs."""

    @metric(
        "Youden's J",
        "sensitivity plus specificity minus 1",
        "calls",
        needs=("covid", "non_covid"),
        places=("headline", "groups", "groups in MLflow"),
    )
    def youden(sample: Sample) -> np.ndarray:
        return sample.sensitivity + sample.specificity - 1

    yield "youden"
    del METRICS["youden"]


def test_a_metric_of_one_function_is_in_the_files_in_mlflow_and_in_the_reports(
    youden: str, made: Made, tmp_path: Path
) -> None:
    root = make_files(tmp_path)
    metrics = read_json(root / MODEL_REPORTS / WINNER / "validation.json")
    groups = read_json(root / MODEL_REPORTS / WINNER / "validation_groups.json")
    found = metrics[youden]
    rates = metrics["sensitivity"]["value"] + metrics["specificity"]["value"]
    assert found["value"] == pytest.approx(rates - 1)
    assert found["low"] <= found["value"] <= found["high"]
    assert headline(metrics)[youden] == found["value"]
    assert all(youden in group["metrics"] for groups_of in groups.values() for group in groups_of.values())
    enough = {"view": {"PA": {"metrics": dict.fromkeys(groups["view"]["PA"]["metrics"], found)}}}

    facts = read_facts(REGISTERED, root)
    with written_record(tmp_path / "told", "evaluate") as record:
        record.log_evaluation(metrics, "validation")
        record.log_metrics(as_metrics(enough), "validation/groups")
    (told,) = read_records(tmp_path / "told")
    expected = {youden, f"{youden}_low", f"{youden}_high", f"groups/view/PA/{youden}"}
    assert {f"validation/{name}" for name in expected} <= {point.name for point in told.points}

    found = facts.shown.metrics[youden]  # type: ignore[literal-required]
    shown = f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f})"
    assert f"| Youden's J | {shown} | sensitivity plus specificity minus 1 |" in model_card(facts)
    assert shown in report(facts, made.figures, made.mistakes)


def test_files_of_before_a_metric_was_added_are_still_shown(youden: str, made: Made) -> None:
    assert youden not in made.facts.model.validation
    assert youden not in dict(metric_rows(made.facts.model.validation))
    assert "Youden" not in model_card(made.facts)


@pytest.mark.parametrize("name", ["auc", "counts", "threshold"])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    def one(sample: Sample) -> np.ndarray:
        return sample.sensitivity

    one.__name__ = name
    before = dict(METRICS)
    with pytest.raises(ValueError, match=f"a key '{name}' already"):
        metric("A", "a", "calls")(one)
    assert before == METRICS


def test_metrics_of_one_table_stand_together() -> None:
    tables = [one.table for one in in_tables()]
    assert sorted(set(tables), key=tables.index) == ["ranking", "calls", "mix", "calibration"]
    assert tables == sorted(tables, key=sorted(set(tables), key=tables.index).index)
