"""Several small networks trained at once on the same inputs, for their mean.

Every network has one hidden layer of rectified units. Their first layers stand side by side in one matrix: one large
product a step is faster than a small one for each network, and the inputs are read once for all. Why neither
scikit-learn's networks nor the Adam of head training serve here is in docs/dependencies.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_BATCH = 256
_LEARNING_RATE = 0.002  # at the start; it falls along half a cosine to 0 (Loshchilov & Hutter 2017)
_DECAYS = (0.9, 0.999)  # of Adam's running means (Kingma & Ba 2015)
_TINY = 1e-8
_BLOCK = 1 << 15  # numbers that Adam brings up to date at once: their arrays stay in the cache


@dataclass(frozen=True)
class Networks:
    """hidden: weights float32[d, m * units] and bias float32[m * units] of m networks, one after the other. output:
    float32[m, units, classes] and float32[m, 1, classes]."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def arrays(self) -> tuple[Floats, ...]:
        return self.hidden, self.hidden_bias, self.output, self.output_bias


def train_networks(
    inputs: Floats,
    classes: npt.NDArray[np.int64],
    weights: Floats,
    *,
    units: int,
    seeds: Sequence[int],
    epochs: int,
    weight_decay: float,
) -> Networks:
    """A network for each seed, which draws its first weights; all see the inputs in the same order.

    inputs: float32[n, d], about standardised. classes: (n,) from 0. weights: float32[n], how much each input counts.
    Minimises the weighted cross-entropy of a batch plus weight_decay / (2 * batch) times the squared weights.
    """
    order = np.random.default_rng(seeds[0])
    batches = -(-len(inputs) // _BATCH)
    networks = _first(inputs.shape[1], units, int(classes.max()) + 1, seeds)
    adam = _Adam(networks, epochs * batches)
    for _ in range(epochs):
        for batch in np.array_split(order.permutation(len(inputs)), batches):
            adam.step(_gradients(networks, inputs[batch], classes[batch], weights[batch], weight_decay))
    return networks


def _first(wide: int, units: int, classes: int, seeds: Sequence[int]) -> Networks:
    """Uniform within sqrt(6 / (inputs + outputs)) of 0 (Glorot & Bengio 2010)."""
    hidden = []
    output = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        hidden.append(_uniform(rng, wide, units))
        output.append(_uniform(rng, units, classes))
    return Networks(
        np.concatenate(hidden, axis=1),
        np.zeros(len(seeds) * units, np.float32),
        np.stack(output),
        np.zeros((len(seeds), 1, classes), np.float32),
    )


def _uniform(rng: np.random.Generator, rows: int, columns: int) -> Floats:
    bound = np.sqrt(6 / (rows + columns))
    return rng.uniform(-bound, bound, (rows, columns)).astype(np.float32)


def _gradients(networks: Networks, x: Floats, classes: npt.NDArray, weights: Floats, weight_decay: float) -> Networks:
    """x: float32[b, d]. classes, weights: (b,)."""
    count, units, _ = networks.output.shape
    hidden = np.maximum(x @ networks.hidden + networks.hidden_bias, 0)  # (b, m * units)
    each = hidden.reshape(len(x), count, units).swapaxes(0, 1)  # (m, b, units)
    errors = _softmax(each @ networks.output + networks.output_bias)  # (m, b, classes)
    errors[:, np.arange(len(x)), classes] -= 1
    errors *= weights[:, None] / np.float32(len(x))
    back = (errors @ networks.output.swapaxes(1, 2)).swapaxes(0, 1).reshape(len(x), -1)
    back *= hidden > 0
    decay = np.float32(weight_decay / len(x))
    return Networks(
        x.T @ back + decay * networks.hidden,
        back.sum(axis=0),
        each.swapaxes(1, 2) @ errors + decay * networks.output,
        errors.sum(axis=1, keepdims=True),
    )


def _softmax(scores: Floats) -> Floats:
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


class _Adam:
    """Adam (Kingma & Ba 2015) whose rate falls along half a cosine over `steps` steps."""

    def __init__(self, networks: Networks, steps: int):
        self._values = [array.reshape(-1) for array in networks.arrays()]
        self._means = [np.zeros_like(array) for array in self._values]
        self._squares = [np.zeros_like(array) for array in self._values]
        self._done = 0
        self._steps = steps

    def step(self, gradients: Networks) -> None:
        falling = 0.5 * (1 + np.cos(np.pi * self._done / self._steps))
        self._done += 1
        first, second = (1 - decay**self._done for decay in _DECAYS)
        rate = np.float32(_LEARNING_RATE * falling * np.sqrt(second) / first)
        parts = zip(self._values, gradients.arrays(), self._means, self._squares, strict=True)
        for value, gradient, mean, square in parts:
            flat = gradient.reshape(-1)
            for start in range(0, len(value), _BLOCK):
                part = slice(start, start + _BLOCK)
                _adam(value[part], flat[part], mean[part], square[part], rate)


def _adam(value: Floats, gradient: Floats, mean: Floats, square: Floats, rate: np.float32) -> None:
    """All of one length; all but the gradient are changed in place."""
    mean += np.float32(1 - _DECAYS[0]) * (gradient - mean)
    square += np.float32(1 - _DECAYS[1]) * (gradient * gradient - square)
    value -= rate * mean / (np.sqrt(square) + np.float32(_TINY))
