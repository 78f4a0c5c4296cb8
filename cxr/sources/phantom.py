"""Synthetic radiographs as a source: `images/phantom-000012-1.png` and `metadata.csv`.

Patient number and seed decide everything, so a larger `patients` adds people and changes none.
"""

import csv
import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydantic import Field
from pydantic.dataclasses import dataclass as settings
from tqdm import tqdm

from cxr.common.atomic_files import remove, replace_when_complete, sha256_of
from cxr.common.config import STRICT, Seed
from cxr.common.errors import SourceError
from cxr.common.labels import COVID, NON_COVID, Label
from cxr.data.manifest import RejectedRow
from cxr.sources.base import Candidate, Listing, Source, SourceDescription, SourceParams
from cxr.sources.synthetic import anatomy, findings, overlay, radiograph

METADATA = "metadata.csv"
RECIPE = "recipe.json"
IMAGES = "images"
MARK = "Synthetic radiograph: a phantom drawn by covid-cxr, not a picture of a person"
_IMAGES_PER_PATIENT = (1, 2, 3)
_SHARES = (0.5, 0.3, 0.2)  # of the patients with so many images


@settings(frozen=True, config=STRICT)
class PhantomParams(SourceParams):
    """image_size: pixels. covid_fraction: of the patients."""

    kind: Literal["phantom"]
    train_on: tuple[Label, ...]
    patients: Annotated[int, Field(ge=4, le=1_000_000)]
    image_size: Annotated[int, Field(ge=32, le=2048)]
    covid_fraction: Annotated[float, Field(ge=0.05, le=0.95)]
    seed: Seed


DESCRIPTION = SourceDescription(
    what="synthetic radiographs, drawn by this project",
    people="nobody: the pictures are drawn, and numbers on them say nothing about people",
    licence="MIT, this project's own",
    cite="not applicable: made by this project",
)


@dataclass(frozen=True, slots=True)
class Phantom:
    """One row of metadata.csv, all text. path: relative to the source's folder. age: years."""

    path: str
    patient: str
    label: str
    view: str
    finding: str
    sex: str
    age: str


def fetch(params: PhantomParams, directory: Path) -> None:
    """Draw what is not there yet. metadata.csv comes last: with it, the source is complete.

    Pictures of another recipe (seed, image size, share of COVID, or another version of the drawing code) are deleted
    first, and so are those of patients beyond `params.patients`.
    """
    try:
        _forget_other_recipe(_recipe(params), directory)
        phantoms = list(_phantoms(params))
        missing = _keep_only(phantoms, directory)
        _draw_all(missing, params, directory)
        _write_metadata(phantoms, directory)
    except OSError as fault:
        raise SourceError(f"{directory}: cannot write phantoms ({fault}); free space or rights, then rerun") from None


def list_images(params: PhantomParams, directory: Path, name: str) -> Listing:
    """Every row of metadata.csv is a candidate, unless its file is missing."""
    rows = _read_metadata(directory / METADATA)
    present = {f"{IMAGES}/{path.name}" for path in (directory / IMAGES).glob("*.png")}
    unnamed = present - {row.path for row in rows}
    rejected = [RejectedRow(row.path, name, "no_file", "") for row in rows if row.path not in present]
    rejected += [RejectedRow(path, name, "no_row", "") for path in unnamed]
    candidates = [Candidate(**asdict(row)) for row in rows if row.path in present]
    return Listing(sorted(candidates, key=lambda c: c.path), sorted(rejected, key=lambda r: r.path))


SOURCE = Source(PhantomParams, fetch, list_images, DESCRIPTION)


