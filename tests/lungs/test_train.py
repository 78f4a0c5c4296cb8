"""Making the lung segmenter: its training, and when it is kept."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from cxr.augmentation.settings import StrongParams
from cxr.data.dataset import Dataset
from cxr.inference.engine import Trunk
from cxr.inference.lung_segmenter import (
    FILE,
    SHAPE,
    WEIGHTS,
    dice,
)
from cxr.lungs import train as lungs_training
from cxr.lungs.settings import LungsParams
from cxr.lungs.train import (
    MaskedExamples,
    MaskSearch,
    draw_epoch,
    ensure_segmenter,
    find_masks,
    train_and_measure,
)
from tests.lungs.masked import BOOTSTRAP, SPLIT, lungs, masks_under, params
from tests.rows import image_row
from tests.tiny import dark_is_lung

STILL = StrongParams(0, 1, 1, 0, 1, 1, 0, 0)


# --- a segmenter is made once ---------------------------------------------------------------------------------


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that a segmenter was fitted into, by a stand-in that trains nothing."""
    done: list[Path] = []

    def fit(examples: MaskedExamples, params: LungsParams, directory: Path) -> SimpleNamespace:
        done.append(directory)
        dark_is_lung(directory)
        for name in (WEIGHTS, SHAPE):
            (directory / name).touch()
        return SimpleNamespace(best_epoch=2, history=[{}] * 3)

    monkeypatch.setattr(lungs_training, "fit_segmenter", fit)
    return done


def folder_of(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of change of every file."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir()}


def test_a_segmenter_of_the_same_masks_is_kept_and_reported_as_before(
    collection: tuple[Dataset, Path], tmp_path: Path, fits: list[Path]
):
    data, raw = collection
    found, home = find_masks(data, masks_under(raw), raw, SPLIT), tmp_path / "lungs"
    first = train_and_measure(data, found, params(), BOOTSTRAP, home)
    before = folder_of(home)
    assert train_and_measure(data, found, params(), BOOTSTRAP, home) == first
    assert (first["best_epoch"], first["epochs"]) == (2, 3)
    assert folder_of(home) == before
    assert len(fits) == 1


def test_pictures_without_a_mask_and_masks_of_test_patients_train_nothing_anew(
    collection: tuple[Dataset, Path], tmp_path: Path, fits: list[Path]
):
    data, raw = collection
    found, home = find_masks(data, masks_under(raw), raw, SPLIT), tmp_path / "lungs"
    fewer = MaskSearch([image for image in found.images if image is not found.on("test")[0]], {})
    before = train_and_measure(data, fewer, params(), BOOTSTRAP, home)
    rows = [image_row("covid/images/a.jpg", source="covid", patient="covid/new"), *data.rows]
    split_of = {**data.split_of, "covid/images/a.jpg": "train"}
    grown = Dataset(rows, split_of, np.concatenate([data.pixels[:1], data.pixels]))
    after = train_and_measure(grown, find_masks(grown, masks_under(raw), raw, SPLIT), params(), BOOTSTRAP, home)
    assert len(fits) == 1
    assert after["masks"]["test"] == before["masks"]["test"] + 1
    assert after["dice"] == before["dice"]  # test patients are not measured on


@pytest.mark.parametrize("change", ["mask", "picture", "params", "code", "library", "weights gone", "damaged"])
def test_whatever_the_segmenter_depends_on_trains_it_anew(
    collection: tuple[Dataset, Path],
    tmp_path: Path,
    fits: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
):
    data, raw = collection
    found, home, wanted = find_masks(data, masks_under(raw), raw, SPLIT), tmp_path / "lungs", params()
    train_and_measure(data, found, wanted, BOOTSTRAP, home)
    image = found.on("train")[0]
    if change == "mask":
        Image.fromarray(np.zeros((72, 96), np.uint8)).save(image.file)
    elif change == "picture":
        data.pixels[image.position] += 3
    elif change == "params":
        wanted = params(seed=2)
    elif change == "code":
        monkeypatch.setattr(lungs_training, "fingerprint_of_code", lambda modules: "another")
    elif change == "library":
        monkeypatch.setattr(lungs_training, "fingerprint_of_libraries", lambda: "another")
    elif change == "weights gone":
        (home / "lungs.bin").unlink()
    else:
        (home / "fingerprint.json").write_text("{")
    train_and_measure(data, found, wanted, BOOTSTRAP, home)
    assert len(fits) == 2


@pytest.mark.slow
def test_training_anew_gives_the_same_bytes(collection: tuple[Dataset, Path], tmp_path: Path):
    data, raw = collection
    examples = MaskedExamples.read(data, find_masks(data, masks_under(raw), raw, SPLIT), 32)
    for home in (tmp_path / "first", tmp_path / "again"):
        ensure_segmenter(examples, params(), home)
    first, again = (
        {name: content for name, (content, _) in folder_of(tmp_path / home).items()} for home in ("first", "again")
    )
    assert first["lungs.bin"] == again["lungs.bin"]
    assert {name: first[name] for name in ("epochs.json", "fingerprint.json")} == {
        name: again[name] for name in ("epochs.json", "fingerprint.json")
    }


# --- an epoch ---------------------------------------------------------------------------------------------------


def test_an_epoch_repeats_and_the_next_differs():
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32), np.uint8)
    masks = (pictures > 128).astype(np.uint8) * 255
    first, again, other = (draw_epoch(pictures, masks, params(), epoch) for epoch in (0, 0, 1))
    assert (first[0] == again[0]).all()
    assert (first[1] == again[1]).all()
    assert (first[0] != other[0]).any()
    assert set(np.unique(first[1])) <= {0.0, 1.0}


