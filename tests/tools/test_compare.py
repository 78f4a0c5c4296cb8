"""The retraining report, from numbers as `dvc metrics diff` and the stages write them."""

import re

import pytest

from tools.report import (
    MARKER,
    Base,
    Evidence,
    RegisteredChampion,
    SealedTest,
    base_from_diff,
    interval_text,
    report,
    sampled,
    table,
)


def metrics(auc: float) -> dict:
    spread = {"value": auc, "low": auc - 0.05, "high": auc + 0.05}
    return {"auc": spread, "sensitivity": {"value": 0.9, "low": 0.8, "high": 0.95}, "threshold": 0.4}


def register(winner: str = "vgg16", promoted: bool = True, **changes: object) -> dict:
    reason = "promoted: AUC differs by +0.0100" if promoted else "stays challenger: AUC differs by -0.0400"
    why = "highest auc on the validation patients of vgg16, xception"
    given = {"winner": winner, "why": why, "validation": {"vgg16": 0.93, "xception": 0.91}, "version": 7}
    return {**given, "promoted": promoted, "reason": reason, **changes}


def diff_entry(old: float | None, new: float | None) -> dict:
    """What DVC gives for one backbone's validation_headline.json; a side that is missing is None."""
    return {
        f"auc{bound}": {"old": None if old is None else old + gap, "new": None if new is None else new + gap}
        for bound, gap in (("", 0.0), ("_low", -0.05), ("_high", 0.05))
    }


def evidence(diff: dict | None = None, champion: RegisteredChampion | None = None, **changes: object) -> Evidence:
    diff = diff or {}
    given = {
        "register": register(),
        "models": {"vgg16": metrics(0.92), "xception": metrics(0.9)},
        "base": base_from_diff(diff, "origin/main"),
        "champion": champion,
        "diff": diff,
    }
    return Evidence(**{**given, **changes})


DIFF = {
    "reports/models/vgg16/validation_headline.json": diff_entry(0.88, 0.92),
    "reports/models/xception/validation_headline.json": diff_entry(0.95, 0.9),
    "reports/winner.json": {"backbone": {"old": "xception", "new": "vgg16"}},
}


