"""Measure how well copies are found by their pictures: made ones and real ones of a mirror, and for how long.

    python -m tools.copies_quality MIRROR --out docs/results/copies.json

Patients are halved. On one half the projection is learned and a correlation is proposed; on the other half, at the
correlation that the code has, made copies are looked for among originals and copies. Then the real pairs, those that
the sources' records name. Last the time for many images, each the mean of two of the mirror's, and how many of the
copies that are made of some of them are found among so many.
"""

import argparse
import datetime
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from cxr.common.atomic_files import write_json
from cxr.common.config import load_params
from cxr.common.stage_runner import run_stage
from cxr.copies.alignment import confirmed
from cxr.copies.finder import candidates, describe, find_copies
from cxr.copies.made import Picture, made_copy
from cxr.copies.pair import Copy
from cxr.copies.projection import Projection
from cxr.copies.sampling import SmallPictures
from cxr.data.manifest import ImageRow
from cxr.data.pixel_store import read_pixels, write_pixels
from cxr.data.settings import CopiesParams
from cxr.sources import SOURCES
from cxr.sources.fetching import fetch_all
from cxr.sources.folder import FolderParams
from cxr.sources.index import build_index
from cxr.sources.settings import DownloadParams
from tools.machine import machine

ROOT = Path(__file__).resolve().parent.parent
CORRELATION = load_params(CopiesParams, ROOT / "params.yaml").correlation
# Where a mirror has the sources of params.yaml.
COLLECTIONS = {
    "covid_chestxray": "covid-chestxray-dataset",
    "kaggle_pneumonia": "chest-xray-pneumonia",
    "covid_image_repository": "covid-19-image-repository",
}
SEED = 20
PATIENTS = 600  # measured on; half as many for the proposal
IMAGES = 50_000
LOWEST = 0.5  # correlation of pairs that the proposal looks at
COPIED = 500  # of IMAGES


