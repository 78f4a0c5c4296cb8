"""The validation images that the model is surest about, and wrong: pictures with heat maps, and no patient's name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cxr.common.labels import CLASSES
from cxr.data.dataset import Split
from cxr.imaging.preview import as_jpeg
from cxr.inference.answer import heatmap
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter, share_inside

MOST = 12
_QUALITY = 75  # of JPEG: details of a lung stay visible at a few kilobytes each


@dataclass(frozen=True)
class Mistake:
    """label: the truth. called: what the model said. p_covid: in [0, 1]. picture: data URI of a JPEG, heatmap: of a
    small transparent PNG that covers it. lung_share: of the heat map, what lies in the lungs, in [0, 1]; None where no
    lungs were found."""

    source: str
    label: str
    called: str
    p_covid: float
    picture: str
    heatmap: str
    lung_share: float | None


def surest_mistakes(y_true: Sequence[int], p_covid: np.ndarray, threshold: float, most: int = MOST) -> list[int]:
    """Indices of wrong calls, the one whose called class is the most probable first; at most half of one kind where
    the other has enough."""
    y = np.asarray(y_true, bool)
    p = np.asarray(p_covid, float)
    alarms = sorted(np.flatnonzero(~y & (p >= threshold)), key=lambda i: -p[i])
    missed = sorted(np.flatnonzero(y & (p < threshold)), key=lambda i: p[i])
    half = most // 2
    of_alarms = max(half, most - len(missed))
    chosen = alarms[:of_alarms]
    chosen += missed[: most - len(chosen)]
    return [int(i) for i in sorted(chosen, key=lambda i: -p[i] if p[i] >= threshold else p[i] - 1)]


def mistakes(
    engine: Engine, split: Split, p_covid: np.ndarray, threshold: float, lungs: LungSegmenter | None
) -> list[Mistake]:
    """p_covid: (n,), the model's answers on the split's images. lungs: None where no segmenter could be trained."""
    chosen = surest_mistakes(list(split.y), p_covid, threshold)
    if not chosen:
        return []
    pixels = np.stack([split.picture(i) for i in chosen])
    shares = engine.head.shares(engine.trunk.feature_maps(pixels))
    inside = [None] * len(chosen) if lungs is None else list(map(share_inside, lungs.masks(pixels), np.abs(shares)))
    return [
        Mistake(
            source=split.rows[i].source,
            label=split.rows[i].label,
            called=CLASSES[int(p_covid[i] >= threshold)],
            p_covid=float(p_covid[i]),
            picture=as_jpeg(Image.fromarray(pixels[k]), _QUALITY),
            heatmap=heatmap(shares[k]),
            lung_share=inside[k],
        )
        for k, i in enumerate(chosen)
    ]
