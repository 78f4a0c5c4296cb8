"""What is familiar is found from training pictures and ranked among validation ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.inference.engine import Engine
from cxr.inference.familiarity import UNFAMILIAR, Familiarity
from cxr.training.familiarity_fit import fit_familiarity, fitted_to, ranked_apart, usual_and_centres
from tests.labelled import labelled_split


def two_sources(rng: np.random.Generator, count: int, channels: int = 12) -> tuple[np.ndarray, list[str]]:
    """Pictures whose source raises the first or the second channel; the others spread by very different widths."""
    roots = 10 + rng.normal(size=(count, channels)) * np.logspace(0.3, -2, channels)
    sources = [("a", "b")[i % 2] for i in range(count)]
    for i, source in enumerate(sources):
        roots[i, ("a", "b").index(source)] += 10
    return (roots**2).astype(np.float32), sources


def test_a_shift_is_seen_in_the_narrowest_channel_and_not_in_the_widest() -> None:
    rng = np.random.default_rng(2)
    usual, centres = usual_and_centres(*two_sources(rng, 400))
    bare = Familiarity(usual, centres, np.zeros(1))
    fitted = replace(bare, known=np.sort(bare.distances(two_sources(rng, 400)[0])))
    fresh = two_sources(rng, 400)[0]
    assert (fitted.of(fresh) <= UNFAMILIAR).mean() < 0.1
    for channel, least, most in ((-1, 0.95, 1.0), (2, 0.0, 0.8)):
        shifted = np.sqrt(fresh)
        shifted[:, channel] += 3.0  # three hundred times the narrowest spread, four times that of channel 2
        assert least <= (fitted.of(shifted**2) <= UNFAMILIAR).mean() <= most


def test_pictures_that_are_all_alike_do_no_harm() -> None:
    usual, centres = usual_and_centres(np.full((6, 4), 7, np.float32), ["a"] * 6)
    bare = Familiarity(usual, centres, np.zeros(1))
    assert bare.distances(np.full((1, 4), 7, np.float32))[0] == pytest.approx(0, abs=1e-9)
    assert np.isfinite(bare.distances(np.eye(4, dtype=np.float32))).all()


def test_nobody_ranks_a_picture_of_his_own() -> None:
    """Patient a is far away with two pictures: ranked among each other they would be ordinary."""
    distances = np.array([9.0, 9.0, 1.0, 2.0, 1.5, 0.5])
    found = ranked_apart(distances, np.array(["a", "a", "b", "b", "c", "d"]))
    assert found[:2].tolist() == [1 / 4, 1 / 4]  # b and d have three pictures
    assert found[2:4].tolist() == [1.0, 3 / 4]


def test_a_models_pictures_are_familiar_to_it_and_a_map_of_one_channel_is_not(bundle: Path) -> None:
    train, validation = labelled_split(40), labelled_split(40, seed=2)
    done: list[int] = []
    familiar, known = fit_familiarity(Engine.load(bundle), train, validation, done.append)
    assert sum(done) == fitted_to(train) == 40
    assert (known > UNFAMILIAR).mean() > 0.8
    one_channel = np.eye(1, familiar.channels, dtype=np.float32)
    assert familiar.of(one_channel)[0] == 1 / 41
