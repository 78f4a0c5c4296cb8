"""The audit's arms that need the trunk's features of all images: what sources they betray, and what the recipe gives
on patients and on sources that it was not trained on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.audit.checks import MIN_PATIENTS, Finding, auc_finding, pairs_of_sources, unmeasured
from cxr.audit.probes import Array, patient_folds, separate
from cxr.audit.settings import AuditParams
from cxr.common.labels import CLASSES, COVID, NON_COVID
from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.settings import EvaluateParams
from cxr.training.calibration_fit import operating_threshold

# Trains a head on the images of these indices (k,), and gives every image's log odds (n,).
Fit = Callable[[npt.NDArray[np.intp]], Array]


@dataclass(frozen=True)
class FeatureExamples:
    """labels, sources, patients: (n,), of images whose features are at hand. trainable: bool (n,), those that the
    recipe trains on; the others are only ever tested on."""

    labels: Sequence[str]
    sources: Sequence[str]
    patients: Sequence[str]
    trainable: npt.NDArray[np.bool_]


def source_probe(
    products: Array, examples: FeatureExamples, params: AuditParams, intervals: EvaluateParams
) -> Iterator[Finding]:
    """AUC of a linear classifier between two sources of one label, on patients that it was not trained on.

    products: of `cxr.audit.probes.gram`, of these n images. The note holds the same with the patients dealt at random
    to the sources: what no difference at all would give.
    """
    labels, sources, patients = map(np.array, (examples.labels, examples.sources, examples.patients))
    for label, first, second in pairs_of_sources(examples.labels, examples.sources):
        if not second:
            yield unmeasured("source_probe", f"{label}: {first}", "auc", f"{label} comes from one source only")
            continue
        here = np.flatnonzero((labels == label) & np.isin(sources, (first, second)))
        first_source = sources[here] == first
        who = list(patients[here])
        subject = f"{label}: {first} against {second}"
        if min(len(set(patients[here][first_source])), len(set(patients[here][~first_source]))) < MIN_PATIENTS:
            yield unmeasured("source_probe", subject, "auc", f"fewer than {MIN_PATIENTS} patients in one of them")
            continue
        found = separate(
            products[np.ix_(here, here)], first_source, who, params.folds, params.permutations, params.seed
        )
        yield auc_finding(
            "source_probe", subject, first_source, found.scores, who, intervals, note=_by_chance(found.permuted)
        )


def cross_fitted(
    fit: Fit, examples: FeatureExamples, params: AuditParams, intervals: EvaluateParams
) -> Iterator[Finding]:
    """AUC of the recipe within each source that has both labels, every image scored by a head that was trained
    without its patient: more images than one split has, so a narrower interval."""
    patients = np.array(examples.patients)
    sources = np.array(examples.sources)
    covid = np.array(examples.labels) == COVID
    if not _has_both(covid[examples.trainable]):
        yield unmeasured("cross_fitted", "all sources", "auc", "the recipe trains on one label only")
        return
    fold = patient_folds(examples.patients, params.folds, np.random.default_rng(params.seed))
    scores = np.empty(len(patients))
    for k in range(params.folds):
        trained_on = np.flatnonzero((fold != k) & examples.trainable)
        scores[fold == k] = fit(trained_on)[fold == k]
    yield auc_finding("cross_fitted", "all sources", covid, scores, list(patients), intervals)
    for source in sorted(set(examples.sources)):
        here = sources == source
        yield auc_finding("cross_fitted", source, covid, scores, list(patients), intervals, here)


def leave_one_source_out(
    fit: Fit, examples: FeatureExamples, sensitivity: float, params: AuditParams, intervals: EvaluateParams
) -> Iterator[Finding]:
    """Each source's calls by a head that never saw it.

    The threshold reaches `sensitivity` out of fold on the sources that were left in, so nothing of the source left
    out has a part in it.
    """
    covid = np.array(examples.labels) == COVID
    sources = np.array(examples.sources)
    for source in sorted(set(examples.sources)):
        out = sources == source
        rest = examples.trainable & ~out
        if not _has_both(covid[rest]):
            lost = " and ".join(
                label for label, there in zip(CLASSES, (~covid, covid), strict=True) if not there[rest].any()
            )
            yield unmeasured("leave_one_source_out", source, "share called COVID", f"{lost} comes from it alone")
            continue
        threshold = _threshold(fit, examples, rest, sensitivity, params)
        scores = fit(np.flatnonzero(rest))
        yield from _calls(source, scores >= threshold, out, examples, intervals)
        if _has_both(covid[out]):
            yield auc_finding("leave_one_source_out", source, covid, scores, examples.patients, intervals, out)


def _threshold(
    fit: Fit, examples: FeatureExamples, rest: npt.NDArray[np.bool_], sensitivity: float, params: AuditParams
) -> float:
    """The log odds that reach `sensitivity` among the images of `rest`, each scored without its patient."""
    fold = patient_folds(examples.patients, params.folds, np.random.default_rng(params.seed))
    covid = np.array(examples.labels) == COVID
    scores = np.full(len(fold), -np.inf)
    for k in range(params.folds):
        trained_on = np.flatnonzero(rest & (fold != k))
        if _has_both(covid[trained_on]):
            scores[fold == k] = fit(trained_on)[fold == k]
    return operating_threshold(covid[rest], scores[rest], sensitivity)


def _calls(
    source: str,
    called: npt.NDArray[np.bool_],
    out: npt.NDArray[np.bool_],
    examples: FeatureExamples,
    intervals: EvaluateParams,
) -> Iterator[Finding]:
    labels = np.array(examples.labels)
    patients = np.array(examples.patients)
    for label in (NON_COVID, COVID):
        here = out & (labels == label)
        if here.any():
            rates = mean_over_patients(called[here], list(patients[here]), intervals)
            yield Finding("leave_one_source_out", f"{source}: {label}", "share called COVID", **rates)


def _has_both(covid: npt.NDArray[np.bool_]) -> bool:
    return bool(covid.any() and not covid.all())


def _by_chance(permuted: Array) -> str:
    if not len(permuted):
        return ""
    return f"with sources dealt at random {permuted.mean():.2f}, at most {permuted.max():.2f} in {len(permuted)} draws"
