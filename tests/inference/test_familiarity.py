"""How familiar a picture is: a rank among known ones, a warning where it is small, and files that are whole."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ModelError, UnsoundError
from cxr.inference.answer import answer
from cxr.inference.bundle import write_bundle
from cxr.inference.familiarity import FILE, UNFAMILIAR, Familiarity, channel_means, ranks
from cxr.inference.predictor import Predictor
from tests.tiny import CHANNELS, tiny_head

# Two sources, one with the first of three channels alone and one with the second; what varies along the third is
# forgiven by three quarters of its square.
TWO = Familiarity(
    np.array([[0], [0], [np.sqrt(0.75)]], np.float32),
    np.array([[1, 0, 0], [0, 1, 0]], np.float32),
    np.array([0.01, 0.04, 0.09, 0.16, 0.25, 0.36, 0.49, 0.64, 0.81]),
)


def at(first: float, second: float, third: float) -> np.ndarray:
    """Means whose roots are in this proportion."""
    return np.array([[first**2, second**2, third**2]], np.float32)


@pytest.mark.parametrize(
    ("means", "distance"),
    [
        (at(1, 0, 0), 0),
        (at(7, 0, 0), 0),  # brightness alone does not count
        (at(0, 3, 0), 0),
        (at(0.8, 0.6, 0), 0.2**2 + 0.6**2),
        (at(0.8, 0, 0.6), 0.2**2 + 0.25 * 0.6**2),
        (-at(1, 0, 0), 2),  # as far from the other source as from its own opposite, and farther from this one
        (at(0, 0, 0), 1),
    ],
)
def test_the_distance_is_from_the_nearest_source_less_what_is_usual(means: np.ndarray, distance: float) -> None:
    assert TWO.distances(means)[0] == pytest.approx(distance, abs=1e-6)


def test_the_familiarity_is_the_share_of_known_pictures_at_least_as_far_away() -> None:
    """At distances 0, 0.4 and 2."""
    found = [TWO.of(means)[0] for means in (at(1, 0, 0), at(0.8, 0.6, 0), -at(1, 0, 0))]
    assert found == pytest.approx([1.0, 0.4, 0.1])


def test_of_pictures_like_the_known_ones_few_fall_below_the_limit_and_of_others_all() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        known = np.sort(rng.normal(size=99) ** 2)
        shares.append((ranks(known, rng.normal(size=200) ** 2) <= UNFAMILIAR).mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=0.005)
    assert (ranks(known, np.full(5, 50.0)) <= UNFAMILIAR).all()


def test_a_mean_that_is_no_number_is_no_familiarity() -> None:
    with pytest.raises(UnsoundError, match="not finite"):
        TWO.of(at(np.nan, 0, 0))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    TWO.save(tmp_path / FILE)
    read = Familiarity.load(tmp_path / FILE)
    np.testing.assert_array_equal(read.of(at(0.8, 0.6, 0)), TWO.of(at(0.8, 0.6, 0)))


@pytest.mark.parametrize(
    "change",
    [
        {"known": np.array([2.0, 1.0])},
        {"known": np.array([np.nan])},
        {"known": np.empty(0)},
        {"centres": np.zeros((1, 2), np.float32)},
        {"usual": np.zeros(3, np.float32)},
    ],
)
def test_a_file_that_is_none_is_named(change: dict[str, np.ndarray], tmp_path: Path) -> None:
    arrays = {"usual": TWO.usual, "centres": TWO.centres, "known": TWO.known}
    np.savez(tmp_path / FILE, **arrays | change)
    with pytest.raises(ModelError, match="familiarity"):
        Familiarity.load(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(b"half a file")
    with pytest.raises(ModelError, match="is not a readable familiarity"):
        Familiarity.load(tmp_path / FILE)


def familiar_to(bundle: Path, target: Path, known: np.ndarray) -> Path:
    """The tiny bundle with a familiarity whose one source has all channels alike."""
    usual = np.zeros((CHANNELS, 1), np.float32)
    alike = np.full((1, CHANNELS), CHANNELS**-0.5, np.float32)
    trunk = bundle.with_name(bundle.name + ".trunk")
    facts = dict(Predictor.load(bundle).facts.document)
    write_bundle(target, trunk, tiny_head(), facts, Familiarity(usual, alike, known))
    return target


@pytest.mark.parametrize(("known", "familiarity"), [(np.zeros(99), 0.01), (np.ones(99), 1.0)])
def test_an_unfamiliar_picture_is_answered_and_warned_of(
    known: np.ndarray, familiarity: float, bundle: Path, tmp_path: Path
) -> None:
    model = Predictor.load(familiar_to(bundle, tmp_path / "model", known))
    said = answer(model, np.random.default_rng(0).integers(60, 200, (32, 32), np.uint8))
    assert said.familiarity == pytest.approx(familiarity)
    assert ("unfamiliar_source" in [warning.code for warning in said.warnings]) == (familiarity <= UNFAMILIAR)
    assert said.state in ("COVID", "NonCOVID")


def test_a_model_that_does_not_know_says_nothing(bundle: Path) -> None:
    rng = np.random.default_rng(0)
    said = answer(Predictor.load(bundle), rng.integers(60, 200, (32, 32), np.uint8))
    assert said.familiarity is None
    assert "unfamiliar_source" not in [warning.code for warning in said.warnings]


def test_the_version_covers_it(bundle: Path, tmp_path: Path) -> None:
    versions = {
        Predictor.load(familiar_to(bundle, tmp_path / str(n), np.arange(1.0, 3 + n))).facts.version for n in range(2)
    }
    assert len(versions) == 2
    assert Predictor.load(bundle).facts.version not in versions


def test_one_of_another_trunk_is_refused(bundle: Path, tmp_path: Path) -> None:
    folder = familiar_to(bundle, tmp_path / "model", np.arange(1.0, 9))
    (folder / FILE).unlink()
    (folder / "manifest.json").unlink()
    facts = (folder / "model.json").read_text().replace('"has_manifest": true', '"has_manifest": false')
    (folder / "model.json").write_text(facts)
    replace(TWO, usual=np.ones((5, 1), np.float32), centres=np.ones((1, 5), np.float32)).save(folder / FILE)
    with pytest.raises(ModelError, match="5 channels, the trunk gives 3"):
        Predictor.load(folder)


def test_the_means_are_over_all_places() -> None:
    maps = np.arange(2 * 2 * 3 * 2, dtype=np.float32).reshape(2, 2, 3, 2)
    np.testing.assert_allclose(channel_means(maps), maps.reshape(2, 6, 2).mean(axis=1))
