"""Live sensitivity and its kind from strata of answers, corrected for which answers get an outcome.

Within a stratum, outcomes are taken to be missing by chance; strata may differ in how many are missing. Each stratum's
share of positives then stands for all its answers: weighting by the inverse of the verification rate, which for
sensitivity and specificity is the correction of Begg and Greenes (1983).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cxr.outcomes.records import NO_BIN, STATES, TRIAGES, TRUTHS
from cxr.outcomes.store import Cell
from cxr.watch.intervals import share_interval

By = Literal["triage", "probability"]
BINS_OF_A_BAND = 4  # two units of the log odds
COVID, NON_COVID = STATES.index("COVID"), STATES.index("NonCOVID")
POSITIVE, NEGATIVE = TRUTHS.index("positive"), TRUTHS.index("negative")


@dataclass(frozen=True)
class Stratum:
    """Answers that are weighted alike. answers: all of them; positive, negative: those with that outcome. band: of the
    probability, -1 where strata are not by it."""

    state: int
    triage: int
    band: int
    answers: int
    positive: int
    negative: int

    @property
    def verified(self) -> int:
        return self.positive + self.negative

    @property
    def name(self) -> str:
        """For people."""
        group = TRIAGES[self.triage]
        band = "" if self.band < 0 else f", probability band {self.band + 1}"
        return f"{STATES[self.state]}{'' if group is None else f', {group}'}{band}"


def strata_of(counts: Mapping[Cell, int], by: By) -> list[Stratum]:
    """Of classified answers: by state and triage group, and where `by` says so by bands of the probability too."""
    found: dict[tuple[int, int, int], list[int]] = {}
    for cell, answers in counts.items():
        if cell.bin == NO_BIN:
            continue
        band = cell.bin // BINS_OF_A_BAND if by == "probability" else -1
        row = found.setdefault((cell.state, cell.triage, band), [0, 0, 0])
        row[0] += answers
        row[1] += answers * (cell.truth == POSITIVE)
        row[2] += answers * (cell.truth == NEGATIVE)
    return [Stratum(*key, *row) for key, row in sorted(found.items())]


Chosen = Callable[[Stratum], bool]


@dataclass(frozen=True)
class FigureRule:
    """A share of answers with some truth. truth: what is counted. within: of which answers. among: those of them that
    make the numerator of a share of a truth; None: the figure is the share of the truth within.

    So sensitivity is, of the positive ones (truth) of all (within), the share that is called COVID (among); PPV is, of
    those called COVID (within), the share of positive ones."""

    truth: Literal["positive", "negative"]
    within: Chosen
    among: Chosen | None = None


def _all(_stratum: Stratum) -> bool:
    return True


def _state(state: int) -> Chosen:
    return lambda stratum: stratum.state == state


def _triage(group: str) -> Chosen:
    return lambda stratum: TRIAGES[stratum.triage] == group


FIGURES: Mapping[str, FigureRule] = {
    "sensitivity": FigureRule("positive", _all, _state(COVID)),
    "specificity": FigureRule("negative", _all, _state(NON_COVID)),
    "ppv": FigureRule("positive", _state(COVID)),
    "npv": FigureRule("negative", _state(NON_COVID)),
    "missed_among_unlikely": FigureRule("positive", _triage("unlikely")),
    "false_among_likely": FigureRule("negative", _triage("likely")),
}


@dataclass(frozen=True)
class Estimate:
    """value: 0 to 1, None where none can be told. low, high: the interval that holds at all times. n: the outcomes that
    it is a share of, where it is one."""

    value: float | None
    low: float
    high: float
    n: int | None = None


@dataclass(frozen=True)
class Estimates:
    """raw: among answers with an outcome, as they are. corrected: for all answers. unverified: strata without an
    outcome, for which nothing can be corrected; the corrected interval allows any share there."""

    raw: Estimate
    corrected: Estimate
    unverified: tuple[Stratum, ...]


def measure(figure: FigureRule, strata: Sequence[Stratum], confidence: float) -> Estimates | None:
    """confidence: of each interval, above 0 and below 1. None where no answer is of the figure's kind."""
    within = [stratum for stratum in strata if figure.within(stratum) and stratum.answers]
    if not within:
        return None
    raw = _raw(figure, within, confidence)
    unverified = tuple(stratum for stratum in within if not stratum.verified)
    if all(stratum.verified == stratum.answers for stratum in within):
        return Estimates(raw, raw, unverified)  # nothing to correct
    return Estimates(raw, _corrected(figure, within, confidence), unverified)


def _is_counted(figure: FigureRule, stratum: Stratum) -> bool:
    return figure.among is None or figure.among(stratum)


def _raw(figure: FigureRule, within: Sequence[Stratum], confidence: float) -> Estimate:
    hits = sum(getattr(stratum, figure.truth) for stratum in within if _is_counted(figure, stratum))
    others = figure.truth if figure.among else "verified"
    of = sum(getattr(stratum, others) for stratum in within)
    return Estimate(hits / of if of else None, *share_interval(hits, of, confidence), of)


def _corrected(figure: FigureRule, within: Sequence[Stratum], confidence: float) -> Estimate:
    """Each stratum's share has an interval at which all hold together; the figure grows with the shares of the counted
    strata and falls with those of the others, so its ends are at their ends."""
    each = 1 - (1 - confidence) / len(within)
    shares = [_shares(figure, stratum, each) for stratum in within]
    counted = [_is_counted(figure, stratum) for stratum in within]

    def joined(counted_end: int, others_end: int) -> float | None:
        weights = [
            stratum.answers * share[counted_end if is_counted else others_end]
            for stratum, share, is_counted in zip(within, shares, counted, strict=True)
        ]
        hits = sum(weight for weight, is_counted in zip(weights, counted, strict=True) if is_counted)
        of = sum(weights) if figure.among else float(sum(stratum.answers for stratum in within))
        return hits / of if of else None

    low, high = joined(0, 2), joined(2, 0)
    known = all(stratum.verified for stratum in within)
    return Estimate(joined(1, 1) if known else None, low or 0.0, 1.0 if high is None else high)


def _shares(figure: FigureRule, stratum: Stratum, confidence: float) -> tuple[float, float, float]:
    """Low end, value and high end of a stratum's share of the truth; any value where it has no outcome."""
    hits = getattr(stratum, figure.truth)
    low, high = share_interval(hits, stratum.verified, confidence)
    return low, hits / stratum.verified if stratum.verified else 0.5, high
