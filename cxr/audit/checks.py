"""The shortcut audit: does the answer come from the lungs, or from where the picture was taken?

On collections where each label has its own hospitals, every model separates the classes by the hospital (DeGrave et
al. 2021; Maguolo & Nanni 2021; Roberts et al. 2021). Each arm here takes one shortcut away, or looks for one, and
gives findings: a number with an interval over patients and what it was computed on, or the reason why this data can
not answer.

| arm | question | a model without shortcuts |
|---|---|---|
| same_source | COVID against other images of one source | as good as on all of them |
| lungs_blacked_out, lung_box_blacked_out, border_only | the patients without any lung | 0.5 |
| false_positive_rate, sensitivity | each source's calls at the operating threshold | the same for all sources |
| score_probe | do the answers differ by source within one label? | 0.5 |
| source_probe | can the trunk's features tell sources apart within one label? | 0.5; a frozen trunk is near 1 |
| cross_fitted, leave_one_source_out | the recipe, trained anew without these patients, without this source | |
| behaviour | does a harmless change move the answer? | 0 |
| lung_share | how much of the heat map lies inside the lungs? | 1 |

`source_probe` and the row after it say what the features allow, by a stand-in for the head (cxr/audit/probes.py).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cxr.audit.perturbations import Mask, blacked_out, border_only, harmless, lung_boxes, rectangle_masks
from cxr.audit.settings import AuditParams
from cxr.common.labels import CLASSES, COVID, NON_COVID
from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.metrics import evaluate
from cxr.evaluation.settings import EvaluateParams
from cxr.inference.lung_segmenter import LUNG_SHARE, share_inside

MIN_PATIENTS = 5  # of each side: an interval over fewer says nothing

Array = npt.NDArray[np.float64]


class Scorer(Protocol):
    """What is audited: `cxr.inference.engine.Engine`, or anything with its `predict`."""

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """uint8[n, size, size] to the calibrated probability of COVID, float64[n]."""

    def shares(self, pixels: np.ndarray) -> np.ndarray:
        """uint8[n, size, size] to each location's part of the logit, float64[n, h, w]."""


@dataclass(frozen=True)
class AuditImages:
    """Images that the model was not trained on. labels, sources, patients: (n,). pixels: uint8[n, size, size].
    of_split: bool[n], those of the split that every headline is about; the others are of sources and labels
    that are only ever tested on. lungs: finds them, uint8[k, size, size] to bool[k, size, size]; None where nothing
    could be trained to, and a rectangle has to do."""

    pixels: np.ndarray
    labels: Sequence[str]
    sources: Sequence[str]
    patients: Sequence[str]
    of_split: npt.NDArray[np.bool_]
    lungs: Callable[[np.ndarray], Mask] | None


@dataclass(frozen=True)
class Finding:
    """One number of the audit. subject: what it is about, such as a source. value: None where the data cannot
    tell, and `note` then says why. low, high: 95 % interval over patients, or as params.yaml says."""

    arm: str
    subject: str
    statistic: str
    value: float | None
    low: float | None
    high: float | None
    images: int
    patients: int
    note: str = ""


@dataclass(frozen=True)
class Answers:
    """What a model answered. p_covid: (n,), its answers on the plain pictures. threshold: from which on they count as
    COVID."""

    scorer: Scorer
    pictures: AuditImages
    p_covid: Array
    threshold: float


def unmeasured(arm: str, subject: str, statistic: str, why: str) -> Finding:
    return Finding(arm, subject, statistic, None, None, None, 0, 0, f"not measurable: {why}")


def audit_answers(answers: Answers, params: AuditParams, intervals: EvaluateParams) -> list[Finding]:
    """Every arm that asks the model itself."""
    return [
        *same_source(answers, intervals),
        *without_lungs(answers, params, intervals),
        *calls_by_source(answers, intervals),
        *score_probe(answers, intervals),
        *behaviour(answers, params, intervals),
        *lung_share(answers, params, intervals),
    ]


