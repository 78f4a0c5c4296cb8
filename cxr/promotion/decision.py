"""Which model answers from now on: decided from numbers alone, so that it can be tested and explained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from cxr.common.errors import CxrError
from cxr.evaluation.metrics import Difference, paired_difference
from cxr.evaluation.settings import EvaluateParams
from cxr.networks.registry import BACKBONES


@dataclass(frozen=True)
class Decision:
    """Whether the challenger may replace the champion, and why, in words that continue a sentence. difference:
    challenger minus champion. champion: the number of the version that was champion then; None: there was none."""

    promote: bool
    reason: str
    difference: Difference | None = None
    champion: int | None = None


def pick_winner(validation: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """The backbone of the highest `metric` on the validation patients; the earlier of BACKBONES where two tie.

    validation: by backbone, what `cxr.evaluation.metrics.evaluate` gives, or plain values. A backbone whose metric is
    undefined cannot win. Raises CxrError where none can.
    """
    values = {name: _value(metrics, metric) for name, metrics in validation.items()}
    known = [name for name, value in values.items() if not math.isnan(value)]
    if not known:
        raise CxrError(f"no backbone has {metric} on the validation patients (of {sorted(values)}); run `dvc repro`")
    return min(known, key=lambda name: (-values[name], _rank(name), name))


def decide(
    y_true: npt.ArrayLike,
    patients: Sequence[str],
    p_challenger: npt.ArrayLike,
    p_champion: npt.ArrayLike,
    params: EvaluateParams,
) -> Decision:
    """Both models' probabilities (n,) of the same validation images: the challenger must be surely better in AUC.

    It is where the whole bootstrap interval of the difference, over patients, lies above 0. Equal ones, and ones that
    cannot be told apart, change nothing.
    """
    try:
        difference = paired_difference(y_true, p_challenger, p_champion, patients, params)
    except ValueError as fault:
        return Decision(False, f"the two cannot be compared ({fault})")
    found = (
        f"AUC on the validation patients differs by {difference.value:+.4f} "
        f"({params.confidence:.0%} interval {difference.low:+.4f} to {difference.high:+.4f}, "
        f"{len(set(patients))} patients)"
    )
    if difference.low > 0:
        return Decision(True, f"{found}, surely above the champion", difference)
    if difference.high < 0:
        return Decision(False, f"{found}, surely below the champion", difference)
    return Decision(False, f"{found}, not to be told from the champion", difference)


def decide_without_champion() -> Decision:
    """Any model is better than none."""
    return Decision(True, "there is no champion yet")


def decide_uncompared(fault: str) -> Decision:
    """There is a champion, and nobody can say whether it is worse. fault: why."""
    return Decision(False, f"the champion cannot be compared with ({fault}); FORCE=1 promotes it uncompared")


def keep_rolled_back(when: str) -> Decision:
    """A person took exactly this model back; running the pipeline again must not undo that."""
    return Decision(False, f"it was rolled back on {when}")


def _value(metrics: Mapping[str, Any], metric: str) -> float:
    value = metrics.get(metric)
    if isinstance(value, Mapping):
        value = value.get("value")
    return math.nan if value is None else float(value)


def _rank(name: str) -> int:
    order = list(BACKBONES)
    return order.index(name) if name in order else len(order)
