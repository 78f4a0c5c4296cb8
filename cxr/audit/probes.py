"""What a trunk's features know: a ridge classifier in closed form, out-of-fold by patient.

Everything works on the Gram matrix of the features, so that 131,072 features cost no more than 2,048, and a
permutation test costs one matrix product. It stands in for the trained head where a hundred heads are needed; its
penalty is fixed, so nothing is tuned on what it measures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PENALTY = 1e-3  # in units of the features' mean square length, with weights that sum to 1
_BIAS = 10.0  # the constant feature's square: so large that the penalty hardly touches the bias

Array = npt.NDArray[np.float64]


def gram(features: np.ndarray) -> Array:
    """float64[n, n] inner products of float32[n, d], each feature centred and of unit variance, the length 1 on
    average, and a constant feature added."""
    centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred /= centred.std(axis=0) + np.float32(1e-6)
    products = (centred @ centred.T).astype(np.float64) / max(features.shape[1], 1)
    return products + _BIAS


def ridge(products: Array, trained_on: npt.NDArray, targets: Array, weights: Array) -> Array:
    """Scores (n,) or (n, t) of all images by a weighted least-squares fit to targets (k,) or (k, t) of k of them.

    trained_on: (k,) indices into `products`. weights: (k,), of each example in the loss; they are scaled to sum 1.
    Minimises sum w (f - target)^2 + PENALTY |f|^2 (Saunders et al. 1998, kernel ridge regression).
    """
    root = np.sqrt(weights / weights.sum())[:, None]
    inside = products[np.ix_(trained_on, trained_on)] * root * root.T
    inside[np.diag_indices(len(trained_on))] += PENALTY
    columns = targets.reshape(len(trained_on), -1)
    scores = products[:, trained_on] @ (root * np.linalg.solve(inside, root * columns))
    return scores[:, 0] if targets.ndim == 1 else scores


def patient_folds(patients: Sequence[str], folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """int64[n]: the fold of each image, 0 to folds - 1; a patient's images share one, and folds have equally many
    patients."""
    names, of = np.unique(np.asarray(patients), return_inverse=True)
    return (rng.permutation(len(names)) % folds)[of]


def balanced(groups: Sequence[str]) -> Array:
    """(n,): each group's weights have the same sum."""
    _, of, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    return 1 / counts[of]


@dataclass(frozen=True)
class Separation:
    """scores: (n,) out of fold, averaged over the repeats. permuted: (t,) AUCs with the patients' groups shuffled."""

    scores: Array
    permuted: Array


def separate(
    products: Array, positive: npt.NDArray[np.bool_], patients: Sequence[str], folds: int, permutations: int, seed: int
) -> Separation:
    """How well a linear classifier tells two groups apart among patients that it was not trained on.

    side: (n,), the same for all images of a patient. products: of `gram`, of these n images.
    """
    rng = np.random.default_rng(seed)
    targets = np.column_stack([positive, *_shuffled(positive, patients, permutations, rng)]) * 2.0 - 1
    scores = np.zeros(targets.shape)
    fold = patient_folds(patients, folds, rng)
    for k in range(folds):
        trained_on = np.flatnonzero(fold != k)
        weights = balanced([str(s) for s in positive[trained_on]])
        scores[fold == k] = ridge(products, trained_on, targets[trained_on], weights)[fold == k]
    permuted = [rank_auc(column > 0, score) for column, score in zip(targets.T[1:], scores.T[1:], strict=True)]
    return Separation(scores[:, 0], np.array(permuted))


def rank_auc(positive: npt.NDArray[np.bool_], scores: Array) -> float:
    """P(a positive scores above a negative), ties half; NaN where a group is empty."""
    from cxr.evaluation.weighted_metrics import auc

    return float(auc(positive, scores, np.ones((1, len(scores))))[0])


def _shuffled(
    positive: npt.NDArray[np.bool_], patients: Sequence[str], permutations: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.bool_]]:
    """The groups dealt anew among the patients: exchangeable are patients, not images."""
    _, first, of = np.unique(np.asarray(patients), return_index=True, return_inverse=True)
    for _ in range(permutations):
        yield rng.permutation(positive[first])[of]
