"""From the pictures of training and validation patients to a `Familiarity`: directions, centres, known distances."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from cxr.data.dataset import Split
from cxr.inference.engine import Engine
from cxr.inference.familiarity import Array, Familiarity, channel_means, directions_of, ranks

_DIRECTIONS = 64  # at most
# Chosen on the folds of the yardstick, as the distance itself was (docs/unseen.md, tools/familiarity.py).
_SHRINKAGE = 3.0
_FITTED_TO = 4000  # training pictures at most, spread over the split: more change nothing but the time
_AT_ONCE = 512  # pictures held in memory

Means = npt.NDArray[np.float32]
Progress = Callable[[int], object]


def fitted_to(train: Split) -> int:
    """How many training pictures `fit_familiarity` looks at."""
    return len(_spread(train))


def fit_familiarity(
    engine: Engine, train: Split, validation: Split, progress: Progress = lambda images: None
) -> tuple[Familiarity, Array]:
    """What is familiar to a model: fitted to training pictures, ranked among those of validation patients. And how
    familiar the validation pictures are, each ranked among those of other patients, float64[n].

    progress: called with training images done."""
    fitted = train.only(_spread(train))
    usual, centres = usual_and_centres(means_of(engine, fitted, progress), [row.source for row in fitted.rows])
    distances = Familiarity(usual, centres, np.zeros(1)).distances(means_of(engine, validation))
    return Familiarity(usual, centres, np.sort(distances)), ranked_apart(distances, validation.patients)


def means_of(engine: Engine, split: Split, progress: Progress = lambda images: None) -> Means:
    """float32[n, c]: what `cxr.inference.familiarity.channel_means` gives of each picture."""
    seen = (maps for pixels in blocks_of(split) for maps in engine.seen(pixels, progress))
    return np.concatenate([channel_means(maps) for maps in seen])


def blocks_of(split: Split) -> Iterator[npt.NDArray[np.uint8]]:
    """The pixels of a split, uint8[m, size, size] some at a time: they need not fit in memory."""
    for start in range(0, len(split.rows), _AT_ONCE):
        yield split.store[split.positions[start : start + _AT_ONCE]]


def usual_and_centres(means: Means, sources: Sequence[str]) -> tuple[Means, Means]:
    """usual float32[c, k] and centres float32[s, c] of `Familiarity`, from training pictures float32[n, c].

    With the variance v along a principal direction of the spread within a source, and `_SHRINKAGE` times the mean
    variance of a channel as r, Mahalanobis' distance under the covariance plus r times the identity is, but for the
    factor 1 / r, |x|^2 less the sum of v / (v + r) (x . direction)^2.
    """
    vectors = directions_of(means)
    names, of_source = np.unique(np.array(sources), return_inverse=True)
    centres = np.stack([vectors[of_source == number].mean(axis=0) for number in range(len(names))])
    _, lengths, principal = np.linalg.svd(vectors - centres[of_source], full_matrices=False)
    variances = lengths**2 / len(vectors)
    ridge = max(_SHRINKAGE * variances.sum() / vectors.shape[1], np.finfo(float).tiny)
    kept = variances[:_DIRECTIONS]
    usual = principal[:_DIRECTIONS].T * np.sqrt(kept / (kept + ridge))
    return usual.astype(np.float32), centres.astype(np.float32)


def ranked_apart(distances: Array, patients: np.ndarray) -> Array:
    """The familiarity float64[n] of pictures at these distances, each half of the patients ranked among the other one:
    no picture helps to rank itself or one of the same person."""
    _, person = np.unique(patients, return_inverse=True)
    first = person % 2 == 0
    found = np.empty(len(distances))
    for here in (first, ~first):
        found[here] = ranks(np.sort(distances[~here]), distances[here])
    return found


def _spread(train: Split) -> npt.NDArray[np.intp]:
    most = min(len(train.rows), _FITTED_TO)
    return np.unique(np.linspace(0, len(train.rows) - 1, most).round().astype(np.intp))
