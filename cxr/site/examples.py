"""The certify pictures that the model is surest about and wrong, with heat maps; they stay on the site's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cxr.data.manifest import ImageRow
from cxr.imaging.decode import decode, resize
from cxr.imaging.preview import as_jpeg
from cxr.inference.answer import answer
from cxr.inference.predictor import Predictor

MOST = 3  # of each kind
_QUALITY = 75  # of JPEG: details of a lung stay visible at a few kilobytes each


@dataclass(frozen=True)
class WrongCall:
    """label: the truth. p_covid: the site's probability. picture, heatmap: data URIs; the second covers the first."""

    label: str
    p_covid: float
    picture: str
    heatmap: str


def wrong_calls(
    model: Predictor, root: Path, rows: Sequence[ImageRow], p: npt.NDArray[np.float64], calls: npt.NDArray[np.bool_]
) -> list[WrongCall]:
    """The surest false alarms, then the surest misses. rows, p: (n,). calls: (n,), which are called COVID."""
    covid = np.array([row.label == "COVID" for row in rows], bool)
    alarms = sorted(np.flatnonzero(calls & ~covid), key=lambda i: -p[i])[:MOST]
    missed = sorted(np.flatnonzero(~calls & covid), key=lambda i: p[i])[:MOST]
    return [_shown(model, root, rows[int(i)], float(p[i])) for i in (*alarms, *missed)]


def _shown(model: Predictor, root: Path, row: ImageRow, p_covid: float) -> WrongCall:
    picture = decode((root / row.path).read_bytes())
    said = answer(model, picture, explain=True)
    shown = as_jpeg(Image.fromarray(resize(picture, model.engine.image_size)), _QUALITY)
    return WrongCall(row.label, p_covid, shown, said.heatmap or "")
