"""Does a model answer the same in a faster precision? Held against float32 on the validation patients, and timed."""

import statistics
import time
from pathlib import Path

import numpy as np

from cxr.data.dataset import Split
from cxr.evaluation.weighted_metrics import auc
from cxr.inference.engine import Engine, trunk_file
from cxr.inference.precision import Precision, PrecisionFacts, available, holds

_TIMED_PICTURES = 24


def compare_precisions(bundle: Path, validation: Split, p_f32: np.ndarray) -> dict[Precision, PrecisionFacts]:
    """What model.json says of each faster precision of this machine; p_f32: float64[n], float32's answers for
    `validation`.

    The speed is for one picture at a time, as the service asks, float32 and the other in turns.
    """
    measured: dict[Precision, PrecisionFacts] = {}
    exact = Engine.load(bundle, latency=True)
    threshold = exact.facts.threshold
    for precision in available():
        if precision == "f32" or not trunk_file(bundle, precision).is_file():
            continue
        p_covid = Engine.load(bundle, precision=precision).predict(validation.pixels)
        difference = _auc_difference(validation.y, p_covid, p_f32)
        same = float(np.mean((p_covid >= threshold) == (p_f32 >= threshold)))
        faster = Engine.load(bundle, precision=precision, latency=True)
        measured[precision] = {
            "auc_difference": difference,
            "same_answer": same,
            "images": len(validation.rows),
            "largest_change": float(np.abs(p_covid - p_f32).max()),
            "times_f32": round(_times_faster(exact, faster, validation), 1),
            "holds": holds(difference, same),
        }
    return measured


def _auc_difference(y: np.ndarray, p_covid: np.ndarray, p_f32: np.ndarray) -> float | None:
    if len(set(y.tolist())) < 2:
        return None
    weights = np.ones((1, len(y)))
    return float(auc(y, p_covid, weights)[0] - auc(y, p_f32, weights)[0])


def _times_faster(exact: Engine, faster: Engine, pictures: Split) -> float:
    """The median over pictures, each asked of both in turn."""
    ratios = []
    for i in range(min(_TIMED_PICTURES, len(pictures.rows))):
        picture = pictures.picture(i)[None]
        ratios.append(_seconds(exact, picture) / _seconds(faster, picture))
    return statistics.median(ratios)


def _seconds(engine: Engine, picture: np.ndarray) -> float:
    started = time.perf_counter()
    engine.predict(picture)
    return time.perf_counter() - started
