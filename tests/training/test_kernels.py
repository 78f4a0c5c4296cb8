import numba
import numpy as np
import pytest

from cxr.training.kernels import Adam, descend, draw_dropout, logits

RATE = np.float32(0.01)


Dropout = tuple[np.ndarray, np.ndarray]  # of draw_dropout


def dropout(count: int, size: int, rate: float, seed: int = 0) -> Dropout:
    return draw_dropout(np.random.default_rng(seed), count, size, rate)


def cache(rows: int, views: int, size: int, seed: int = 0) -> np.ndarray:
    """Stored bytes as a cache gives them, uint8[rows, views, size], read-only."""
    stored = np.random.default_rng(seed).integers(0, 256, (rows, views, size), np.uint8)
    stored.flags.writeable = False
    return stored


def masks(drawn: Dropout, size: int) -> np.ndarray:
    """Which inputs the forward pass keeps of each row, bool[count, size].

    Row j of the cache lights input j alone, so that its logit says whether that input was kept.
    """
    lights = np.eye(size, dtype=np.uint8)[:, None]
    lights.flags.writeable = False
    each, first, centre = np.arange(size), np.zeros(size, np.int64), np.zeros(size, np.float32)
    weights, none, (kept, shifts) = np.ones(size, np.float32), np.float32(0), drawn
    return np.stack(
        [logits(lights, each, first, centre, weights, none, kept, np.full(size, shift)) == 1 for shift in shifts]
    )


def gradient(stored: np.ndarray, rows: np.ndarray, slopes: np.ndarray, drawn: Dropout, scale: np.ndarray) -> np.ndarray:
    """d loss / d weights that the backward pass finds: Adam's first mean is a tenth of it."""
    size = stored.shape[2]
    weights, mean, square = (np.zeros(size, np.float32) for _ in range(3))
    no = np.float32(0)
    views = np.zeros(len(rows), np.int64)
    centre, one = np.zeros(size, np.float32), np.float32(1)
    descend(stored, rows, views, centre, slopes, *drawn, scale, weights, mean, square, no, no, one)
    return mean / np.float32(0.1)


def adam(size: int, drop: float = 0.0, rate: float = float(RATE), decay: float = 0.0, seed: int = 0) -> Adam:
    return Adam(np.full(size, 1 / 255, np.float32), drop, rate, decay, np.random.default_rng(seed))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_right_share_of_the_inputs(rate: float) -> None:
    kept = masks(dropout(8, 2500, rate), 2500)
    spread = np.sqrt(rate * (1 - rate) / 2500)
    assert (np.abs(kept.mean(axis=1) - (1 - rate)) < 4.5 * spread).all()
    assert abs(kept.mean() - (1 - rate)) < 4.5 * spread / np.sqrt(8)


def test_no_dropout_keeps_everything() -> None:
    assert masks(dropout(2, 100, 0.0), 100).all()


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_rows_and_steps_drop_different_inputs_independently(rate: float) -> None:
    kept = masks(dropout(8, 2500, rate), 2500)
    both = np.array([(kept[i] & kept[j]).mean() for i in range(8) for j in range(i)])
    expected = (1 - rate) ** 2
    assert (np.abs(both - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 2500)).all()


