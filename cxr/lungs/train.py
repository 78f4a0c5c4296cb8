"""Training the lung segmenter on the masks that come with the sources, and measuring it.

The source says to which picture a mask belongs; patients keep the split that they have elsewhere. The masks of
covid-chestxray-dataset are a network's, checked by eye (Selvan et al. 2020), of adults alone.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from cxr.augmentation.strong import strong_view_pair
from cxr.common.atomic_files import read_json, replace_when_complete, write_json
from cxr.common.errors import CxrError
from cxr.common.fingerprint import fingerprint_of_arrays, fingerprint_of_code, fingerprint_of_libraries
from cxr.data.dataset import Dataset
from cxr.data.manifest import ImageRow, LungMask
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, SPLITS, split_of_patient
from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.settings import EvaluateParams
from cxr.imaging.decode import resize
from cxr.inference.lung_segmenter import FILE, SHAPE, WEIGHTS, LungSegmenter, dice
from cxr.lungs.settings import LungsParams

if TYPE_CHECKING:
    from cxr.networks import unet

FINGERPRINT = "fingerprint.json"  # beside the segmenter
EPOCHS = "epochs.json"
_CODE = (
    "cxr.augmentation.operations",
    "cxr.augmentation.strong",
    "cxr.imaging.decode",
    "cxr.networks.keras_export",
    "cxr.lungs.train",
    "cxr.networks.unet",
)


@dataclass(frozen=True)
class Masked:
    """Pictures with known lungs. position: in the index. file: the mask's."""

    row: ImageRow
    position: int
    split: str
    file: Path


@dataclass(frozen=True)
class MaskSearch:
    """images: whose masks are used. unused: how many masks have no usable picture, by reason."""

    images: list[Masked]
    unused: dict[str, int]

    def on(self, split: str) -> list[Masked]:
        return [image for image in self.images if image.split == split]


def find_masks(data: Dataset, masks: Sequence[LungMask], raw: Path, params: SplitParams) -> MaskSearch:
    """Of the sources' masks those whose picture is indexed, each with that picture. raw: what their paths begin at.

    Pictures that are only tested on elsewhere go to the split that their patient's hash names. A picture that the
    split dropped as a near-duplicate is left out here too.
    """
    position_of = {row.path: i for i, row in enumerate(data.rows)}
    images: list[Masked] = []
    unused = Counter[str]()
    for mask in masks:
        position = position_of.get(mask.picture)
        row = None if position is None else data.rows[position]
        if position is None or row is None:
            unused["not_in_index"] += 1
        elif row.path not in data.split_of:
            unused["near_duplicate_across_split"] += 1
        else:
            split = data.split_of[row.path]
            split = split_of_patient(row.patient, params) if split == HELD_OUT else split
            images.append(Masked(row, position, split, raw / mask.path))
    return MaskSearch(images, dict(unused))


def read_mask(file: Path, image_size: int) -> np.ndarray:
    """A mask of any size as uint8[size, size]: 0 outside the lungs, 255 inside, grey where a pixel lies on the edge."""
    with Image.open(file) as picture:
        return resize(np.asarray(picture.convert("L")), image_size)


@dataclass(frozen=True)
class MaskedExamples:
    """What the segmenter learns from, of training patients, and what its epochs are compared on, of validation
    patients. Pictures and masks are uint8[n, size, size]."""

    pictures: np.ndarray
    masks: np.ndarray
    validation_pictures: np.ndarray
    validation_masks: np.ndarray

    @classmethod
    def read(cls, data: Dataset, found: MaskSearch, image_size: int) -> "MaskedExamples":
        return cls(*_pairs(data, found.on("train"), image_size), *_pairs(data, found.on("validation"), image_size))

    def fingerprint(self, params: LungsParams) -> dict[str, Any]:
        """Everything that the segmenter depends on; test patients' masks are not in it, nor pictures without one."""
        arrays = (self.pictures, self.masks, self.validation_pictures, self.validation_masks)
        return {
            "pictures": fingerprint_of_arrays(arrays),
            "params": asdict(params),
            "code": fingerprint_of_code(_CODE),
            "libraries": fingerprint_of_libraries(),
        }


