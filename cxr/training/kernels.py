"""Logistic regression with dropout on its inputs, straight from a cache's bytes: the kernels of head training.

Why not a library: each step reads a batch of stored bytes, and a general framework would first turn them into
floats and then into a masked copy, so that moving memory would cost many times the arithmetic. Here each byte
is read, masked and used where it lies. The arithmetic is that of Dense(2, softmax) behind Dropout, trained by
Adam (Kingma & Ba 2015); a test holds it against Keras.

Two softmax columns of equal learning rate move in opposite directions by equal steps, so their difference is
one weight vector that moves by two steps.
"""

import numba
import numpy as np

_BLOCK = 2048  # inputs whose gradient is gathered at once: 8 KiB, which stays in the first-level cache
_BETA1 = np.float32(0.9)
_BETA2 = np.float32(0.999)
_EPSILON = np.float32(1e-7)  # Keras' defaults
_SHIFTS = 2**16  # places in a drawing of dropout where a row may begin


def draw_dropout(rng: np.random.Generator, count: int, size: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Which inputs are kept, bool[size + _SHIFTS - 1], and where in it each of `count` rows of `size` inputs begins,
    int64[count].

    One drawing for all rows of an epoch, because to draw each input of each row would cost more than the training
    itself. The inputs of a row are dropped independently, and at each input so are any two rows that begin at different
    places. What remains is that one row's mask is another's, shifted.
    """
    return rng.random(size + _SHIFTS - 1, np.float32) >= rate, rng.integers(_SHIFTS, size=count)


@numba.njit(fastmath=True, cache=True)
def _dot(row, centre, weights, kept):
    total = np.float32(0)
    for j in range(row.shape[0]):
        term = (np.float32(row[j]) - centre[j]) * weights[j]
        total += term if kept[j] else np.float32(0)
    return total


@numba.njit(parallel=True, fastmath=True, cache=True)
def logits(cache, rows, views, centre, weights, bias, kept, shifts):
    """float32[n] log odds. cache: [rows, views, d] of uint8 or float32. rows, views: int64[n]. centre: float32[d], the
    stored value that counts as 0. weights: float32[d], with the inputs' scale and 1 / (1 - rate) already in it.
    kept, shifts: of `draw_dropout`."""
    out = np.empty(rows.shape[0], np.float32)
    size = weights.shape[0]
    for i in numba.prange(rows.shape[0]):
        mask = kept[shifts[i] : shifts[i] + size]
        out[i] = _dot(cache[rows[i], views[i]], centre, weights, mask) + bias
    return out


@numba.njit(fastmath=True, cache=True)
def _accumulate(row, centre, slope, kept, gradient):
    for j in range(row.shape[0]):
        term = slope * (np.float32(row[j]) - centre[j])
        gradient[j] += term if kept[j] else np.float32(0)


@numba.njit(fastmath=True, cache=True)
def _adam(gradient, scale, weights, mean, square, step_size, decay, correction):
    for j in range(weights.shape[0]):
        g = gradient[j] * scale[j]
        mean[j] = _BETA1 * mean[j] + (np.float32(1) - _BETA1) * g
        square[j] = _BETA2 * square[j] + (np.float32(1) - _BETA2) * g * g
        weights[j] -= step_size * mean[j] / (np.sqrt(square[j]) * correction + _EPSILON) + decay * weights[j]


@numba.njit(parallel=True, fastmath=True, cache=True)
def descend(
    cache, rows, views, centre, slopes, kept, shifts, scale, weights, mean, square, step_size, decay, correction
):
    """One Adam step in place. cache, rows, views, centre, kept, shifts: as for `logits`. slopes: float32[n], d loss / d
    logit of each row. scale: float32[d], input per stored byte, over 1 - rate. weights, mean, square: float32[d].
    correction: 1 / sqrt(1 - beta2**t)."""
    size = weights.shape[0]
    for block in numba.prange((size + _BLOCK - 1) // _BLOCK):
        start = block * _BLOCK
        stop = min(size, (block + 1) * _BLOCK)
        gradient = np.zeros(stop - start, np.float32)
        for i in range(rows.shape[0]):
            row = cache[rows[i], views[i], start:stop]
            mask = kept[shifts[i] + start : shifts[i] + stop]
            _accumulate(row, centre[start:stop], slopes[i], mask, gradient)
        _adam(
            gradient, scale[start:stop], weights[start:stop], mean[start:stop], square[start:stop],
            step_size, decay, correction,
        )  # fmt: skip


class Adam:
    """A weight vector and a bias under Adam, in the inputs' own units.

    scale: float32[d], input per stored byte. mean: float32[d], subtracted from the inputs before dropout. One step
    moves the logit difference as a step of `learning_rate` on both columns of Dense(2) would. weight_decay:
    decoupled (Loshchilov & Hutter 2019).
    """

    def __init__(
        self,
        scale: np.ndarray,
        dropout: float,
        learning_rate: float,
        weight_decay: float,
        rng: np.random.Generator,
        *,
        mean: np.ndarray | None = None,
    ):
        size = len(scale)
        self._mean = np.zeros(size, np.float32) if mean is None else mean.astype(np.float32)
        self._centre = self._mean / scale.astype(np.float32)
        limit = np.sqrt(6 / (size + 2))  # Glorot & Bengio 2010, Dense(2)'s default
        columns = rng.uniform(-limit, limit, (2, size))
        self.weights = (columns[1] - columns[0]).astype(np.float32)
        self.bias = np.float32(0)
        self._keep_scale = (scale / (1 - dropout)).astype(np.float32)
        self._drop_rate = dropout
        self._rate = learning_rate
        self._decay = weight_decay
        self._momentum = np.zeros(size, np.float32)
        self._square = np.zeros(size, np.float32)
        self._bias_mean = self._bias_square = 0.0
        self._steps = 0

    def predict(self, cache: np.ndarray, rows: np.ndarray, views: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """float32[n] log odds without dropout. scale: float32[d], of this cache, which may be another one."""
        all_kept = np.ones(len(scale), np.bool_)
        first = np.zeros(len(rows), np.int64)
        return logits(
            cache, rows, views, self._mean / scale.astype(np.float32), self.weights * scale, self.bias, all_kept, first
        )

    def draw_dropout(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """What the steps of an epoch of `count` rows take as `kept`, and the rows' `shifts`."""
        return draw_dropout(rng, count, len(self.weights), self._drop_rate)

    def step(
        self,
        cache: np.ndarray,
        rows: np.ndarray,
        views: np.ndarray,
        y: np.ndarray,
        cost: np.ndarray,
        kept: np.ndarray,
        shifts: np.ndarray,
    ) -> np.ndarray:
        """One step on a batch; returns its float32[n] log odds under dropout, before the step.

        y: float32[n], 0 or 1. cost: float32[n], what each row weighs in the loss. kept, shifts: of `draw_dropout`,
        the shifts int64[n] of these rows.
        """
        weights = self.weights * self._keep_scale
        z = logits(cache, rows, views, self._centre, weights, self.bias, kept, shifts)
        slopes = ((1 / (1 + np.exp(-z.astype(np.float64))) - y) * cost / len(z)).astype(np.float32)
        self._steps += 1
        step_size = 2 * self._rate / (1 - float(_BETA1) ** self._steps)
        correction = 1 / np.sqrt(1 - float(_BETA2) ** self._steps)
        descend(
            cache, rows, views, self._centre, slopes, kept, shifts, self._keep_scale,
            self.weights, self._momentum, self._square,
            np.float32(step_size), np.float32(self._rate * self._decay), np.float32(correction),
        )  # fmt: skip
        self._step_bias(float(slopes.sum()), step_size, correction)
        return z

    def _step_bias(self, slope: float, step_size: float, correction: float) -> None:
        beta1 = float(_BETA1)
        beta2 = float(_BETA2)
        self._bias_mean = beta1 * self._bias_mean + (1 - beta1) * slope
        self._bias_square = beta2 * self._bias_square + (1 - beta2) * slope**2
        step = step_size * self._bias_mean / (np.sqrt(self._bias_square) * correction + float(_EPSILON))
        self.bias = np.float32(self.bias - step)
