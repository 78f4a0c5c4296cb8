"""An answer with the model that gave it, from the engine's `Answer` or from the service's JSON."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_args

from cxr.common.errors import ResultError
from cxr.common.labels import COVID, REFUSED
from cxr.inference.answer import Answer, State
from cxr.inference.model_facts import ModelFacts
from cxr.inference.remarks import Remark
from cxr.inference.triage import GROUPS, Group

STAMP = "shortcut_flagged"  # the warning that the audit stamped the model
_LONGEST_NAME = 64  # characters of a site's name or a profile's version


@dataclass(frozen=True)
class ModelName:
    """Which model answered. version: the hash of its contents, shortened. digest: the whole hash of its files, where
    whoever asks knows it; else ""."""

    name: str
    version: str
    backbone: str
    digest: str = ""


@dataclass(frozen=True)
class AtSite:
    """The site by whose profile an answer is. profile: the version of that profile, "" where the answer does not tell.
    triage: the group, None where the picture was refused."""

    site: str
    profile: str
    triage: Group | None


@dataclass(frozen=True)
class Said:
    """percentage: of `state`, 0 to 100; p_covid: 0 to 1; both None where state is Refused.

    heatmap: data URI of an RGBA PNG, or "". reason: why it was refused. familiarity: above 0 and at most 1, where the
    answer tells. commissioned: None where the model was commissioned for no site.
    """

    state: State
    percentage: float | None
    p_covid: float | None
    threshold: float
    warnings: tuple[Remark, ...]
    reason: Remark | None
    heatmap: str
    familiarity: float | None
    model: ModelName
    commissioned: AtSite | None = None

    @property
    def stamped(self) -> bool:
        return any(warning.code == STAMP for warning in self.warnings)


def model_of(facts: ModelFacts, digest: str = "") -> dict[str, str]:
    """The field `model` of an answer, for an engine's `Answer`, which does not say who gave it."""
    return asdict(ModelName(facts.name, facts.version, facts.backbone, digest))


def said_of(answer: Answer | Mapping[str, Any], model: Mapping[str, Any] | None = None) -> Said:
    """answer: of the engine, or the JSON of `POST /predict`. model: as `model_of` gives it, or the answer's field.

    Raises ResultError that names the field which is missing or out of range.
    """
    fields = asdict(answer) if isinstance(answer, Answer) else answer
    named = model if model is not None else fields.get("model")
    if not isinstance(named, Mapping):
        raise ResultError("the answer does not say which model gave it; hand the model over with it")
    state: Any = fields.get("state")
    if state not in get_args(State):
        raise ResultError(f"the answer's state is {state!r}; it must be one of {', '.join(get_args(State))}")
    refused = state == REFUSED
    probabilities = fields.get("probabilities")
    return Said(
        state=state,
        percentage=None if refused else _number("percentage", fields.get("percentage"), 100),
        p_covid=None if refused else _number("probabilities", (probabilities or {}).get(COVID)),
        threshold=_number("threshold", fields.get("threshold")),
        warnings=tuple(map(_remark, fields.get("warnings") or ())),
        reason=_remark(fields.get("reason") or {"code": "refused", "message": "no reason was given"})
        if refused
        else None,
        heatmap=fields.get("heatmap") or "",
        familiarity=_known(fields.get("familiarity")),
        model=_model(named),
        commissioned=_commissioned(fields),
    )


def _commissioned(fields: Mapping[str, Any]) -> AtSite | None:
    site, profile, triage = fields.get("site"), fields.get("profile") or "", fields.get("triage")
    if site is None and triage is None:
        return None
    if triage is not None and triage not in GROUPS:
        raise ResultError(f"the answer's triage is {triage!r}; it must be one of {', '.join(GROUPS)}, or missing")
    return AtSite(_name("site", site, least=1), _name("profile", profile, least=0), triage)


def _name(name: str, value: Any, least: int) -> str:
    sound = isinstance(value, str) and value.isprintable() and value == value.strip()
    if not sound or not least <= len(value) <= _LONGEST_NAME:
        raise ResultError(
            f"the answer's {name} is {value!r}; it must have {least} to {_LONGEST_NAME} printable characters, and no "
            "space at an end"
        )
    return value


def _known(value: Any) -> float | None:
    return None if value is None else _number("familiarity", value)


def _number(name: str, value: Any, most: float = 1) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not 0 <= number <= most:
        raise ResultError(f"the answer's {name} is {value!r}; it must be a number from 0 to {most}")
    return float(number)


def _remark(fields: Any) -> Remark:
    code = fields.get("code") if isinstance(fields, Mapping) else None
    if not isinstance(code, str) or not code:
        raise ResultError(f"a warning or reason of the answer is {fields!r}; it must have a code")
    return Remark(code, str(fields.get("message") or code))


def _model(fields: Mapping[str, Any]) -> ModelName:
    missing = [name for name in ("name", "version") if not fields.get(name)]
    if missing:
        raise ResultError(f"the answer's model lacks {', '.join(missing)}")
    return ModelName(
        str(fields["name"]), str(fields["version"]), str(fields.get("backbone") or ""), str(fields.get("digest") or "")
    )
