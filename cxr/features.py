"""The bank of augmented views: what a frozen trunk says of K views of each image, computed once.

The trunk is frozen, so its answer for a given picture and augmentation never changes. Row i, view k of the bank
is always the same picture, whichever images stand beside it; adding images computes only their rows.

A bank is a folder, named after everything that its numbers depend on:

    bank.json     that identity in plain words, and the shape
    scales.npy    float32[c]: a stored byte q of channel c stands for q * scales[c]
    keys.txt      one line per row: the hash of the row's pixels
    done.u8       one byte per row: 1 once all its views are on disk
    views.u8      uint8[rows, views, h, w, c]

It is kept beside DVC's outputs, not among them: DVC would hash and copy gigabytes that any machine can make
again, and would throw all rows away to add one. What DVC tracks is the trunk and the list of rows.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cxr.engine import Trunk
from cxr.errors import CxrError
from cxr.exposures import UNCHANGED
from cxr.files import read_json, reserve, write_json
from cxr.params import AugmentationParams
from cxr.views import view, view_rng

NO_AUGMENTATION = AugmentationParams(rotation_degrees=0, shift_fraction=0, horizontal_flip=False, exposure=UNCHANGED)
FORMAT = 1  # raise it when the meaning of a bank's bytes changes; old banks are then left alone
_CHUNK = 16  # images between two marks in done.u8: what a kill may cost
_SCALE_IMAGES = 32  # images whose views set the channels' scales
_HEADROOM = 1.25  # later images may exceed those channels' maxima; beyond this they are clipped


@dataclass(frozen=True)
class BankSpec:
    """Everything that a bank's numbers depend on. weights: an identity of the trunk's weights, not a path. cut: the
    layers after which the trunk ends, "" for the whole one. lungs: an identity of the segmenter that its map is
    weighted by, "" where it looks at the whole picture."""

    backbone: str
    weights: str
    side: int
    precision: str
    views: int
    seed: int
    augmentation: AugmentationParams
    cut: str = ""
    lungs: str = ""
    format: int = FORMAT

    def name(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.backbone}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


Picture = Callable[[int], np.ndarray]  # the i-th picture, uint8[side, side]; pixels need not fit in memory


def pixel_keys(picture: Picture, count: int) -> list[str]:
    """One key per picture: the hash of what the trunk will see, 32 hex digits."""
    return [hashlib.sha256(picture(i).tobytes()).hexdigest()[:32] for i in range(count)]


class ViewBank:
    """A bank on disk. Opening one that another process fills at the same time is not supported."""

    def __init__(self, root: Path, spec: BankSpec, shape: tuple[int, int, int]):
        self.spec, self.shape = spec, shape
        self.directory = root / spec.name()
        self.directory.mkdir(parents=True, exist_ok=True)
        facts = {"spec": asdict(spec), "shape": list(shape)}
        facts_file = self.directory / "bank.json"
        if not facts_file.exists():
            write_json(facts, facts_file)
        if read_json(facts_file) != json.loads(json.dumps(facts)):
            raise CxrError(f"{self.directory} holds a bank of another shape; delete the folder and run again")
        self._row_of = {key: row for row, key in enumerate(self._read_keys())}
        self._check_files()

    def fill(
        self, keys: Sequence[str], picture: Picture, trunk: Trunk, progress: Callable[[int], object] = lambda n: None
    ) -> int:
        """Compute the rows that are not there yet; returns how many images that were.

        keys: of `pixel_keys(picture, n)`. progress: called with images done.
        """
        missing = self._missing(keys)
        if not missing:
            return 0
        self._append_keys([keys[i] for i in missing])
        scales = self._scales(keys, picture, missing, trunk)
        stored, done = self._open("r+")
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            for i, maps in zip(chunk, self._compute(keys, picture, chunk, trunk), strict=True):
                stored[self._row_of[keys[i]]] = np.clip(np.rint(maps / scales), 0, 255)
            stored.flush()  # the views must be on disk before their rows are called done
            done[[self._row_of[keys[i]] for i in chunk]] = 1
            done.flush()
            progress(len(chunk))
        return len(missing)

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """Row numbers int64[n] of the keyed images. Raises CxrError where one is not in the bank."""
        absent = self._missing(keys)
        if absent:
            raise CxrError(
                f"{len(absent)} of {len(keys)} images are not in the bank {self.directory}; "
                "run `dvc repro --force --single-item` on the features stage to compute them"
            )
        return np.array([self._row_of[key] for key in keys], np.int64)

    def views(self) -> np.ndarray:
        """Memory-mapped uint8[rows, views, h * w * c], read-only."""
        stored, _ = self._open("r")
        return stored.reshape(len(stored), self.spec.views, -1)

    def scales(self) -> np.ndarray:
        """float32[h * w * c]: multiply a stored byte by it to get the feature."""
        height, width, _ = self.shape
        return np.tile(self._read_scales(), height * width)

    def missing(self, keys: Sequence[str]) -> int:
        """How many different keyed images `fill` would compute."""
        return len(self._missing(keys))

    def _missing(self, keys: Sequence[str]) -> list[int]:
        """Positions of the keys whose views are not complete; a key that comes twice counts once."""
        done = self._open("r")[1] if self._row_of else np.empty(0, np.uint8)
        first = {key: i for i, key in reversed(list(enumerate(keys)))}
        return sorted(i for key, i in first.items() if not (key in self._row_of and done[self._row_of[key]]))

    def _compute(self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk) -> np.ndarray:
        """float32[len(which), views, h, w, c] of the images at positions `which`."""
        maps = np.empty((len(which), self.spec.views, *self.shape), np.float32)
        for number, batch in enumerate(trunk.stream(self._views_of(keys[i], picture(i)) for i in which)):
            maps[number] = batch
        return maps

    def _views_of(self, key: str, picture: np.ndarray) -> np.ndarray:
        draws = (view_rng(self.spec.seed, key, k) for k in range(self.spec.views))
        return np.stack([view(picture, self.spec.augmentation, rng) for rng in draws])

    def _scales(self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk) -> np.ndarray:
        """float32[c], set once by the first images: a bank's bytes must keep their meaning when it grows."""
        path = self.directory / "scales.npy"
        if not path.exists():
            top = self._channel_maxima(keys, picture, which[:: -(-len(which) // _SCALE_IMAGES)], trunk)
            top[top <= 0] = max(float(top.max()), 1.0)  # a channel silent so far gets the loudest one's range
            partial = path.with_suffix(".partial.npy")
            np.save(partial, (top * _HEADROOM / 255).astype(np.float32))
            partial.replace(path)
        return self._read_scales()

    def _read_scales(self) -> np.ndarray:
        path = self.directory / "scales.npy"
        try:
            return np.load(path)
        except (EOFError, ValueError, FileNotFoundError) as fault:
            raise self._damaged(f"scales.npy can not be read ({fault})") from None

    def _check_files(self) -> None:
        """Raises CxrError where the files can not be what `fill` leaves: no byte in them can then be trusted."""
        rows = len(self._row_of)
        for name, row_bytes in self._row_bytes().items():
            path = self.directory / name
            size = path.stat().st_size if path.exists() else 0
            if size < rows * row_bytes:
                raise self._damaged(f"{name} has {size} bytes, its {rows} rows need {rows * row_bytes}")
        if rows and self._open("r")[1].any():
            self._read_scales()

    def _damaged(self, what: str) -> CxrError:
        return CxrError(f"the bank {self.directory} is damaged: {what}; delete the folder and run again")

    def _channel_maxima(self, keys: Sequence[str], picture: Picture, which: Sequence[int], trunk: Trunk) -> np.ndarray:
        top = np.zeros(self.shape[2], np.float32)
        for maps in trunk.stream(self._views_of(keys[i], picture(i)) for i in which):
            if maps.min() < 0:
                raise CxrError(f"{self.spec.backbone} gives negative features; the bank stores outputs of a ReLU")
            np.maximum(top, maps.max(axis=(0, 1, 2)), out=top)
        return top

    def _read_keys(self) -> Iterator[str]:
        path = self.directory / "keys.txt"
        return iter(path.read_text().split()) if path.exists() else iter(())

    def _append_keys(self, keys: Sequence[str]) -> None:
        new = [key for key in keys if key not in self._row_of]
        rows = [*self._row_of, *new]
        partial = self.directory / "keys.txt.partial"
        partial.write_text("".join(f"{key}\n" for key in rows))
        # Room first, names last: a named row always has its place in the files.
        for name, row_bytes in self._row_bytes().items():
            with (self.directory / name).open("ab") as handle:
                handle.truncate(len(self._row_of) * row_bytes)  # whatever stood there was no row of ours
                reserve(handle, len(rows) * row_bytes)
        partial.replace(self.directory / "keys.txt")
        self._row_of = {key: row for row, key in enumerate(rows)}

    def _row_bytes(self) -> dict[str, int]:
        return {"views.u8": self.spec.views * int(np.prod(self.shape)), "done.u8": 1}

    def _open(self, mode: Any) -> tuple[np.memmap, np.memmap]:
        shape = (len(self._row_of), self.spec.views, *self.shape)
        views = np.memmap(self.directory / "views.u8", np.uint8, mode, shape=shape)
        return views, np.memmap(self.directory / "done.u8", np.uint8, mode, shape=len(self._row_of))


def bank_specs(training: BankSpec) -> tuple[BankSpec, BankSpec]:
    """The two banks of a trunk: augmented views to train on, and the pictures as they are to validate on."""
    return training, replace(training, views=1, seed=0, augmentation=NO_AUGMENTATION)