def row(text: str, start: str) -> list[str]:
    """The cells of the first table row whose first cell starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_winner_is_held_against_the_winner_of_the_base():
    text = report(evidence(DIFF))
    assert row(text, "Metric, validation") == [
        "Metric, validation patients",
        "New: vgg16",
        "origin/main: xception",
        "Change",
    ]
    assert row(text, "AUC") == ["AUC", "0.920 (0.870 to 0.970)", "0.950 (0.900 to 1.000)", "-0.030"]


def test_where_the_winner_of_the_base_is_unknown_the_same_backbone_is_shown_and_not_the_best_one():
    diff = {path: entry for path, entry in DIFF.items() if "winner" not in path}
    text = report(evidence(diff))
    assert row(text, "AUC")[2] == "0.880 (0.830 to 0.930)"
    assert "origin/main does not record which backbone won there" in text


def test_without_earlier_metrics_the_report_says_why_and_shows_the_new_ones():
    nothing = base_from_diff({}, "HEAD", "unknown Git revision 'HEAD'")
    text = report(evidence(base=nothing))
    assert "No comparison with HEAD: unknown Git revision 'HEAD'." in text
    assert row(text, "AUC") == ["AUC", "0.920 (0.870 to 0.970)"]


def test_a_first_training_has_only_new_values_in_the_diff():
    diff = {"reports/models/vgg16/validation_headline.json": diff_entry(None, 0.92)}
    assert "nothing was trained and published there yet" in report(evidence(diff))


def test_the_champion_before_gets_a_column():
    text = report(evidence(DIFF, RegisteredChampion("5", "resnet50", metrics(0.91))))
    assert row(text, "Metric, validation")[-1] == "Champion before: version 5, resnet50"
    assert row(text, "AUC")[-1] == "0.910 (0.860 to 0.960)"


def test_without_a_champion_the_report_says_so():
    assert "the registry had none before this run" in report(evidence(DIFF))


@pytest.mark.parametrize(
    ("promoted", "heading"), [(True, "vgg16 becomes champion"), (False, "vgg16 does not become champion")]
)
def test_the_decision_and_its_reason_come_first(promoted: bool, heading: str):
    text = report(evidence(DIFF, register=register(promoted=promoted)))
    assert re.search(rf"^## Retraining: {heading}\n\nVersion 7: .* AUC differs by", text, re.MULTILINE)
    assert text.startswith(MARKER)


def test_backbones_that_were_added_or_removed_are_named():
    diff = {
        "reports/models/vgg16/validation_headline.json": diff_entry(0.88, 0.92),
        "reports/models/xception/validation_headline.json": diff_entry(None, 0.9),
        "reports/models/resnet50/validation_headline.json": diff_entry(0.87, None),
    }
    text = report(evidence(diff))
    assert row(text, "xception")[-2:] == ["–", "added"]
    assert row(text, "resnet50") == ["resnet50", "–", "–", "0.870 (0.820 to 0.920)", "removed"]
    assert row(text, "vgg16 (winner)")[-1] == ""


def test_a_winner_that_the_base_did_not_have_is_compared_with_nobody():
    diff = {"reports/models/xception/validation_headline.json": diff_entry(0.9, 0.9)}
    assert "No comparison with origin/main: it has no metrics of vgg16." in report(evidence(diff))


def test_undefined_values_are_dashes():
    undefined = {"auc": {"value": None, "low": None, "high": None}}
    text = report(evidence(DIFF, models={"vgg16": undefined, "xception": metrics(0.9)}))
    assert row(text, "AUC")[1] == "–"
    assert row(text, "AUC")[3] == "–"


def test_changed_data_is_shown_and_unchanged_data_is_not():
    data = {"reports/index.json": {"images": {"old": 100, "new": 120}, "patients": {"old": 60, "new": 60}}}
    text = report(evidence({**DIFF, **data}))
    assert row(text, "Images") == ["Images", "100", "120"]
    assert "| Patients |" not in text
    assert "### Data" not in report(evidence(DIFF))


def test_the_roc_chart_has_a_line_for_each_side_that_is_known():
    curve = [(0.0, 0.0), (0.0, 0.5), (0.4, 0.8), (1.0, 1.0)]
    both = report(evidence(DIFF, curves=(curve, curve)))
    alone = report(evidence(DIFF, curves=(curve, ())))
    assert both.count("  line [") == 2
    assert alone.count("  line [") == 1
    assert "mermaid" not in report(evidence(DIFF))


def test_a_sampled_curve_is_the_step_that_the_threshold_reaches():
    curve = [(0.0, 0.0), (0.0, 0.5), (0.4, 0.8), (1.0, 1.0)]
    assert sampled(curve, steps=5) == [0.5, 0.5, 0.8, 0.8, 0.8, 1.0]


def test_a_base_that_was_measured_on_test_patients_has_no_numbers_to_compare_with():
    before = {"auc": {"old": 0.99, "new": None}, "auc_low": {"old": 0.98, "new": None}}
    assert base_from_diff({"reports/models/vgg16/headline.json": before}, "HEAD").models == {}


def test_the_sealed_test_comes_last_and_says_that_it_chose_nothing():
    sealed = SealedTest(metrics(0.87), "Computed after version 7 was registered. No choice used it.", 2, 5)
    text = report(evidence(DIFF, sealed=sealed))
    assert text.rstrip().endswith("Looks at this test set so far: 2; at any test set: 5.")
    last = text[text.index("### Sealed test of the winner") :]
    assert row(last, "AUC") == ["AUC", "0.870 (0.820 to 0.920)"]
    assert "No choice used it." in last
    assert "test patients" not in report(evidence(DIFF)).lower()


def test_metrics_of_anything_but_a_backbone_are_no_model():
    diff = {"reports/index.json": {"auc.value": {"old": 1.0, "new": 1.0}}}
    assert base_from_diff(diff, "HEAD").models == {}


def test_a_cell_can_not_end_its_cell():
    assert table(["a|b"], [["c\nd"]]) == "| a\\|b |\n| --- |\n| c d |"


def test_an_interval_without_bounds_is_a_number():
    assert interval_text({"value": 0.5}) == "0.500"
    assert interval_text({}) == "–"


def test_every_table_row_has_as_many_cells_as_its_header():
    text = report(evidence(DIFF, RegisteredChampion("5", "resnet50", {})))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_a_base_with_nothing_is_a_base():
    assert "AUC" in report(evidence(base=Base("HEAD", missing="not a git repository")))
