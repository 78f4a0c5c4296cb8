"""Pictures of no patient whose answers a bundle brings with it: a model that answers them otherwise is not used.

The manifest says that the bytes are the right ones; this says that the library and the processor still make the same
of them.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cxr.common.errors import ModelError
from cxr.imaging.decode import resize
from cxr.inference.precision import Precision

FILE = "known.npz"
# What NumPy's reader raises on bytes that are no archive of arrays.
NPZ_FAULTS = (
    OSError, ValueError, KeyError, TypeError, IndexError, EOFError, MemoryError, OverflowError, NotImplementedError,
    RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
# How far calibrated log odds x may be from the recorded ones: a + b * |x|. Other processors round otherwise, and the
# layers of an int8 trunk that are not quantised run in the fastest floating point of the machine.
TOLERANCES: Mapping[Precision, tuple[float, float]] = {"f32": (0.01, 0.01), "bf16": (0.25, 0.1), "int8": (0.5, 0.2)}
_COARSE = (4, 8, 16, 32)  # one picture each: noise on a grid of so many cells, stretched to the whole


@dataclass(frozen=True)
class KnownAnswers:
    """pictures: uint8[n, size, size]. log_odds: calibrated ones of COVID, float64[n], by the precision they were
    computed in; always in f32."""

    pictures: npt.NDArray[np.uint8]
    log_odds: Mapping[Precision, npt.NDArray[np.float64]]

    def save(self, path: Path) -> None:
        np.savez_compressed(path, pictures=self.pictures, **self.log_odds)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> "KnownAnswers":
        """Raises ModelError where `path` is not what `save` wrote."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = {name: stored[name] for name in TOLERANCES if name in stored}
                known = cls(stored["pictures"], found)
                if any(odds.shape != known.pictures.shape[:1] for odds in [found["f32"], *found.values()]):
                    raise ValueError("not as many answers as pictures")
                if not all(np.isfinite(odds).all() for odds in found.values()):
                    raise ValueError("an answer that is not finite")
                return known
        except NPZ_FAULTS as fault:
            raise ModelError(f"{path} does not hold known answers ({fault}); register the model again") from None

    def check(self, log_odds: npt.NDArray[np.float64], precision: Precision, where: Path) -> None:
        """Raises ModelError where the model's `log_odds` of the pictures, float64[n], are not the recorded ones."""
        expected = self.log_odds.get(precision, self.log_odds["f32"])
        absolute, relative = TOLERANCES[precision]
        off = np.abs(log_odds - expected)
        if not (off <= absolute + relative * np.abs(expected)).all():  # so that NaN is no agreement
            raise ModelError(
                f"{where} answers its known pictures with log odds {np.round(log_odds, 3).tolist()} in {precision}, "
                f"{np.round(expected, 3).tolist()} were recorded; check OpenVINO's version, or register the model again"
            )


def known_pictures(image_size: int) -> npt.NDArray[np.uint8]:
    """uint8[n, size, size], always the same."""
    rng = np.random.default_rng(0)
    coarse = [rng.integers(0, 256, (cells, cells), np.uint8) for cells in _COARSE]
    return np.stack([resize(cells, image_size) for cells in coarse])