def _phantoms(params: PhantomParams) -> Iterator[Phantom]:
    for patient in range(1, params.patients + 1):
        choices = radiograph.stream(params.seed, patient, radiograph.Draw.RECORD)
        covid = bool(choices.random() < params.covid_fraction)
        body = radiograph.body_of(params.seed, patient)
        for image in range(1, int(choices.choice(_IMAGES_PER_PATIENT, p=_SHARES)) + 1):
            yield Phantom(
                path=f"{IMAGES}/phantom-{patient:06d}-{image}.png",
                patient=f"{patient:06d}",
                label=COVID if covid else NON_COVID,
                view=radiograph.shot_of(params.seed, patient, image).view,
                finding=radiograph.finding_of(params.seed, patient, covid=covid),
                sex=body.sex,
                age=str(body.age),
            )


def _recipe(params: PhantomParams) -> dict[str, object]:
    """All that a picture depends on, the code that draws it included."""
    code = {
        module.__name__: sha256_of(Path(str(module.__file__))) for module in (anatomy, findings, overlay, radiograph)
    }
    return {"seed": params.seed, "image_size": params.image_size, "covid_fraction": params.covid_fraction, "code": code}


def _forget_other_recipe(recipe: dict[str, object], directory: Path) -> None:
    path = directory / RECIPE
    text = json.dumps(recipe, indent=2, sort_keys=True) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    remove(directory / METADATA)
    remove(directory / IMAGES)
    with replace_when_complete(path) as partial:
        partial.write_text(text, encoding="utf-8")


def _keep_only(phantoms: list[Phantom], directory: Path) -> list[Phantom]:
    """Delete files that belong to none of `phantoms`, half-written ones included; give those without a file."""
    (directory / IMAGES).mkdir(parents=True, exist_ok=True)
    wanted = {Path(phantom.path).name for phantom in phantoms}
    present = {path.name for path in (directory / IMAGES).iterdir()}
    if present != wanted:
        remove(directory / METADATA)
    for name in present - wanted:
        remove(directory / IMAGES / name)
    return [phantom for phantom in phantoms if Path(phantom.path).name not in present]


def _draw_all(phantoms: list[Phantom], params: PhantomParams, directory: Path) -> None:
    with (
        ThreadPoolExecutor(os.cpu_count()) as pool,
        tqdm(total=len(phantoms), desc="phantoms", unit="image", disable=not phantoms) as progress,
    ):
        for _ in pool.map(lambda phantom: _draw(phantom, params, directory), phantoms):
            progress.update()


def _draw(phantom: Phantom, params: PhantomParams, directory: Path) -> None:
    patient = int(phantom.patient)
    image = int(Path(phantom.path).stem.rsplit("-", 1)[1])
    covid = phantom.label == COVID
    pixels = radiograph.radiograph(params.seed, patient, image, image_size=params.image_size, covid=covid)
    with replace_when_complete(directory / phantom.path) as partial:
        partial.write_bytes(png_bytes(pixels))


def png_bytes(pixels: npt.NDArray[np.uint8]) -> bytes:
    """uint8[height, width] as PNG whose metadata says that the picture is synthetic."""
    info = PngInfo()
    info.add_text("Description", MARK)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", pnginfo=info, compress_level=1)
    return buffer.getvalue()


def _write_metadata(phantoms: list[Phantom], directory: Path) -> None:
    with (
        replace_when_complete(directory / METADATA) as partial,
        partial.open("w", newline="", encoding="utf-8") as handle,
    ):
        writer = csv.DictWriter(handle, [field.name for field in fields(Phantom)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(phantom) for phantom in phantoms)


def _read_metadata(path: Path) -> list[Phantom]:
    names = [field.name for field in fields(Phantom)]
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            header, *rows = csv.reader(handle)
    except FileNotFoundError:
        raise SourceError(f"{path} is missing: the phantoms are not complete; rerun the download stage") from None
    except ValueError:
        raise SourceError(f"{path} is empty; rerun the download stage") from None
    for line, row in enumerate([header, *rows], start=1):
        if len(row) != len(names) or header != names:
            raise SourceError(f"{path}, line {line}: expected {','.join(names)}, got {row}; rerun the download stage")
    return [Phantom(*row) for row in rows]