def same_source(answers: Answers, intervals: EvaluateParams) -> list[Finding]:
    """AUC of COVID against other images, each source by itself."""
    pictures = answers.pictures
    labels = np.array(pictures.labels)
    sources = np.array(pictures.sources)
    return [
        auc_finding(
            "same_source", source, labels == COVID, answers.p_covid, pictures.patients, intervals, sources == source
        )
        for source in sorted(set(pictures.sources))
    ]


def without_lungs(answers: Answers, params: AuditParams, intervals: EvaluateParams) -> Iterator[Finding]:
    """AUC on the split's patients when nothing of a lung is left to see, and, as with_lungs, of the plain pictures."""
    pictures = answers.pictures
    labels = np.array(pictures.labels)
    patients = np.array(pictures.patients)
    own = np.flatnonzero(pictures.of_split)
    chosen = own[spread(list(labels[own]), params.masked_images, params.seed)]
    covid = labels[chosen] == COVID
    who = list(patients[chosen])
    pixels = pictures.pixels[chosen]
    masks = rectangle_masks(*pixels.shape[:2]) if pictures.lungs is None else pictures.lungs(pixels)
    subject = "rectangle" if pictures.lungs is None else "lung masks"
    note = "" if pictures.lungs is not None else "no lung masks: the same rectangle was hidden in every picture"

    def arm(name: str, changed: np.ndarray) -> Finding:
        return auc_finding(name, subject, covid, answers.scorer.predict(changed), who, intervals, note=note)

    yield auc_finding("with_lungs", "plain pictures", covid, answers.p_covid[chosen], who, intervals)
    yield arm("lungs_blacked_out", blacked_out(pixels, masks))
    if pictures.lungs is None:
        why = "no lung masks; lungs_blacked_out already hides a rectangle"
        yield unmeasured("lung_box_blacked_out", "lung masks", "auc", why)
    else:
        yield arm("lung_box_blacked_out", blacked_out(pixels, lung_boxes(masks)))
    yield arm("border_only", border_only(pixels, params.border_width, masks))


def calls_by_source(answers: Answers, intervals: EvaluateParams) -> Iterator[Finding]:
    """False-positive rate of each source with other images, sensitivity of each with COVID images."""
    pictures = answers.pictures
    labels, sources, patients = map(np.array, (pictures.labels, pictures.sources, pictures.patients))
    called = answers.p_covid >= answers.threshold
    for label, arm in ((NON_COVID, "false_positive_rate"), (COVID, "sensitivity")):
        for source in sorted(set(pictures.sources)):
            here = (sources == source) & (labels == label)
            if not here.any():
                yield unmeasured(arm, source, "share called COVID", f"no {label} image of {source}")
                continue
            yield Finding(
                arm, source, "share called COVID", **mean_over_patients(called[here], patients[here], intervals)
            )


def score_probe(answers: Answers, intervals: EvaluateParams) -> Iterator[Finding]:
    """AUC with which the answer itself tells two sources of one label apart; the source named first scores higher
    above 0.5."""
    pictures = answers.pictures
    labels = np.array(pictures.labels)
    sources = np.array(pictures.sources)
    for label, first, second in pairs_of_sources(pictures.labels, pictures.sources):
        if not second:
            yield unmeasured("score_probe", f"{label}: {first}", "auc", f"{label} comes from one source only")
            continue
        here = (labels == label) & np.isin(sources, (first, second))
        subject = f"{label}: {first} over {second}"
        yield auc_finding("score_probe", subject, sources == first, answers.p_covid, pictures.patients, intervals, here)


def behaviour(answers: Answers, params: AuditParams, intervals: EvaluateParams) -> Iterator[Finding]:
    """Mean and 95th percentile of the probability's absolute change, and the share of calls that turn over."""
    pictures = answers.pictures
    chosen = spread(pictures.labels, params.behaviour_images, params.seed)
    pixels = pictures.pixels[chosen]
    before = answers.p_covid[chosen]
    patients = [pictures.patients[i] for i in chosen]
    for name, change in harmless(params.shift, params.brightness, params.jpeg_qualities, params.marker).items():
        after = answers.scorer.predict(change(pixels))
        moved = np.abs(after - before)
        turned = (after >= answers.threshold) != (before >= answers.threshold)
        yield Finding("behaviour", name, "mean change", **mean_over_patients(moved, patients, intervals))
        yield Finding("behaviour", name, "share of calls turned", **mean_over_patients(turned, patients, intervals))
        highest = float(np.quantile(moved, 0.95))
        count = len(set(patients))
        yield Finding("behaviour", name, "95th percentile change", highest, None, None, len(chosen), count)


