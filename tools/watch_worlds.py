"""Worlds for `tools.watch_promise`: sources of pictures, drawn or real, as bins of the watch's statistics."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from cxr.common.errors import CxrError, ImageError
from cxr.imaging.decode import decode
from cxr.watch.codings import coding_and_device
from cxr.watch.sequential import ABSENT, Array, Counts
from cxr.watch.statistics import STATISTICS, values_of_picture

# From a shape to int64[*shape, statistics]: bins of as many pictures.
World = Callable[[np.random.Generator, tuple[int, ...]], Counts]
Shift = Mapping[str, float]
# What a new source does to a drawn picture. odds: to the log odds. strange: the share of pictures with a familiarity of
# at most 0.05. grey: to the mean grey. larger: what both sides are multiplied by. png: the share so coded. refused: the
# share that the gate refuses.
USUAL: Shift = {"odds": 0, "strange": 0.05, "grey": 0, "larger": 1, "png": 0.02, "refused": 0.01}
SHIFTS: Mapping[str, Shift] = {
    "a new source: all moves a little": {"odds": 0.7, "strange": 0.2, "grey": 8, "larger": 1.1, "refused": 0.02},
    "a new source: all moves": {"odds": 1.5, "strange": 0.5, "grey": 20, "larger": 1.3, "refused": 0.05, "png": 0.5},
    "half of the pictures unfamiliar": {"strange": 0.5},
    "log odds 1 higher (half a standard deviation)": {"odds": 1},
    "log odds 2 higher": {"odds": 2},
    "20 grey levels brighter (0.8 standard deviations)": {"grey": 20},
    "a sixth larger": {"larger": 1.167},
    "one in five refused": {"refused": 0.2},
    "PNG in the place of DICOM": {"png": 0.95},
}
FILES = {
    "covid_chestxray": "covid-chestxray-dataset/images",
    "kaggle_pneumonia": "chest-xray-pneumonia",
    "covid_image_repository": "covid-19-image-repository/png",
    "adult_negatives": "adult-negatives",
}
ENDINGS = (".png", ".jpg", ".jpeg", ".dcm")
MOST_FILES = 600  # of a source


def drawn(shift: Shift) -> World:
    """A site whose statistics hang together: bright pictures are a little likelier, large ones are large both ways."""
    change = dict(USUAL) | dict(shift)

    def world(rng: np.random.Generator, shape: tuple[int, ...]) -> Counts:
        common = rng.normal(size=shape)
        size = rng.normal(scale=0.15, size=shape)
        odds = rng.normal(-2, 1.8, shape) + 0.9 * common + change["odds"]
        familiarity = rng.random(shape)
        strange = rng.random(shape) < (change["strange"] - 0.05) / 0.95
        width = 2300 * np.exp(size + rng.normal(scale=0.05, size=shape)) * change["larger"]
        height = 2600 * np.exp(size + rng.normal(scale=0.05, size=shape)) * change["larger"]
        passed = rng.random(shape) >= change["refused"]
        probability = 1 / (1 + np.exp(-odds))
        columns: dict[str, Array] = {
            "probability": np.where(passed, probability, np.nan),
            "familiarity": np.where(passed, np.where(strange, 0.05 * familiarity, familiarity), np.nan),
            "brightness": np.clip(128 + 20 * rng.normal(size=shape) + 15 * common + change["grey"], 0, 255),
            "width": width,
            "height": height,
            "aspect": width / height,
        }
        names = {
            "coding": np.where(rng.random(shape) < change["png"], "PNG", "DICOM uncompressed"),
            "gate": np.where(passed, "passed", "not_frontal"),
            "triage": np.where(probability < 0.1, "unlikely", np.where(probability < 0.5, "uncertain", "likely")),
        }
        return np.stack([_bins(name, columns, names, passed) for name in (s.name for s in STATISTICS)], axis=-1)

    return world


def _bins(name: str, columns: Mapping[str, Array], names: Mapping[str, np.ndarray], passed: np.ndarray) -> Counts:
    statistic = next(known for known in STATISTICS if known.name == name)
    if statistic.named:
        found = np.zeros(passed.shape, np.int64)
        for text in np.unique(names[name]):
            found[names[name] == text] = statistic.bin_of(str(text))
    else:
        found = np.searchsorted(np.array(statistic.edges, np.float64), columns[name], side="right")
    missing = ~passed if name in ("probability", "familiarity", "triage") else np.zeros_like(passed)
    return np.where(missing, ABSENT, found)


def mirror_worlds(mirror: Path) -> dict[str, World]:
    """By source, its real pictures. Raises CxrError where a source has none."""
    return {
        name: _resampled(_pictures(mirror / folder)) for name, folder in FILES.items() if (mirror / folder).is_dir()
    }


def _pictures(folder: Path) -> Counts:
    """int64[pictures, statistics] of the readable pictures of a folder, spread evenly over it."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    chosen = files[:: max(1, len(files) // MOST_FILES)]
    found = [bins for bins in map(_bins_of_file, chosen) if bins is not None]
    if not found:
        raise CxrError(f"{folder} has no readable picture; set CXR_MIRROR to a mirror of the sources")
    return np.array(found, np.int64)


def _bins_of_file(path: Path) -> list[int] | None:
    data = path.read_bytes()
    try:
        picture = decode(data)
    except ImageError:
        return None
    values = values_of_picture(coding_and_device(data)[0], picture)
    return [s.bin_of(values[s.name]) if s.name in values else ABSENT for s in STATISTICS]


def _resampled(pictures: Counts) -> World:
    def world(rng: np.random.Generator, shape: tuple[int, ...]) -> Counts:
        return pictures[rng.integers(len(pictures), size=shape)]

    return world
