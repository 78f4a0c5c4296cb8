"""Which sources are left out together, and which cannot be: decided from labels, sources and patients alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cxr.common.labels import COVID, NON_COVID
from cxr.evaluation.subgroups import MIN_PATIENTS

PARTS = ("train", "validation")  # the splits whose images take part; EXTERNAL is the third part
EXTERNAL = "external"

Indices = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Images:
    """What a fold needs to know of each image, (n,) each. patients: groups, each a patient or all whom copies of
    one picture join (cxr/data/splits.py). parts: one of PARTS, or EXTERNAL for images of sources that are never trained
    on."""

    labels: Sequence[str]
    sources: Sequence[str]
    patients: Sequence[str]
    parts: Sequence[str]

    @cached_property
    def covid(self) -> Mask:
        return np.array(self.labels) == COVID

    @cached_property
    def of_source(self) -> npt.NDArray[np.str_]:
        return np.array(self.sources)

    @cached_property
    def of_patient(self) -> npt.NDArray[np.str_]:
        return np.array(self.patients)

    @cached_property
    def of_part(self) -> npt.NDArray[np.str_]:
        return np.array(self.parts)

    def trainable_sources(self, label: str | None = None) -> list[str]:
        """Sources with training or validation images, of one label or of any."""
        here = self.of_part != EXTERNAL
        if label is not None:
            here &= self.covid == (label == COVID)
        return sorted({str(source) for source in self.of_source[here]})

    def external_sources(self) -> list[str]:
        return sorted({str(source) for source in self.of_source[self.of_part == EXTERNAL]})


@dataclass(frozen=True, order=True)
class Pair:
    """The COVID images of one source against the others of one source; both may be the same source."""

    positive: str
    negative: str

    @property
    def left_out(self) -> tuple[str, ...]:
        return tuple(sorted({self.positive, self.negative}))

    def __str__(self) -> str:
        return self.positive if self.positive == self.negative else f"{self.positive} against {self.negative}"


@dataclass(frozen=True)
class Fold:
    """One training without some sources. train, validation: indices of the images it learns from. asked: of those that
    it answers about, images of the sources left out and of external ones."""

    left_out: tuple[str, ...]
    train: Indices
    validation: Indices
    asked: Indices


@dataclass(frozen=True)
class Plan:
    """pairs: those that can be measured. impossible: the others, with the reason. folds: one for every set of sources
    that a pair leaves out, and one for every source that no pair does and that can be left out by itself."""

    pairs: tuple[Pair, ...]
    impossible: dict[Pair, str]
    folds: tuple[Fold, ...]


def plan_folds(images: Images) -> Plan:
    """Every pair of a source with COVID and a source without, as far as the other sources still have both labels."""
    reasons = {pair: _hindrance(images, pair) for pair in _pairs(images)}
    pairs = tuple(pair for pair, reason in reasons.items() if not reason)
    measured = {source for pair in pairs for source in pair.left_out}
    alone = [(s,) for s in images.trainable_sources() if s not in measured and not lacks(fold_of(images, (s,)), images)]
    left_out = sorted({*(pair.left_out for pair in pairs), *alone})
    impossible = {pair: reason for pair, reason in reasons.items() if reason}
    return Plan(pairs, impossible, tuple(fold_of(images, sources) for sources in left_out))


def fold_of(images: Images, left_out: tuple[str, ...]) -> Fold:
    """The fold without these sources. A patient of theirs whose pictures are in another source too, as copies are, is
    left out there as well, by pictures as by records."""
    out = np.isin(images.of_source, left_out) & (images.of_part != EXTERNAL)
    rest = ~out & ~np.isin(images.of_patient, images.of_patient[out])
    train, validation = (np.flatnonzero(rest & (images.of_part == part)) for part in PARTS)
    return Fold(left_out, train, validation, np.flatnonzero(out | (images.of_part == EXTERNAL)))


def lacks(fold: Fold, images: Images) -> str:
    """What the sources left in lack for a training, in words; "" where they lack nothing."""
    for part, kept in zip(PARTS, (fold.train, fold.validation), strict=True):
        for label, there in ((COVID, images.covid[kept]), (NON_COVID, ~images.covid[kept])):
            if not there.any():
                return f"the other sources have no {label} image in {part}"
    return ""


def too_few_sources(images: Images) -> str:
    """Why no source of a label can be left out, in words; "" where each label has two sources or more."""
    for label in (COVID, NON_COVID):
        sources = images.trainable_sources(label)
        if len(sources) < 2:
            found = f"one source only, {sources[0]}" if sources else "no source"
            return f"the {label} images come from {found}"
    return ""


def _pairs(images: Images) -> Iterator[Pair]:
    for positive in images.trainable_sources(COVID):
        for negative in images.trainable_sources(NON_COVID):
            yield Pair(positive, negative)


def _hindrance(images: Images, pair: Pair) -> str:
    trainable = images.of_part != EXTERNAL
    for source, of_label, label in (
        (pair.positive, images.covid, COVID),
        (pair.negative, ~images.covid, NON_COVID),
    ):
        count = len(set(images.of_patient[trainable & of_label & (images.of_source == source)]))
        if count < MIN_PATIENTS:
            return f"{source} has {count} patients with {label} images, fewer than {MIN_PATIENTS}"
    return lacks(fold_of(images, pair.left_out), images)