def main(mirror: Path, out: Path) -> str:
    with TemporaryDirectory() as folder:
        rows, pictures = read_mirror(mirror.resolve(), Path(folder))
        rng = np.random.default_rng(SEED)
        patients = rng.permutation(sorted({row.patient for row in rows}))
        halves = [one_of_each(rows, half, rng) for half in np.array_split(patients, 2)]
        projection = Projection.learn([pictures[i] for i in halves[0]], SEED)
        proposal = made_pairs([pictures[i] for i in halves[0][: PATIENTS // 2]], projection, rng, LOWEST)
        result: dict[str, Any] = {
            "command": f"python -m tools.copies_quality MIRROR --out {out.as_posix()}",
            "date": datetime.date.today().isoformat(),
            "machine": machine(),
            "images": len(rows),
            "correlation": CORRELATION,
            "other_half": {"correlation_proposed": proposed(*proposal), **summary(*proposal)},
            "made": summary(*made_pairs([pictures[i] for i in halves[1][:PATIENTS]], projection, rng, LOWEST)),
            "real": real_pairs(rows, pictures, projection),
            "many": among_many(pictures, projection, rng),
        }
    write_json(result, out)
    return (
        f"{out}: recall {result['made']['recall']}, {result['real']['found']} of {result['real']['named']} real pairs"
    )


def read_mirror(mirror: Path, folder: Path) -> tuple[list[ImageRow], list[Picture]]:
    """The collections of params.yaml that the mirror has, and the adults."""
    sources = load_params(DownloadParams, ROOT / "params.yaml").sources
    found = {
        name: replace(sources[name], origin=str(mirror / of))
        for name, of in COLLECTIONS.items()
        if (mirror / of).is_dir()
    }
    adults = mirror / "adult-negatives"
    if adults.is_dir():
        classes = {"NO_FINDING": "NonCOVID", "PNEUMONIA": "NonCOVID"}
        found["adult_negatives"] = FolderParams("folder", str(adults), classes, r"^([^_]+)_", ("NonCOVID",))
    params = DownloadParams(found, {})
    fetch_all(params.all(), SOURCES, folder / "raw")
    rows = build_index(params, folder / "raw").images
    write_pixels(rows, folder / "raw", 299, folder / "pixels.npy")
    store = np.array(read_pixels(folder / "pixels.npy"))
    return rows, [Picture(pixels, row.width, row.height) for pixels, row in zip(store, rows, strict=True)]


def one_of_each(rows: Sequence[ImageRow], patients: np.ndarray, rng: np.random.Generator) -> list[int]:
    """One picture of each patient, at random."""
    of: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        of.setdefault(row.patient, []).append(i)
    return [int(rng.choice(of[patient])) for patient in patients]


def made_pairs(
    pictures: Sequence[Picture], projection: Projection, rng: np.random.Generator, lowest: float
) -> tuple[np.ndarray, np.ndarray]:
    """One copy made of each picture, each of another patient: the correlations of the copies with their originals, 0
    where not found, and those of pairs of two patients, one for each pair, from the highest down."""
    count = len(pictures)
    found = find_copies(
        SmallPictures.of([*pictures, *(made_copy(rng, picture) for picture in pictures)]), projection, lowest
    )
    true = np.zeros(count)
    false: dict[tuple[int, int], float] = {}
    for pair in found:
        first, second = sorted((pair.first % count, pair.second % count))
        if first == second:
            true[first] = pair.correlation
        else:
            false[first, second] = max(pair.correlation, false.get((first, second), 0.0))
    return true, np.array(sorted(false.values(), reverse=True))


def proposed(true: np.ndarray, false: np.ndarray) -> float:
    """Midway between the best pair of two patients and the correlation that 98 % of the copies reach."""
    return round((float(np.quantile(true, 0.02)) + float(false[0] if len(false) else LOWEST)) / 2, 3)


def summary(true: np.ndarray, false: np.ndarray) -> dict[str, Any]:
    return {
        "patients": len(true),
        "recall": round(float((true >= CORRELATION).mean()), 4),
        "false_pairs": int((false >= CORRELATION).sum()),
        "copies_correlate": {f"{share:.0%}": round(float(np.quantile(true, share)), 3) for share in (0.01, 0.05, 0.5)},
        "highest_of_two_patients": [round(float(value), 3) for value in false[:5]],
    }


def real_pairs(rows: Sequence[ImageRow], pictures: Sequence[Picture], projection: Projection) -> dict[str, Any]:
    """Among all images of the mirror: the pairs that the records name, and what else was found."""
    by_name: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        if row.same_as:
            by_name.setdefault(row.same_as, []).append(i)
    named = {(min(pair), max(pair)) for pair in by_name.values() if len(pair) == 2}
    found = find_copies(SmallPictures.of(pictures), projection, CORRELATION)
    strangers = [pair for pair in found if rows[pair.first].patient != rows[pair.second].patient]
    return {
        "named": len(named),
        "found": len(named & {(pair.first, pair.second) for pair in found}),
        "pairs_of_two_patients": [_told(rows, pair) for pair in strangers],
    }


def _told(rows: Sequence[ImageRow], pair: Copy) -> list[Any]:
    return [rows[pair.first].path, rows[pair.second].path, round(pair.correlation, 3)]


@dataclass(frozen=True)
class Means(Sequence[Picture]):
    """Pictures that exist while they are looked at: each the mean of two, of the shape of the first. Behind them the
    copies that were made of some. pairs: int64[n, 2]."""

    pictures: Sequence[Picture]
    pairs: np.ndarray
    copies: Sequence[Picture] = ()

    def __len__(self) -> int:
        return len(self.pairs) + len(self.copies)

    def __getitem__(self, i: int) -> Picture:  # type: ignore[override]
        if i >= len(self.pairs):
            return self.copies[i - len(self.pairs)]
        first, second = (self.pictures[j] for j in self.pairs[i])
        return replace(first, pixels=first.pixels // 2 + second.pixels // 2)


def among_many(pictures: Sequence[Picture], projection: Projection, rng: np.random.Generator) -> dict[str, Any]:
    """Seconds by the clock and of the processors, of each step; and what is found of the copies."""
    originals = Means(pictures, rng.integers(len(pictures), size=(IMAGES - COPIED, 2)))
    chosen = rng.choice(len(originals), COPIED, replace=False)
    means = replace(originals, copies=[made_copy(rng, originals[int(i)]) for i in chosen])
    describe(SmallPictures.of(means.copies[:2]), projection)  # so that nothing is compiled while the clock runs
    clock = [_now()]
    small = SmallPictures.of(means)
    clock.append(_now())
    there, asked = describe(small, projection)
    clock.append(_now())
    pairs = candidates(small, there, asked)
    clock.append(_now())
    pairs, correlations = confirmed(small, pairs)
    clock.append(_now())
    close = correlations >= CORRELATION
    found = {(i, j) for i, j in zip(pairs.firsts[close].tolist(), pairs.seconds[close].tolist(), strict=True)}
    true = [(int(i), len(originals) + k) for k, i in enumerate(chosen)]
    steps = zip(("shrink", "describe", "search", "compare"), np.diff(clock, axis=0), strict=True)
    return {
        "images": len(means),
        "copies": COPIED,
        "recall": sum((i, k) in found or (k, i) in found for i, k in true) / COPIED,
        "load_average": round(os.getloadavg()[0], 1),
        "wall_seconds": round(float(clock[-1][0] - clock[0][0])),
        "processor_seconds": round(float(clock[-1][1] - clock[0][1])),
        "steps": {name: {"wall": round(float(wall)), "processor": round(float(cpu))} for name, (wall, cpu) in steps},
    }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mirror", type=Path, help="a folder with the collections, as `make real` reads it")
    parser.add_argument("--out", type=Path, required=True, help="the .json file to write")
    arguments = parser.parse_args()
    run_stage(lambda: main(arguments.mirror, arguments.out))