def test_neighbouring_inputs_are_dropped_independently() -> None:
    kept = masks(dropout(8, 2500, 0.5), 2500)
    for lag in (1, 2, 64, 2048):  # 2048: inputs of a block, and of the next one
        agreement = (kept[:, lag:] == kept[:, :-lag]).mean(axis=1)
        assert (np.abs(agreement - 0.5) < 4.5 * 0.5 / np.sqrt(2500 - lag)).all()


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9])
def test_the_backward_pass_drops_what_the_forward_pass_dropped(rate: float) -> None:
    """Over more inputs than one block of the backward pass holds."""
    size = 2500
    kept, shifts = drawn = dropout(3, size, rate)
    ones = np.ones((1, 1, size), np.uint8)
    ones.flags.writeable = False
    for shift, mask in zip(shifts, masks(drawn, size), strict=True):
        one = np.ones(1, np.float32)
        found = gradient(ones, np.zeros(1, np.int64), one, (kept, np.array([shift])), np.ones(size, np.float32))
        np.testing.assert_allclose(found, mask, rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_the_gradient_is_that_of_the_loss(rate: float) -> None:
    """Against central differences of the forward pass, for a batch in which a row comes twice."""
    size, rng = 30, np.random.default_rng(1)
    stored, rows, drawn = cache(6, 1, size), np.array([0, 3, 3, 5]), dropout(4, size, rate)
    y, cost = np.array([1, 0, 1, 0]), np.array([1.0, 2.0, 0.5, 1.0])
    weights, scale = rng.normal(0, 1, size), rng.uniform(0.5, 1.5, size).astype(np.float32) / 255
    views = np.zeros(4, np.int64)

    def margins(at: np.ndarray) -> np.ndarray:
        scaled = (at * scale).astype(np.float32)
        centre, bias = np.zeros_like(scaled), np.float32(0.1)
        return logits(stored, rows, views, centre, scaled, bias, *drawn).astype(float)

    def loss(at: np.ndarray) -> float:
        return float(np.mean(cost * np.logaddexp(0, np.where(y == 1, -1, 1) * margins(at))))

    slopes = (cost * (1 / (1 + np.exp(-margins(weights))) - y) / 4).astype(np.float32)
    found = gradient(stored, rows, slopes, drawn, scale)
    steps = 1e-2 * np.eye(size)
    numerical = [(loss(weights + step) - loss(weights - step)) / 2e-2 for step in steps]
    np.testing.assert_allclose(found, numerical, atol=2e-5)
    assert np.abs(found).max() > 0.01


def test_a_first_step_moves_every_weight_by_twice_the_learning_rate_against_the_gradient() -> None:
    model, stored, rows = adam(50), cache(1, 1, 50) | np.uint8(1), np.zeros(1, np.int64)
    stored.flags.writeable = False
    before, first = model.weights.copy(), np.zeros(1, np.int64)
    one = np.ones(1, np.float32)
    model.step(stored, rows, first, one, one, *dropout(1, 50, 0.0))  # a COVID image: the logit must rise
    np.testing.assert_allclose(model.weights - before, 2 * RATE, rtol=1e-3)
    np.testing.assert_allclose(model.bias, 2 * RATE, rtol=1e-3)


def test_weight_decay_shrinks_what_the_data_do_not_need() -> None:
    model, stored = adam(50, decay=0.5), np.zeros((1, 1, 50), np.uint8)
    stored.flags.writeable = False
    before, first, one = model.weights.copy(), np.zeros(1, np.int64), np.ones(1, np.float32)
    model.step(stored, first, first, one, one, *dropout(1, 50, 0.0))
    np.testing.assert_allclose(model.weights, before * (1 - 0.5 * RATE), rtol=1e-6)


def test_weights_start_as_those_of_a_dense_layer() -> None:
    """The difference of two columns drawn from +-sqrt(6 / (inputs + 2)) (Glorot & Bengio 2010)."""
    weights, limit = adam(20_000).weights, np.sqrt(6 / 20_002)
    assert np.abs(weights).max() <= 2 * limit
    assert abs(weights.std() - limit * np.sqrt(2 / 3)) < 0.02 * limit
    assert abs(weights.mean()) < 0.05 * limit


def steps(model: Adam, stored: np.ndarray, count: int = 20, batch: int = 16) -> np.ndarray:
    """Weights after some steps on random batches; the labels follow from the first input."""
    rng = np.random.default_rng(2)
    for _ in range(count):
        rows, views = rng.integers(len(stored), size=batch), rng.integers(stored.shape[1], size=batch)
        y = (stored[rows, views, 0] > 127).astype(np.float32)
        model.step(stored, rows, views, y, np.ones(batch, np.float32), *model.draw_dropout(rng, batch))
    return model.weights


def test_bytes_and_floats_of_the_same_value_train_alike() -> None:
    stored = cache(40, 3, 3000)
    np.testing.assert_array_equal(steps(adam(3000, 0.5), stored), steps(adam(3000, 0.5), stored.astype(np.float32)))


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads() -> None:
    stored, before = cache(40, 3, 9000), numba.get_num_threads()
    found = []
    try:
        for threads in {1, numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(threads)
            found += [steps(adam(9000, 0.5), stored), steps(adam(9000, 0.5), stored)]
    finally:
        numba.set_num_threads(before)
    for weights in found[1:]:
        np.testing.assert_array_equal(weights, found[0])


def test_predictions_drop_nothing_and_take_another_banks_scale() -> None:
    model, stored = adam(3000, drop=0.9), cache(5, 2, 3000)
    rows, views = np.array([4, 0]), np.array([1, 0])
    scale = np.random.default_rng(3).uniform(0, 0.01, 3000).astype(np.float32)
    expected = (stored[rows, views] * scale.astype(float)) @ model.weights.astype(float) + float(model.bias)
    np.testing.assert_allclose(model.predict(stored, rows, views, scale), expected, rtol=1e-4, atol=1e-5)


def test_dropout_leaves_the_expected_logit_as_it_is() -> None:
    model, stored = adam(3000, drop=0.5), cache(1, 1, 3000)
    many = np.zeros(2000, np.int64)
    plain = model.predict(stored, many[:1], many[:1], np.full(3000, 1 / 255, np.float32))[0]
    no_cost = np.zeros(2000, np.float32)
    dropped = model.step(stored, many, many, no_cost, no_cost, *dropout(2000, 3000, 0.5))
    assert abs(dropped.mean() - plain) < 4.5 * dropped.std() / np.sqrt(2000)
    assert dropped.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_training_equals_keras(decay: float) -> None:
    """Dense(2, softmax), categorical cross-entropy with sample weights, Adam(W): 20 steps on the same batches."""
    keras = pytest.importorskip("keras")
    size, count, rng = 200, 64, np.random.default_rng(4)
    inputs = np.maximum(rng.normal(0, 1, (count, 1, size)), 0).astype(np.float32)
    y = (inputs[:, 0, :5].sum(axis=1) > 2).astype(np.float32)
    cost = rng.uniform(0.5, 2, count).astype(np.float32)
    ours = Adam(np.ones(size, np.float32), 0.0, 0.01, decay, np.random.default_rng(5))

    dense = keras.layers.Dense(2, activation="softmax")
    theirs = keras.Sequential([keras.Input((size,)), dense])
    half = ours.weights / 2  # any two columns with our difference
    dense.set_weights([np.stack([-half, half], axis=1), np.zeros(2, np.float32)])
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=decay) if decay else keras.optimizers.Adam(0.01)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    theirs.compile(optimizer, "categorical_crossentropy")
    everything, first = np.arange(count), np.zeros(count, np.int64)
    for _ in range(20):
        batch = rng.permutation(count)[:24]
        ours.step(inputs, batch, first[batch], y[batch], cost[batch], *dropout(24, size, 0.0))
        theirs.train_on_batch(inputs[batch, 0], np.eye(2)[y[batch].astype(int)], sample_weight=cost[batch])
    z = ours.predict(inputs, everything, first, np.ones(size, np.float32))
    p_theirs = np.asarray(theirs.predict(inputs[:, 0], verbose=0))[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-z)), p_theirs, atol=1e-4)
    assert p_theirs.std() > 0.1
