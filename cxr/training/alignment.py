"""Sources of one label should not differ in their mean logit: a penalty on a linear head, as a step of its own.

Images of a label that come from several hospitals differ in more than disease. A head that scores those hospitals
differently on average has learned to tell them apart; this takes such differences out of its weights.
"""

import numpy as np


def source_directions(features: np.ndarray, rows: np.ndarray, labels: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """float64[m, d], in stored steps: how the mean of each source of a label differs from that label's mean over
    sources, each of which counts the same; m is 0 where no label has two sources.

    features: uint8, uint16 or float32[rows, k, d], may be memory-mapped: read once, a row at a time, and only the rows
    of labels with several sources. rows: int64[n] into it. labels, sources: [n], numbers.
    """
    found = [np.empty((0, features.shape[2]))]
    for label in np.unique(labels):
        of_label = labels == label
        names = np.unique(sources[of_label])
        if len(names) > 1:
            means = np.stack([_mean(features, rows[of_label & (sources == name)]) for name in names])
            found.append(means - means.mean(axis=0))
    return np.concatenate(found)


def _mean(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """float64[d]: mean over all augmented views of these rows."""
    total = np.zeros(features.shape[2])
    for row in np.sort(rows):  # in the order of the file
        total += features[row].sum(axis=0, dtype=np.float64)
    return total / (len(rows) * features.shape[1])


class Alignment:
    """The proximal step of `strength * sum((w @ d) ** 2 for d in directions)` on weights w.

    w becomes the v of least ||v - w||**2 / 2 + strength * sum((v @ d) ** 2), where strength is the penalty's factor
    times the step's size (Parikh & Boyd 2014). With the right singular vectors b and the singular values s of
    `directions`, that takes the share 2 * strength * s**2 / (1 + 2 * strength * s**2) off w's component along each b:
    stable however strong, and in the limit the projection onto the weights that give all these sources of a label
    one mean logit.
    directions: float64[m, d], in the units of the inputs that w weighs. Without any, nothing is done.
    """

    def __init__(self, directions: np.ndarray, strength: float):
        _, lengths, basis = np.linalg.svd(directions, full_matrices=False)
        # The directions of a label sum to 0, so one of them is redundant. The tolerance is matrix_rank's.
        spans = lengths > lengths.max(initial=0) * max(directions.shape) * np.finfo(float).eps
        pull = 2 * strength * np.square(lengths[spans])
        self._basis = basis[spans].astype(np.float32)
        self._shares = (pull / (1 + pull)).astype(np.float32)

    def step(self, weights: np.ndarray) -> None:
        """In place, on float32[d]."""
        # einsum and not BLAS: BLAS' threads would compete with those of the kernels (cxr/training/kernels.py), and its
        # sums depend on the number of threads.
        along = np.einsum("rd,d->r", self._basis, weights)
        weights -= np.einsum("r,rd->d", self._shares * along, self._basis)
