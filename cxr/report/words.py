"""Fixed words of the report and the model card: what an arm of the audit asks, how a number is said.

What has a number in it stands in the templates, and gets the number from the facts.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from cxr.evaluation.metric_catalogue import in_tables
from cxr.sources import SOURCES, SourceDescription

# Of each arm of cxr.audit.checks and cxr.audit.feature_checks: its heading, and what it asks.
ARMS = {
    "same_source": ("Within one source", "COVID against other images of the same source: the source cannot help."),
    "with_lungs": ("Whole pictures", "The images of the arms without lungs as they are, for comparison."),
    "lungs_blacked_out": (
        "Lungs blacked out",
        "Nothing of a lung is left to see; a model that looks at lungs falls to 0.5.",
    ),
    "lung_box_blacked_out": ("Box around the lungs blacked out", "The outline of the lungs is hidden as well."),
    "border_only": ("Border only", "Only the frame of the picture is left; nothing of a disease is in it."),
    "false_positive_rate": (
        "False positives by source",
        "The share of NonCOVID images called COVID. It should be low for every source.",
    ),
    "sensitivity": ("Sensitivity by source", "The share of COVID images called COVID, for every source."),
    "score_probe": (
        "Source in the answer",
        "Within one label, does the answer tell sources apart? Without a shortcut 0.5.",
    ),
    "source_probe": (
        "Source in the features",
        "Can a new classifier on the trunk's features tell sources apart within one label?",
    ),
    "cross_fitted": (
        "Trained anew within the data",
        "What the same recipe reaches on patients that a stand-in was not trained on.",
    ),
    "leave_one_source_out": (
        "Trained without a source",
        "What the same recipe reaches on a source that a stand-in has never seen.",
    ),
    "lung_share": (
        "Heat map inside the lungs",
        "How much of the answer's parts lies inside the lungs, and how much of the picture the lungs take.",
    ),
    "behaviour": ("Harmless changes", "How far flips, shifts, brightness, JPEG and a pasted marker move the answer."),
}

FACTORS = {"view": "View", "sex": "Sex", "age": "Age in years", "source": "Source", "finding": "Finding"}
SPLITS = {
    "train": "training",
    "validation": "validation",
    "cross_fitted": "training and validation, cross-fitted",
    "test": "test",
    "held_out": "held out (only ever tested on, by the audit)",
}


def source_words(settings: Mapping[str, Any]) -> SourceDescription:
    """What a source says of itself, by its settings. Of a kind that is not registered here nothing is known, and the
    words say so."""
    if "description" in settings:
        return SourceDescription(**settings["description"])
    kind = settings["kind"]
    known = SOURCES.get(kind)
    return known.description if known else SourceDescription(what=f"a source of the kind {kind!r}, unknown here")


def metric_rows(metrics: Mapping[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    """Name, label and meaning of every metric that `metrics` (of metrics.json) holds, in the order of the tables."""
    return [(one.name, (one.label, one.meaning)) for one in in_tables() if one.name in metrics]


def arm_words(arm: str) -> tuple[str, str]:
    """Heading and question; of an arm that has no words yet, its name."""
    return ARMS.get(arm, (spaced(arm).capitalize(), "See the audit's documentation."))


def spaced(name: str) -> str:
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])


def number(value: float) -> str:
    """Three decimals. Raises ValueError on what is not a number: it must not get into a page."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number; the metrics files hold none")
    return f"{value:.3f}"


def percent(value: float) -> str:
    """0.1 as "10 %", 0.125 as "12.5 %"."""
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def count(value: int) -> str:
    return f"{value:,}"


def times(value: int) -> str:
    return {1: "once", 2: "twice"}.get(value, f"{value:,} times")


def years(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def interval(found: Mapping[str, Any]) -> str:
    """ "0.995 (0.991 to 0.998)"; where there is no value, why, as far as it is known."""
    if found["value"] is None:
        why = found.get("why") or found.get("note") or "not defined on these images"
        return why if why.startswith("not measurable") else f"not measured: {why}"
    if found.get("low") is None or found.get("high") is None:
        return number(found["value"])
    return f"{number(found['value'])} ({number(found['low'])} to {number(found['high'])})"


def bounds(found: Mapping[str, Any]) -> str:
    """ "0.991 to 0.998": the interval of a value that is shown beside it."""
    if found["low"] is None or found["high"] is None:
        return "interval not measured"
    return f"{number(found['low'])} to {number(found['high'])}"


def of_group(found: Mapping[str, Any]) -> str:
    """As `interval`; of a group that is too small only how small it is, since the limit stands above the table."""
    return interval(found) if found["value"] is not None else f"too few: {found['why'].partition(';')[0]}"


def counted(counts: Mapping[str, int]) -> str:
    """{"F": 3, "M": 4} as "F 3, M 4"."""
    return ", ".join(f"{name or 'not recorded'} {value:,}" for name, value in counts.items()) or "none"


def setting(value: Any) -> str:
    """A parameter's value; of a path on somebody's machine only the last part."""
    if isinstance(value, list | tuple):
        return ", ".join(map(setting, value)) or "none"
    if isinstance(value, dict) and not value:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return PurePath(text).name if PurePath(text).is_absolute() else text or "none"