def test_an_image_size_that_cannot_be_halved_four_times_is_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        params(image_size=40)


# --- training ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_training_learns_the_lungs_of_patients_it_has_not_seen(collection: tuple[Dataset, Path], tmp_path: Path):
    data, raw = collection
    found = find_masks(data, masks_under(raw), raw, SPLIT)
    assert {image.split for image in found.images} == {"train", "validation", "test"}
    report = train_and_measure(data, found, params(epochs=25, augmentation=STILL), BOOTSTRAP, tmp_path / "lungs")
    assert report["trained"] is True
    assert set(report["dice"]) == {"validation"}
    assert report["dice"]["validation"]["mean"]["value"] > 0.9
    assert report["dice"]["validation"]["mean"]["patients"] == report["patients"]["validation"]


@pytest.mark.slow
def test_the_exported_network_answers_as_the_trained_one(tmp_path: Path):
    from cxr.networks import unet

    model = unet.build(32, 2, seed=3)
    unet.export(model, tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32), np.uint8)
    expected = model.predict(pictures[..., None].astype(np.float32), verbose=0)
    assert np.abs(Trunk(tmp_path / FILE)(pictures) - expected).max() < 1e-4


@pytest.mark.slow
def test_the_network_ends_with_the_weights_of_its_best_epoch():
    from cxr.networks import unet

    rng = np.random.default_rng(0)
    masks = np.stack([lungs(rng, 32) for _ in range(8)])[..., None].astype(np.float32)
    pictures = 200 - 150 * masks
    model = unet.build(32, 2, seed=3)
    settings = {"epochs": 4, "patience": 4, "batch_size": 4, "learning_rate": 0.05}
    fitted = unet.fit(model, lambda epoch: (pictures, masks), (pictures, masks), **settings)
    scores = [row["validation_dice"] for row in fitted.history]
    assert fitted.best_epoch == int(np.argmax(scores)) + 1
    found = model.predict(pictures, verbose=0) >= 0.5
    assert np.mean([dice(a, b > 0) for a, b in zip(found, masks, strict=True)]) == pytest.approx(max(scores), abs=0.01)


@pytest.mark.slow
def test_the_validation_dice_of_an_epoch_is_over_all_pictures_not_the_last_batch():
    from cxr.networks import unet

    rng = np.random.default_rng(1)
    masks = np.stack([lungs(rng, 32) for _ in range(6)])[..., None].astype(np.float32)
    pictures = 200 - 150 * masks
    seen = (np.concatenate([pictures, pictures[:1]]), np.concatenate([masks, 0 * masks[:1]]))  # the last: no lungs
    model = unet.build(32, 2, seed=3)
    settings = {"epochs": 2, "patience": 2, "batch_size": 3, "learning_rate": 0.05}
    fitted = unet.fit(model, lambda epoch: (pictures, masks), seen, **settings)
    found = model.predict(seen[0], verbose=0) >= 0.5
    scores = [dice(a, b > 0) for a, b in zip(found, seen[1], strict=True)]
    assert fitted.history[fitted.best_epoch - 1]["validation_dice"] == pytest.approx(np.mean(scores), abs=0.01)
