"""Populations of patients whose truth is known, for `tools.site_promise`: how a model's probabilities are spread."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, ndtr, ndtri

from cxr.common.errors import CxrError
from cxr.common.labels import CLASSES, COVID

Array = npt.NDArray[np.float64]


class Population(Protocol):
    """works: whether the model's probabilities say anything there."""

    @property
    def name(self) -> str: ...

    @property
    def works(self) -> bool: ...

    def draw(self, rng: np.random.Generator, patients: int, prevalence: float) -> tuple[Array, Array]:
        """Labels 0 or 1 and probabilities, both (patients,)."""

    def below(self, bound: float, prevalence: float) -> tuple[float, float]:
        """Of the positive and of the negative patients, the share whose probability is below `bound`."""


@dataclass(frozen=True)
class Binormal:
    """Scores are normal, `distance` deviations apart, and the probabilities are those that such scores mean, had the
    model worked. atypical: of the positives, the share whose scores lie below nearly all negatives', as where a disease
    looks like health. shuffled: labels have nothing to do with the scores."""

    name: str
    distance: float
    works: bool = True
    atypical: float = 0.0
    shuffled: bool = False

    def draw(self, rng: np.random.Generator, patients: int, prevalence: float) -> tuple[Array, Array]:
        y = (rng.random(patients) < prevalence).astype(float)
        hidden = (rng.random(patients) < self.atypical) & (y == 1)
        middle = np.where(hidden, -self.distance / 2 - 2, self.distance * (y - 0.5))
        p = expit(abs(self.distance) * rng.normal(middle) + logit(prevalence))
        return (rng.permutation(y) if self.shuffled else y), p

    def below(self, bound: float, prevalence: float) -> tuple[float, float]:
        place = (logit(bound) - logit(prevalence)) / abs(self.distance)
        typical = ndtr(place - self.distance / 2)
        hidden = ndtr(place + self.distance / 2 + 2)
        positive = float((1 - self.atypical) * typical + self.atypical * hidden)
        negative = float(ndtr(place + self.distance / 2))
        if self.shuffled:
            positive = negative = prevalence * positive + (1 - prevalence) * negative
        return positive, negative


@dataclass(frozen=True)
class Answers:
    """A model's answers about images of both labels, each as likely as the next of its label. positives, negatives:
    their probabilities. Images repeat in a draw, which makes equal probabilities."""

    name: str
    positives: Array
    negatives: Array
    works: bool = True

    @cached_property
    def _ordered(self) -> tuple[Array, Array]:
        return np.sort(self.positives), np.sort(self.negatives)

    def draw(self, rng: np.random.Generator, patients: int, prevalence: float) -> tuple[Array, Array]:
        y = (rng.random(patients) < prevalence).astype(float)
        return y, np.where(y == 1, rng.choice(self.positives, patients), rng.choice(self.negatives, patients))

    def below(self, bound: float, prevalence: float) -> tuple[float, float]:
        positive, negative = (float(np.searchsorted(values, bound) / len(values)) for values in self._ordered)
        return positive, negative


def population_of_answers(path: Path) -> Answers:
    """Of a table such as `cxr.data.predictions` writes. Raises CxrError where it lacks a label or a column."""
    with path.open(newline="", encoding="utf-8") as handle:
        rows: Sequence[dict[str, str]] = list(csv.DictReader(handle))
    if not rows or not {"label", "p_covid"} <= rows[0].keys():
        raise CxrError(f"{path} must be a CSV table with the columns label and p_covid")
    by_label = {label: np.array([float(row["p_covid"]) for row in rows if row["label"] == label]) for label in CLASSES}
    if not all(map(len, by_label.values())):
        raise CxrError(f"{path} must have images of both labels, {' and '.join(CLASSES)}")
    other = next(label for label in CLASSES if label != COVID)
    return Answers(path.stem, by_label[COVID], by_label[other])


def _distance(auc: float) -> float:
    return float(np.sqrt(2) * ndtri(auc))


MADE: tuple[Population, ...] = (
    Binormal("labels shuffled", _distance(0.9), works=False, shuffled=True),
    *(Binormal(f"AUC {auc}", _distance(auc)) for auc in (0.97, 0.8)),
    Binormal("AUC 0.97 and a tenth of the positives look healthy", _distance(0.97), atypical=0.1),
    Binormal("scores turned, AUC 0.2", _distance(0.2), works=False),
)
