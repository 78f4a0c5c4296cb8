"""Intervals over patients and trainings: every number of the yardstick is a mean over seeds, drawn again together.

A resample draws as many patients of each source as it has, with replacement, and keeps all images of each; and as many
trainings as there are. One resample draws the same patients and trainings for every number, so that means of numbers
have intervals too.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cxr.evaluation.intervals import share_interval
from cxr.evaluation.report_types import Measured, Rate
from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.weighted_metrics import Array, auc, ratio

_BLOCK = 50  # resamples at once: 50 weights of 50,000 images are 20 MB

# Of one training s and weights (b, n), the values (b,).
Statistic = Callable[[int, Array], Array]


@dataclass(frozen=True)
class Sampled:
    """A number and its resamples. value: NaN where it is undefined. draws: (resamples,), NaN where one misses a class.
    certain: the interval where resampling has nothing to say."""

    value: float
    draws: Array
    images: int = 0
    patients: int = 0
    by_seed: tuple[float, ...] = ()
    certain: tuple[float, float] | None = None

    def measured(self, confidence: float) -> Measured:
        defined = self.draws[~np.isnan(self.draws)]
        if np.isnan(self.value) or not len(defined):
            return {"value": None, "low": None, "high": None}
        bounds = self.certain or np.quantile(defined, [(1 - confidence) / 2, (1 + confidence) / 2])
        low, high = map(float, bounds)
        return {"value": self.value, "low": low, "high": high}

    def rate(self, confidence: float) -> Rate:
        return {**self.measured(confidence), "images": self.images, "patients": self.patients}


@dataclass(frozen=True)
class Drawing:
    """Patients of sources, drawn together with trainings. sources, patients: of the images, (n,). seeds: trainings."""

    sources: npt.NDArray[np.str_]
    patients: npt.NDArray[np.str_]
    seeds: int

    def sampled(self, statistic: Statistic, here: npt.NDArray[np.bool_], params: EvaluateParams) -> Sampled:
        """The mean of a statistic over the trainings. here: bool (n,), the images that count and that it is given."""
        images = int(here.sum())
        by_seed = [float(statistic(seed, np.ones((1, images)))[0]) for seed in range(self.seeds)]
        draws = []
        for block, start in enumerate(range(0, params.resamples, _BLOCK)):
            size = min(_BLOCK, params.resamples - start)
            weights = self._weights(block, size, params.seed)[:, here]
            values = np.stack([statistic(seed, weights) for seed in range(self.seeds)], axis=1)
            rng = np.random.default_rng([params.seed, block])
            chosen = rng.multinomial(self.seeds, np.full(self.seeds, 1 / self.seeds), size)
            draws.append((values * chosen).sum(axis=1) / self.seeds)
        people = len(set(zip(self.sources[here].tolist(), self.patients[here].tolist(), strict=True)))
        return Sampled(float(np.mean(by_seed)), np.concatenate(draws), images, people, tuple(by_seed))

    def share(self, flags: npt.NDArray[np.bool_], here: npt.NDArray[np.bool_], params: EvaluateParams) -> Sampled:
        """The share of images that are flagged. flags: bool (seeds, n)."""
        flagged = flags[:, here].astype(float)
        found = self.sampled(lambda seed, weights: ratio(weights @ flagged[seed], weights.sum(axis=1)), here, params)
        if 0 < flagged.mean() < 1:
            return found
        successes = int(flagged[0, 0]) * found.patients
        return replace(found, certain=share_interval(successes, found.patients, params.confidence, "exact"))

    def _weights(self, block: int, size: int, seed: int) -> Array:
        """How often each image's patient was drawn, (size, n)."""
        weights = np.empty((size, len(self.sources)))
        for source in np.unique(self.sources):
            here = self.sources == source
            index = np.unique(self.patients[here], return_inverse=True)[1]
            count = int(index.max()) + 1
            rng = np.random.default_rng([seed, block, zlib.crc32(str(source).encode())])
            weights[:, here] = rng.multinomial(count, np.full(count, 1 / count), size)[:, index]
        return weights


@dataclass(frozen=True)
class SourceAnswers:
    """The answers about some images, by every training. y: bool (n,). sources, patients: (n,). p_covid: (seeds, n).
    thresholds: (seeds,)."""

    y: npt.NDArray[np.bool_]
    sources: npt.NDArray[np.str_]
    patients: npt.NDArray[np.str_]
    p_covid: Array
    thresholds: Array

    @property
    def drawing(self) -> Drawing:
        return Drawing(self.sources, self.patients, len(self.p_covid))

    @property
    def calls(self) -> npt.NDArray[np.bool_]:
        """(seeds, n): called COVID, at each training's own threshold."""
        return self.p_covid >= self.thresholds[:, None]

    def auc(self, here: npt.NDArray[np.bool_], params: EvaluateParams) -> Sampled:
        """here: bool (n,), the images that count, as in `called`."""
        y = self.y[here]
        p_covid = self.p_covid[:, here]
        return self.drawing.sampled(lambda seed, weights: auc(y, p_covid[seed], weights), here, params)

    def called(self, here: npt.NDArray[np.bool_], params: EvaluateParams) -> Sampled:
        """The share called COVID."""
        return self.drawing.share(self.calls, here, params)


def mean_of(found: Sequence[Sampled]) -> Sampled:
    """The mean of several numbers, and its resamples; undefined where there are none. images, patients: the first's."""
    known = [one for one in found if not np.isnan(one.value)]
    if not known:
        return Sampled(float("nan"), np.empty(0))
    bounds = [one.certain for one in known]
    return replace(
        known[0],
        value=float(np.mean([one.value for one in known])),
        draws=np.mean([one.draws for one in known], axis=0),
        certain=None if None in bounds else tuple(np.mean(bounds, axis=0)),  # type: ignore[arg-type]
    )
