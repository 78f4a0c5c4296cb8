"""Outcomes in a worker: each answer's id is kept in the file of CXR_FEEDBACK, and /metrics has what they say of the
model (docs/outcomes.md)."""

import logging
from pathlib import Path

from cxr.inference.site_profile import SiteProfile
from cxr.outcomes.figures import FIGURES
from cxr.outcomes.recorder import OutcomeRecorder
from cxr.outcomes.records import TRUTHS, setup_of
from cxr.outcomes.report import report_of
from cxr.outcomes.store import OutcomeStore
from serving.champion import Champion
from serving.metrics import Metrics
from serving.settings import Settings, SettingsError

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
    return OutcomeRecorder(
        store,
        failed=metrics.outcomes.failures.inc,
        wrote=lambda: show_outcomes(store, metrics, champion),
    )


def show_outcomes(store: OutcomeStore, metrics: Metrics, champion: Champion) -> None:
    """Tell Prometheus what the outcomes of the model that answers say. Raises StoreError."""
    site: SiteProfile | None = champion.site
    setup = setup_of(champion.facts.name, champion.facts.version, site)
    if not store.path.exists() or setup not in [used.setup for used in store.setups()]:
        return
    report = report_of(store, site, model=setup.model)
    for place, truth in enumerate(TRUTHS):
        metrics.outcomes.answers.labels(truth).set(report.answers(truth=place))
    for name in FIGURES:
        figure = report.figures.get(name)
        if figure is None:
            continue
        found = figure.measured.corrected
        for of, value in (("value", found.value), ("low", found.low), ("high", found.high)):
            metrics.outcomes.figures.labels(name, of).set(float("nan") if value is None else value)
        if figure.limit is not None:
            metrics.outcomes.limits.labels(name).set(figure.standing == "broken")