def train_and_measure(
    data: Dataset, found: MaskSearch, params: LungsParams, bootstrap: EvaluateParams, directory: Path
) -> dict[str, Any]:
    """Leave lungs.xml and lungs.bin in `directory`, and return what is known of them. Where the segmenter there was
    made of the same, it stays, and is measured anew on the masks of today.

    Without masks of training and of validation patients nothing can be trained and judged: no segmenter is left there,
    and the report says so. Test patients' masks are counted, and not measured on.
    """
    report: dict[str, Any] = {
        "masks": {split: len(found.on(split)) for split in SPLITS},
        "patients": {split: len({image.row.patient for image in found.on(split)}) for split in SPLITS},
        "masks_unused": found.unused,
    }
    missing = [split for split in ("train", "validation") if not found.on(split)]
    if missing:
        with replace_when_complete(directory) as unfinished:
            unfinished.mkdir()
            write_json(None, unfinished / FINGERPRINT)  # DVC keeps no empty folder
        return {**report, "trained": False, "why": f"no lung masks of {', '.join(missing)} patients"}
    epochs = ensure_segmenter(MaskedExamples.read(data, found, params.image_size), params, directory)
    segmenter = LungSegmenter.load(directory / FILE)
    dice = {"validation": measure(segmenter, data, found.on("validation"), bootstrap)}
    return {**report, "trained": True, "dice": dice, **epochs}


def ensure_segmenter(examples: MaskedExamples, params: LungsParams, directory: Path) -> dict[str, int]:
    """Leave in `directory` the segmenter that these examples and params make, fitting it only where it is not there
    yet. Returns its "epochs" and its "best_epoch", counted from 1."""
    fingerprint = examples.fingerprint(params)
    if not _is_there(fingerprint, directory):
        with replace_when_complete(directory) as unfinished:
            unfinished.mkdir()
            fitted = fit_segmenter(examples, params, unfinished)
            write_json({"best_epoch": fitted.best_epoch, "epochs": len(fitted.history)}, unfinished / EPOCHS)
            write_json(fingerprint, unfinished / FINGERPRINT)
    epochs: dict[str, int] = read_json(directory / EPOCHS)
    return epochs


def _is_there(fingerprint: dict[str, Any], directory: Path) -> bool:
    try:
        known = read_json(directory / FINGERPRINT)
    except CxrError:
        return False
    files = (FILE, Path(FILE).with_suffix(".bin").name, WEIGHTS, SHAPE, EPOCHS)
    return bool(known == fingerprint) and all((directory / name).is_file() for name in files)


def fit_segmenter(examples: MaskedExamples, params: LungsParams, directory: Path) -> "unet.Fit":
    """Fit on the training patients' masks, stop by the validation patients', and leave lungs.xml in `directory`."""
    from cxr.networks import unet

    validation = (
        examples.validation_pictures[..., None].astype(np.float32),
        (examples.validation_masks[..., None] >= 128).astype(np.float32),
    )
    model = unet.build(params.image_size, params.width, params.seed)
    fitted = unet.fit(
        model,
        lambda epoch: draw_epoch(examples.pictures, examples.masks, params, epoch),
        validation,
        epochs=params.epochs,
        patience=params.patience,
        batch_size=params.batch_size,
        learning_rate=params.learning_rate,
    )
    unet.export(model, directory)
    return fitted


def _pairs(data: Dataset, images: Sequence[Masked], image_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and masks, uint8[n, size, size] each."""
    pictures = [resize(data.pixels[image.position], image_size) for image in images]
    return np.stack(pictures), np.stack([read_mask(image.file, image_size) for image in images])


def draw_epoch(
    pictures: np.ndarray, masks: np.ndarray, params: LungsParams, epoch: int
) -> tuple[np.ndarray, np.ndarray]:
    """One random version of each pair: float32[n, size, size, 1] of 0..255, and of 0 or 1. Its draw depends on the
    seed, the epoch and the pair's number alone."""
    x = np.empty((*pictures.shape, 1), np.float32)
    y = np.empty((*masks.shape, 1), np.float32)
    for i, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        rng = np.random.default_rng((params.seed, epoch, i))
        x[i, ..., 0], moved = strong_view_pair(picture, mask, params.augmentation, rng)
        y[i, ..., 0] = moved >= 128
    return x, y


def measure(
    segmenter: LungSegmenter, data: Dataset, images: Sequence[Masked], params: EvaluateParams
) -> dict[str, Any]:
    """Dice of cleaned masks, at the size of the pixel store's pictures: mean with its interval over patients, median,
    5th percentile."""
    pictures, masks = _pairs(data, images, data.pixels.shape[1])
    found = segmenter.masks(pictures)
    scores = [dice(a, b >= 128) for a, b in zip(found, masks, strict=True)]
    return {
        "mean": mean_over_patients(scores, [image.row.patient for image in images], params),
        "median": float(np.median(scores)),
        "p5": float(np.quantile(scores, 0.05)),
        "worst": min(scores),
    }
