"""Outcomes in a worker: each answer's id is kept in the file of CXR_FEEDBACK, and /metrics has what they say of the
model (docs/outcomes.md)."""

import logging
import math
from pathlib import Path

from cxr.inference.site_profile import SiteProfile
from cxr.outcomes.figures import FIGURES, Estimate
from cxr.outcomes.recorder import OutcomeRecorder
from cxr.outcomes.records import TRUTHS, Setup
from cxr.outcomes.report import LIMITS, report_about
from cxr.outcomes.store import OutcomeStore
from serving.champion import Champion
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError

NOT_KNOWN = Estimate(None, math.nan, math.nan)
logger = logging.getLogger("bentoml.covid_cxr")


def open_outcomes(settings: Settings, metrics: Metrics, champion: Champion) -> OutcomeRecorder | None:
    """Gives this worker's answers their ids, not started; None where CXR_FEEDBACK is unset. Raises SettingsError where
    its folder is not there: later faults are counted, this one a person can mend now."""
    if not settings.feedback:
        return None
    store = OutcomeStore(Path(settings.feedback))
    if not store.path.parent.is_dir():
        raise SettingsError(f"CXR_FEEDBACK is {settings.feedback!r}; it takes a file in a folder that is there")
    if not settings.wants_key:
        logger.warning(
            "CXR_FEEDBACK is set and no key is: POST /feedback stays off; set CXR_KEYS, or use `cxr feedback`"
        )
    outcomes = OutcomeRecorder(
        store,
        champion.site,
        failed=metrics.outcomes.failures.inc,
        wrote=lambda: show_outcomes(
            store, metrics, champion.site, outcomes.setup(champion.facts.name, champion.facts.version)
        ),
    )
    return outcomes


def show_outcomes(store: OutcomeStore, metrics: Metrics, site: SiteProfile | None, setup: Setup) -> None:
    """Tell Prometheus what the outcomes of the model that answers say. setup: of its answers. Raises StoreError."""
    used = [used for used in store.setups() if used.setup == setup] if store.path.exists() else []
    report = report_about(store, used[0], site) if used else None
    for place, truth in enumerate(TRUTHS):
        metrics.outcomes.answers.labels(truth).set(report.answers(truth=place) if report else 0)
    for name in FIGURES:
        figure = report.figures.get(name) if report else None
        found = figure.measured.corrected if figure else NOT_KNOWN  # also where the model before had one
        for of in ("value", "low", "high"):
            value = getattr(found, of)
            metrics.outcomes.figures.labels(name, of).set(math.nan if value is None else value)
        if name in LIMITS:
            metrics.outcomes.limits.labels(name).set(bool(report and name in report.broken))
