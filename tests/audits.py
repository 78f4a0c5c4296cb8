"""Settings for audits of made up answers and features, and how to find one of their findings."""

from cxr.audit.checks import Finding
from cxr.audit.settings import AuditLimits, AuditParams
from cxr.evaluation.settings import EvaluateParams

INTERVALS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=1)
LIMITS = AuditLimits(
    same_source_auc=0.7,
    without_lungs_auc=0.7,
    false_positive_rate=0.1,
    sensitivity=0.85,
    mean_change=0.05,
    calls_turned=0.05,
)
PARAMS = AuditParams(
    border_width=0.1,
    shift=0.05,
    brightness=0.05,
    jpeg_qualities=(75,),
    marker="AP",
    masked_images=200,
    behaviour_images=20,
    images_per_source=100,
    folds=4,
    permutations=20,
    seed=3,
    limits=LIMITS,
)


def one(findings: list[Finding], arm: str, subject: str | None = None) -> Finding:
    found = [f for f in findings if f.arm == arm and (subject is None or f.subject == subject)]
    assert len(found) == 1, found
    return found[0]
