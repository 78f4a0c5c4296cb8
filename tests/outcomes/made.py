"""Answers with outcomes, drawn instead of given."""

from datetime import date
from pathlib import Path

import numpy as np

from cxr.inference.answer import Answer
from cxr.inference.site_profile import Calibration, Commissioned, Cuts, Limits, ModelOf, SiteProfile
from cxr.inference.triage import group_of
from cxr.outcomes.records import Outcome, Setup, given_of, new_id, setup_of
from cxr.outcomes.store import OutcomeStore

NOW = 480_000
PROFILE = SiteProfile(
    site="St. Somewhere",
    model=ModelOf("covid-cxr", "3", "0" * 64),
    verdict="for_use",
    reasons=(),
    calibration=Calibration(1.0, 0.0),
    threshold=0.5,
    triage=Cuts(0.2, 0.8),
    limits=Limits(0.05, 0.2, 0.95, 0.9),
    certified={},
    reference={},
    commissioned=Commissioned(date(2026, 11, 1).isoformat(), "A. Tester", date(2027, 11, 1).isoformat(), 200, 150),
)
SETUP = setup_of("covid-cxr", "3", PROFILE)
BARE = Setup("covid-cxr:3")


def said(p_covid: float, site: SiteProfile | None = PROFILE) -> Answer:
    """An answer with this probability; at a site, with its group."""
    state = "COVID" if p_covid >= 0.5 else "NonCOVID"
    triage = group_of(p_covid, site.triage) if site and site.triage else None
    return Answer(state, 100 * p_covid, {"NonCOVID": 1 - p_covid, "COVID": p_covid}, 0.5, triage=triage)


REFUSED = Answer("Refused", None, None, 0.5)


def fill(
    store: OutcomeStore, answers: list[tuple[Answer, Outcome | None]], setup: Setup = SETUP, hour: int = NOW
) -> list[bytes]:
    """Give these answers, then tell their outcomes; None: nothing comes back. Their ids."""
    ids = [new_id() for _ in answers]
    store.add({number: given_of(one, setup, hour) for number, (one, _) in zip(ids, answers, strict=True)})
    told = [(number, truth) for number, (_, truth) in zip(ids, answers, strict=True) if truth is not None]
    assert store.take(told, hour) == ["taken"] * len(told)
    return ids


def store_in(folder: Path) -> OutcomeStore:
    return OutcomeStore(folder / "feedback.db")


def drawn(rng: np.random.Generator, count: int, prevalence: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and truths of a calibrated model's patients: float64[count], bool[count]."""
    log_odds = rng.normal(np.log(prevalence / (1 - prevalence)), 2.5, count)
    p_covid = 1 / (1 + np.exp(-log_odds))
    return p_covid, rng.random(count) < p_covid
