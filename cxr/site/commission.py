"""From a site's answers to its profile: calibration, cut-offs, threshold, verdict, the certify patients' numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from cxr.evaluation.metrics import evaluate
from cxr.evaluation.report_types import GroupsReport, MetricsReport
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.subgroups import MIN_PATIENTS, evaluate_groups
from cxr.inference.site_profile import Calibration, Commissioned, Cuts, Figure, Histogram, Limits, ModelOf, SiteProfile
from cxr.inference.triage import GROUPS, groups_of, site_probabilities
from cxr.site.answered import SiteAnswers
from cxr.site.decision import SiteDecision, decide
from cxr.site.findings import Findings, Share
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares, one_each, parts_of
from cxr.site.recalibration import AS_IT_IS, recalibrated
from cxr.site.verdict import Decided, refusals_against
from cxr.training.calibration_fit import operating_threshold
from cxr.watch.statistics import reference_of

RESAMPLES = 1000
VALID = timedelta(days=365)
FACTORS = ("view", "sex", "age")


@dataclass(frozen=True)
class SiteRequest:
    """What the site decides. by: who commissions, on: when."""

    site: str
    by: str
    on: date
    limits: SiteLimits
    shares: Shares
    seed: int


@dataclass(frozen=True)
class SiteReport:
    """What the page shows. p: (n,), the site's probability of each answered picture. parts: (n,). metrics, groups: of
    the certify patients, all their pictures; None where there are too few."""

    profile: SiteProfile
    decision: SiteDecision
    p: npt.NDArray[np.float64]
    metrics: MetricsReport | None
    groups: GroupsReport


def commission(answers: SiteAnswers, model: ModelOf, asked: SiteRequest) -> SiteReport:
    """Everything after the answers; it takes seconds. The same answers and seed give the same report."""
    patients = [row.patient for row in answers.rows]
    names = [row.path for row in answers.rows]
    y = answers.y
    calibration = _calibration(answers, asked)
    p = site_probabilities(answers.log_odds, calibration)
    decision = decide(y, p, patients, names, limits=asked.limits, shares=asked.shares, seed=asked.seed)
    decided = _with_refusals(decision.decided, answers, asked.limits)
    threshold = decision.threshold
    if threshold is None:  # the verdict is against the use; the figures need one all the same
        known = decision.parts != "certify"
        threshold = operating_threshold(y[known], p[known], asked.limits.sensitivity) if y[known].any() else 1.0
    metrics, groups = _measured(answers, p, threshold, decision, asked)
    empty = empty_profile(model, asked)
    profile = replace(
        empty,
        verdict=decided.verdict,
        reasons=decided.reasons,
        calibration=calibration,
        threshold=threshold,
        triage=Cuts(*decision.triage.cuts()) if decided.verdict == "for_use" else None,
        certified=_certified(decision.findings, metrics),
        reference=_reference(answers, p, decision),
        commissioned=replace(empty.commissioned, images=len(answers.rows), patients=len(set(patients))),
    )
    return SiteReport(profile, decision, p, metrics, groups)


def empty_profile(model: ModelOf, asked: SiteRequest) -> SiteProfile:
    """What a profile says before a picture was answered."""
    until = asked.on + VALID
    return SiteProfile(
        site=asked.site,
        model=model,
        verdict="not_for_use",
        reasons=("No picture was answered yet.",),
        calibration=AS_IT_IS,
        threshold=1.0,
        triage=None,
        limits=Limits(**asdict(asked.limits)),
        certified={},
        reference={},
        commissioned=Commissioned(asked.on.isoformat(), asked.by, until.isoformat(), images=0, patients=0),
    )


def _reference(answers: SiteAnswers, p: npt.NDArray[np.float64], decision: SiteDecision) -> Mapping[str, Histogram]:
    """What the watch compares with: of every picture, as the service will count it under this profile."""
    groups = groups_of(p, Cuts(*decision.triage.cuts()))
    counted = [
        {**values, "probability": float(probability), "triage": GROUPS[group]}
        for values, probability, group in zip(answers.counted, p, groups, strict=True)
    ]
    return reference_of([*counted, *answers.counted_refused])


def _calibration(answers: SiteAnswers, asked: SiteRequest) -> Calibration:
    """Of the calibrate patients, one picture each."""
    patients = [row.patient for row in answers.rows]
    chosen = one_each(patients, [row.path for row in answers.rows], asked.seed)
    parts = parts_of(patients, answers.y, asked.shares, asked.seed)
    known = chosen[parts[chosen] == "calibrate"]
    return recalibrated(answers.y[known], answers.log_odds[known])


def _with_refusals(decided: Decided, answers: SiteAnswers, limits: SiteLimits) -> Decided:
    against = refusals_against(Share(answers.asked - len(answers.rows), answers.asked), limits.confidence)
    if not against:
        return decided
    return Decided("not_for_use", (*against, *(decided.reasons if decided.verdict == "not_for_use" else ())))


def _measured(
    answers: SiteAnswers, p: npt.NDArray[np.float64], threshold: float, decision: SiteDecision, asked: SiteRequest
) -> tuple[MetricsReport | None, GroupsReport]:
    found = decision.findings
    if min(found.positives, found.negatives) < MIN_PATIENTS:
        return None, {}
    new = np.flatnonzero(decision.parts == "certify")
    rows = [answers.rows[i] for i in new]
    y = answers.y
    params = EvaluateParams(RESAMPLES, asked.limits.confidence, float(y.mean()), asked.seed)
    metrics = evaluate(y[new], p[new], [row.patient for row in rows], threshold, params)
    groups = evaluate_groups(rows, y[new], p[new], threshold, params)
    return cast(MetricsReport, metrics), {factor: groups[factor] for factor in FACTORS}


def _certified(findings: Findings, metrics: MetricsReport | None) -> Mapping[str, Figure]:
    """What the profile says was measured on patients that nothing was chosen by."""
    shares = {
        "sensitivity": findings.sensitivity,
        "specificity": findings.specificity,
        "missed_among_unlikely": findings.missed_among_unlikely,
        "false_among_likely": findings.false_among_likely,
        "uncertain_share": findings.uncertain,
    }
    figures = {
        name: Figure(share.count / share.trials, *share.interval(findings.confidence), share.trials)
        for name, share in shares.items()
        if share.trials
    }
    for name in ("auc", "calibration_error"):
        measured: Any = metrics and metrics.get(name)
        if measured and measured["value"] is not None:
            images = metrics["counts"]["images"] if metrics else 0
            figures[name] = Figure(measured["value"], measured["low"], measured["high"], images)
    return figures
