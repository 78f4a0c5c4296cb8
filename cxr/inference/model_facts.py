"""What model.json says of a model: the facts that the code reads, checked and typed, beside the whole file.

Plain Python and no pydantic: the command line loads this at every start, and pydantic's import would double that time.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxr.common.errors import ModelError
from cxr.common.labels import CLASSES
from cxr.common.schema import KEY, require_known_schema
from cxr.inference.manifest import read_document
from cxr.inference.precision import Precision, PrecisionFacts

SCHEMA_VERSION = 1
SEALED = "has_manifest"  # true where a manifest was written; false in older files


@dataclass(frozen=True)
class ModelFacts:
    """image_size: pixels of the square that the model takes; `side` in the file. temperature: above 0, by which the
    log odds are divided. threshold: 0 to 1, from which on p_covid is called COVID. split: the fingerprint of the split
    that it was trained under; None where the file does not say. fine_tuned_blocks: 0 for a frozen trunk. precisions:
    what was measured of the faster ones. document: the whole file, with the facts that no code reads.
    sealed: whether the bundle was written with a manifest."""

    name: str
    version: str
    backbone: str
    image_size: int
    temperature: float
    threshold: float
    split: str | None
    shortcut_flagged: bool
    fine_tuned_blocks: int
    precisions: Mapping[Precision, PrecisionFacts]
    document: Mapping[str, Any]  # free: later stages and other versions add facts of their own
    sealed: bool = False

    @classmethod
    def read(cls, path: Path) -> "ModelFacts":
        """Raises ModelError, in one sentence, on a file that is damaged or of a later schema."""
        return cls.of(read_document(path), str(path))

    @classmethod
    def of(cls, document: object, where: str) -> "ModelFacts":
        """The facts of what a model.json holds. where: the file, for an error's sentence."""
        facts = _checked(document, where)
        return cls(
            name=facts["name"],
            version=facts["version"],
            backbone=facts["backbone"],
            image_size=facts["side"],
            temperature=float(facts["temperature"]),
            threshold=float(facts["threshold"]),
            split=facts.get("split"),
            shortcut_flagged=bool(facts.get("shortcut_flagged")),
            fine_tuned_blocks=facts.get("fine_tuned_blocks") or 0,
            precisions=facts.get("precisions") or {},
            sealed=bool(facts.get(SEALED)),
            document=facts,
        )


def versioned(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is written to model.json: the facts and the version of their layout."""
    return {**document, KEY: SCHEMA_VERSION}


def _checked(document: object, where: str) -> Mapping[str, Any]:
    absent = [key for key in REQUIRED if not isinstance(document, dict) or key not in document]
    if absent or not isinstance(document, dict):
        raise ModelError(f"{where} lacks {', '.join(absent)}; made by another version?")
    require_known_schema(document, SCHEMA_VERSION, where, ModelError)
    for key, (holds, allowed) in (REQUIRED | _OPTIONAL).items():
        value = document.get(key)
        if value is None and key in _OPTIONAL:
            continue
        if not holds(value):
            raise ModelError(f"{where}: {key} is {value!r}; it must be {allowed}; train and register the model again")
    return document


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def is_number(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _above_zero(value: Any) -> bool:
    return is_number(value) and value > 0


def is_probability(value: Any) -> bool:
    return is_number(value) and 0 <= value <= 1


def _are_precisions(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_precision, value.values()))


def _is_precision(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("holds"), bool) and is_number(entry.get("times_f32"))


def _is_unseen(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("says"), str)


Rule = tuple[Callable[[Any], bool], str]
REQUIRED: dict[str, Rule] = {
    "name": (_is_text, "text"),
    "version": (_is_text, "text"),
    "backbone": (_is_text, "text"),
    "side": (lambda value: _is_count(value) and value > 0, "a whole number of pixels above 0"),
    "classes": (lambda value: value == list(CLASSES), str(list(CLASSES))),
    "temperature": (_above_zero, "a finite number above 0"),
    "threshold": (is_probability, "a number from 0 to 1"),
}
_OPTIONAL: dict[str, Rule] = {
    "split": (_is_text, "text"),
    "shortcut_flagged": (lambda value: isinstance(value, bool), "true or false"),
    SEALED: (lambda value: isinstance(value, bool), "true or false"),
    "fine_tuned_blocks": (_is_count, "a whole number from 0 on"),
    "precisions": (_are_precisions, "a table of precisions, each with holds and times_f32"),
    "unseen": (_is_unseen, "a table with the sentence says"),
}
