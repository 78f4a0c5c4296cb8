"""From labels and probabilities alone to cut-offs, a threshold, what the certify patients say of them, and a verdict.

The command and the simulation of `tools.site_promise` both call `decide`, so that what is simulated is what is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.site.findings import Findings, findings_of
from cxr.site.limits import SiteLimits
from cxr.site.parts import Shares, one_each, parts_of
from cxr.site.triage_certification import CertifiedTriage, certified_threshold, certify_triage
from cxr.site.verdict import Decided, verdict_of


@dataclass(frozen=True)
class SiteDecision:
    """parts: (n,) of each picture. triage, threshold: chosen on the patients of `calibrate`. findings: what the
    patients of `certify` say."""

    parts: npt.NDArray[np.str_]
    triage: CertifiedTriage
    threshold: float | None
    findings: Findings
    decided: Decided


def decide(
    y_true: npt.ArrayLike,
    p_covid: npt.ArrayLike,
    patients: Sequence[str],
    names: Sequence[str],
    *,
    limits: SiteLimits,
    shares: Shares,
    seed: int,
) -> SiteDecision:
    """Of the pictures that the model answers: y_true (n,) 0 or 1, p_covid (n,) in [0, 1], patients and names (n,).

    One picture of each patient enters, by chance: what is promised is about a patient's picture, whoever has many.
    """
    y = np.asarray(y_true, int)
    p = np.asarray(p_covid, float)
    parts = parts_of(patients, y, shares, seed)
    single = np.zeros(len(y), bool)
    single[one_each(patients, names, seed)] = True
    known = single & (parts == "calibrate")
    triage, threshold = _chosen(y[known], p[known], limits)
    new = single & (parts == "certify")
    findings = findings_of(y[new], p[new], triage.cuts(), threshold, limits.confidence)
    return SiteDecision(parts, triage, threshold, findings, verdict_of(triage, threshold, findings, limits))


def _chosen(
    y: npt.NDArray[np.int_], p: npt.NDArray[np.float64], limits: SiteLimits
) -> tuple[CertifiedTriage, float | None]:
    """Cut-offs and a threshold that never contradict each other: who is called likely is called COVID, and who is
    called unlikely is not. A lower threshold keeps the sensitivity, and a smaller group of those that passed its
    limit."""
    threshold = certified_threshold(y, p, sensitivity=limits.sensitivity, confidence=limits.confidence)
    triage = certify_triage(
        y,
        p,
        missed=limits.missed_among_unlikely,
        false=limits.false_among_likely,
        confidence=limits.confidence,
        threshold=threshold,
    )
    if threshold is not None and triage.likely is not None:
        threshold = min(threshold, triage.likely.bound)
    return triage, threshold
