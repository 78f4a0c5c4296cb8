"""The numbers that a trunk computes with: which of them this machine is faster with, and which a model may use."""

from collections.abc import Mapping
from typing import Literal, TypedDict

from cxr.common.usage_reports import switch_off

Precision = Literal["f32", "bf16", "int8"]
Chosen = Precision | Literal["auto"]
FASTEST_FIRST: tuple[Precision, ...] = ("int8", "bf16", "f32")

# A faster precision may stand in for float32 where both hold, on pictures that the model has not learned from.
AUC_TOLERANCE = 0.005
SAME_ANSWER = 0.99


class PrecisionFacts(TypedDict):
    """What was measured of a precision against float32. auc_difference: its AUC minus float32's, None with one class
    only. same_answer: share of the images that get the same class. largest_change: of a probability. times_f32: its
    speed against float32's. holds: within the tolerances above."""

    auc_difference: float | None
    same_answer: float
    images: int
    largest_change: float
    times_f32: float
    holds: bool


def available() -> tuple[Precision, ...]:
    """What this machine's processor has instructions for, fastest first; float32 always."""
    switch_off()
    import openvino as ov

    found = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(precision for precision in FASTEST_FIRST if precision == "f32" or precision.upper() in found)


def fastest_float() -> Precision:
    """The faster floating-point precision: bf16 where the processor has it."""
    return next(precision for precision in available() if precision != "int8")


def holds(auc_difference: float | None, same_answer: float) -> bool:
    """auc_difference: of the AUC against float32's, None where there is none for want of a class. same_answer: the
    share of images that get the same class."""
    return abs(auc_difference or 0.0) <= AUC_TOLERANCE and same_answer >= SAME_ANSWER


def best(measured: Mapping[Precision, PrecisionFacts]) -> Precision:
    """The fastest precision of this machine that was measured to hold and to be faster than float32 was.

    measured: precision to its entry in model.json.
    """
    for precision in available():
        entry = measured.get(precision)
        if entry is not None and entry["holds"] and entry["times_f32"] > 1:
            return precision
    return "f32"
