"""Live sensitivity and its kind: right where outcomes are missing by a group's chance, honest where they are not."""

import numpy as np
import pytest

from cxr.outcomes.figures import FIGURES, Estimates, Stratum, measure, strata_of
from cxr.outcomes.records import PROBABILITY, STATES, TRIAGES, TRUTHS
from cxr.outcomes.store import Cell
from cxr.watch.intervals import share_interval
from tests.outcomes.made import PROFILE, drawn, said

UNLIKELY, UNCERTAIN, LIKELY, NO_GROUP = range(4)
NON_COVID, COVID = 0, 1


def stratum(state: int, triage: int, answers: int, positive: int, negative: int) -> Stratum:
    return Stratum(state, triage, -1, answers, positive, negative)


def measured(name: str, *strata: Stratum) -> Estimates:
    found = measure(FIGURES[name], strata, 0.95)
    assert found is not None
    return found


def test_begg_and_greenes_of_their_own_table() -> None:
    """A scan of the liver (Drum and Christacopoulos 1972, the example of Begg and Greenes 1983): 429 positive, of whom
    263 were verified; 221 negative, of whom 81 were."""
    table = (stratum(COVID, NO_GROUP, 429, 231, 32), stratum(NON_COVID, NO_GROUP, 221, 27, 54))
    sensitivity, specificity = measured("sensitivity", *table), measured("specificity", *table)
    assert sensitivity.raw.value == pytest.approx(231 / 258)
    assert specificity.raw.value == pytest.approx(54 / 86)
    assert sensitivity.corrected.value == pytest.approx(0.836, abs=5e-4)
    assert specificity.corrected.value == pytest.approx(0.738, abs=5e-4)


def test_nothing_is_corrected_where_every_answer_has_its_outcome() -> None:
    table = (stratum(COVID, LIKELY, 40, 30, 10), stratum(NON_COVID, UNLIKELY, 60, 3, 57))
    found = measured("sensitivity", *table)
    assert found.corrected == found.raw
    assert (found.raw.low, found.raw.high) == share_interval(30, 33)


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("sensitivity", 35 / 39, 39),
        ("specificity", 62 / 81, 81),
        ("ppv", 35 / 54, 54),
        ("npv", 62 / 66, 66),
        ("missed_among_unlikely", 1 / 50, 50),
        ("false_among_likely", 10 / 40, 40),
    ],
)
def test_each_figure_counts_what_its_name_says(name: str, value: float, n: int) -> None:
    table = (
        stratum(COVID, LIKELY, 40, 30, 10),
        stratum(COVID, UNCERTAIN, 14, 5, 9),
        stratum(NON_COVID, UNCERTAIN, 16, 3, 13),
        stratum(NON_COVID, UNLIKELY, 50, 1, 49),
    )
    found = measured(name, *table)
    assert (found.raw.value, found.raw.n) == (pytest.approx(value), n)


def test_a_group_without_an_outcome_is_named_and_may_be_anything() -> None:
    table = (stratum(COVID, LIKELY, 40, 30, 2), stratum(NON_COVID, UNLIKELY, 400, 0, 0))
    found = measured("sensitivity", *table)
    assert [one.name for one in found.unverified] == ["NonCOVID, unlikely"]
    assert found.corrected.value is None
    assert found.corrected.low < 0.1
    assert found.corrected.high == 1
    assert found.raw.value == 1  # which is why the raw one is not compared with a limit
    alone = measured("missed_among_unlikely", *table)
    assert (alone.corrected.low, alone.corrected.high, alone.raw.value) == (0, 1, None)


def test_there_is_no_figure_of_answers_that_there_are_none_of() -> None:
    assert measure(FIGURES["false_among_likely"], [stratum(COVID, NO_GROUP, 9, 4, 2)], 0.95) is None


def test_no_positive_outcome_leaves_sensitivity_open() -> None:
    found = measured("sensitivity", stratum(COVID, NO_GROUP, 3, 0, 1), stratum(NON_COVID, NO_GROUP, 9, 0, 5))
    assert found.raw.value is None
    assert found.corrected.value is None
    assert (found.raw.low, found.raw.high) == (0, 1)


RATES = {"unlikely": 0.1, "uncertain": 0.5, "likely": 0.9}  # of answers that get an outcome


def history(rng: np.random.Generator, count: int) -> list[Cell]:
    """Answers in their order, with an outcome as often as their group gets one."""
    cells = []
    for p_covid, truth in zip(*drawn(rng, count), strict=True):
        answer = said(float(p_covid))
        told = rng.random() < RATES[str(answer.triage)]
        known = "none" if not told else "positive" if truth else "negative"
        place = PROBABILITY.bin_of(float(p_covid))
        cells.append(Cell(STATES.index(answer.state), TRIAGES.index(answer.triage), place, TRUTHS.index(known)))
    return cells


def counted(cells: list[Cell]) -> dict[Cell, int]:
    return {cell: cells.count(cell) for cell in set(cells)}


@pytest.mark.parametrize("by", ["triage", "probability"])
def test_selective_verification_biases_the_raw_share_and_not_the_corrected_one(by: str) -> None:
    rng = np.random.default_rng(5)
    p_covid, truth = drawn(rng, 200_000)
    real = (truth & (p_covid >= PROFILE.threshold)).sum() / truth.sum()
    strata = strata_of(counted(history(rng, 6000)), by)  # type: ignore[arg-type]
    found = measured("sensitivity", *strata)
    assert found.raw.value is not None
    assert found.raw.value > real + 0.1
    assert found.corrected.value == pytest.approx(real, abs=0.03)
    assert found.corrected.low < real < found.corrected.high
    assert real < found.raw.low  # whoever believed the raw one would be wrong


def test_the_corrected_interval_holds_at_all_times_together() -> None:
    """Of 60 sites, looked at after every 50 answers, hardly one is ever wrong; the theorem allows one in twenty."""
    p_covid, truth = drawn(np.random.default_rng(0), 400_000)
    real = (truth & (p_covid >= PROFILE.threshold)).sum() / truth.sum()
    wrong = 0
    for site in range(60):
        counts: dict[Cell, int] = {}
        ever = False
        for number, cell in enumerate(history(np.random.default_rng(100 + site), 500), start=1):
            counts[cell] = counts.get(cell, 0) + 1
            if number % 50 == 0:
                found = measure(FIGURES["sensitivity"], strata_of(counts, "triage"), 0.95)
                ever = ever or bool(found and not found.corrected.low <= real <= found.corrected.high)
        wrong += ever
    assert wrong <= 3
