import numpy as np
import pytest
from scipy.optimize import minimize

from cxr.training.alignment import Alignment, source_directions

RNG = np.random.default_rng(0)
DIRECTIONS = RNG.normal(0, 1, (3, 12))
WEIGHTS = RNG.normal(0, 1, 12)


def stepped(directions: np.ndarray, strength: float, weights: np.ndarray = WEIGHTS) -> np.ndarray:
    found = weights.astype(np.float32)
    Alignment(directions, strength).step(found)
    return found


@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
def test_a_step_is_the_minimum_that_it_stands_for(strength: float) -> None:
    def objective(v: np.ndarray) -> float:
        return float(np.sum((v - WEIGHTS) ** 2) / 2 + strength * np.sum((DIRECTIONS @ v) ** 2))

    best = minimize(objective, WEIGHTS, method="BFGS", options={"gtol": 1e-7})
    np.testing.assert_allclose(stepped(DIRECTIONS, strength), best.x, atol=1e-4)


def test_a_step_is_the_formula_also_where_directions_depend_on_each_other() -> None:
    dependent = DIRECTIONS - DIRECTIONS.mean(axis=0)  # as those of a label: they sum to 0
    inner = dependent @ dependent.T + np.eye(3) / (2 * 0.3)
    expected = WEIGHTS - dependent.T @ np.linalg.solve(inner, dependent @ WEIGHTS)
    np.testing.assert_allclose(stepped(dependent, 0.3), expected, atol=1e-6)


@pytest.mark.parametrize("strength", [1e6, 1e12, 1e30])
def test_however_strong_it_is_only_what_the_directions_span_is_taken(strength: float) -> None:
    dependent = DIRECTIONS - DIRECTIONS.mean(axis=0)
    basis = np.linalg.qr(dependent[:2].T)[0]
    expected = WEIGHTS - basis @ (basis.T @ WEIGHTS)
    np.testing.assert_allclose(stepped(dependent, strength), expected, atol=1e-5)


@pytest.mark.parametrize("directions", [np.empty((0, 12)), np.zeros((2, 12))])
def test_without_directions_a_step_changes_no_bit(directions: np.ndarray) -> None:
    assert stepped(directions, 1e6).tobytes() == WEIGHTS.astype(np.float32).tobytes()


@pytest.mark.parametrize("stored", [np.uint8, np.uint16, np.float32])
def test_directions_are_the_sources_means_less_their_own_mean(stored: type) -> None:
    views = RNG.integers(0, 256, (9, 2, 5)).astype(stored)
    rows, labels = np.array([8, 1, 2, 6, 4]), np.array([0, 0, 0, 1, 1], np.float32)
    found = source_directions(views, rows, labels, np.array([7, 7, 3, 3, 3]))
    of_3, of_7 = views[2].mean(axis=0), views[[8, 1]].mean(axis=(0, 1))
    np.testing.assert_allclose(found, [(of_3 - of_7) / 2, (of_7 - of_3) / 2], rtol=1e-6)


def test_rows_of_labels_with_one_source_are_not_read() -> None:
    views = np.full((4, 1, 5), np.nan, np.float32)
    views[:2] = 1
    assert np.isfinite(source_directions(views, np.arange(4), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 0]))).all()
    assert source_directions(views, np.arange(4), np.array([0, 0, 1, 1]), np.zeros(4)).shape == (0, 5)