def lung_share(answers: Answers, params: AuditParams, intervals: EvaluateParams) -> Iterator[Finding]:
    """Mean share of the heat map inside the lungs on the split's patients, beside the lungs' own share of the picture,
    which a map without any preference would have; and how many answers would be warned of (cxr/inference/answer.py)."""
    pictures = answers.pictures
    if pictures.lungs is None:
        yield unmeasured("lung_share", "heat map", "mean share", "no lung masks")
        return
    own = np.flatnonzero(pictures.of_split)
    labels = np.array(pictures.labels)[own]
    who = np.array(pictures.patients)
    chosen = own[spread(list(labels), params.behaviour_images, params.seed)]
    pixels = pictures.pixels[chosen]
    masks = pictures.lungs(pixels)
    found = [
        share_inside(mask, np.abs(shares)) for mask, shares in zip(masks, answers.scorer.shares(pixels), strict=True)
    ]
    known = np.array([share is not None for share in found])  # no lungs were found in the others
    inside = np.array([share for share in found if share is not None])
    patients = list(who[chosen[known]])
    area = masks[known].mean(axis=(1, 2))
    yield Finding("lung_share", "heat map", "mean share", **mean_over_patients(inside, patients, intervals))
    yield Finding("lung_share", "area of the lungs", "mean share", **mean_over_patients(area, patients, intervals))
    warned = mean_over_patients(inside < LUNG_SHARE, patients, intervals)
    yield Finding("lung_share", "heat map", "share of answers warned", **warned)


def spread(labels: Sequence[str], count: int, seed: int) -> npt.NDArray[np.intp]:
    """At most `count` indices, half of them of each label where there are enough; the same for the same seed."""
    rng = np.random.default_rng(seed)
    of = np.array(labels)
    shuffled = [rng.permutation(np.flatnonzero(of == label)) for label in CLASSES]
    fewer = min(len(part) for part in shuffled)
    each = max(count // 2, count - fewer) if fewer < count // 2 else count // 2
    return np.sort(np.concatenate([part[:each] for part in shuffled]))[:count]


def pairs_of_sources(labels: Sequence[str], sources: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """(label, source, source) for all pairs of sources that share a label; (label, source, "") where it has one."""
    for label in CLASSES:
        names = sorted({source for source, own in zip(sources, labels, strict=True) if own == label})
        if len(names) == 1:
            yield label, names[0], ""
        yield from ((label, a, b) for i, a in enumerate(names) for b in names[i + 1 :])


def auc_finding(
    arm: str,
    subject: str,
    positive: npt.NDArray[np.bool_],
    scores: Array,
    patients: Sequence[str],
    intervals: EvaluateParams,
    within: npt.NDArray[np.bool_] | None = None,
    note: str = "",
) -> Finding:
    """AUC of (n,) scores of any range; within: (n,) the images that count, all by default."""
    here = np.ones(len(positive), bool) if within is None else within
    y = positive[here]
    who = np.array(patients)[here]
    for of_class, name in ((y, "positive"), (~y, "negative")):
        count = len(set(who[of_class]))
        if count < MIN_PATIENTS:
            return unmeasured(
                arm, subject, "auc", f"{count} patients on the {name} side, at least {MIN_PATIENTS} needed"
            )
    ranks = np.unique(scores[here], return_inverse=True)[1] / max(len(y), 2)
    auc = evaluate(y, ranks, list(who), 0.5, intervals)["auc"]
    return Finding(arm, subject, "auc", auc["value"], auc["low"], auc["high"], len(y), len(set(who)), note)
