"""Reads params.yaml: one section at a time, into the settings class of the package that uses it.

Every key is required, no value is converted but a whole number to a float, and an unknown key is an error.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cxr.common.errors import ParamsError

PARAMS_FILE = Path("params.yaml")

# Of every settings class: `@dataclass(frozen=True, config=STRICT)` of pydantic.dataclasses.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

# Numbers that several sections have.
Fraction = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
Folds = Annotated[int, Field(ge=2, le=20)]  # of a cross-validation
Epochs = Annotated[int, Field(ge=1, le=10_000)]  # of a small network, or of fine-tuning
LearningRate = Annotated[float, Field(ge=1e-7, le=1)]
JpegQuality = Annotated[int, Field(ge=1, le=95)]  # as Pillow counts it

# Every section of params.yaml. The class of each stands in the package that it sets.
SECTIONS = (
    "download",
    "pixels",
    "copies",
    "split",
    "lungs",
    "gate",
    "features",
    "train",
    "evaluate",
    "audit",
    "unseen",
    "register",
)

# Keys of earlier versions, wherever a section knows the new name.
RENAMED = {
    "side": "image_size",
    "views": "augmented_views",
    "exposure": "photometric",
    "distortion": "augmentation",
}


class Settings(Protocol):
    """A settings class that is a whole section of params.yaml and names it."""

    section: ClassVar[str]


Params = TypeVar("Params", bound=Settings)
Loc = Sequence[int | str]


def load_params(kind: type[Params], path: Path = PARAMS_FILE) -> Params:
    """Read the section that `kind` names. Raises ParamsError that names the file, the section and the key."""
    document = _read(path)
    unknown = document.keys() - set(SECTIONS)
    if unknown:
        first = min(unknown, key=str)  # a key of YAML may be a number
        raise ParamsError(f"{path}: unknown section {first!r}; the sections are {', '.join(SECTIONS)}")
    if kind.section not in document:
        raise ParamsError(f"{path}: section {kind.section!r} is missing")
    return _validated(kind, document[kind.section], f"{path}: {kind.section}")


def _read(path: Path) -> dict[Any, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path} is missing; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ParamsError(f"{path} is not YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(document, dict):
        raise ParamsError(f"{path} must hold sections, got {type(document).__name__}")
    return document


def _validated(kind: type[Params], value: Any, where: str) -> Params:
    _require_plain(value, where)
    try:
        # As JSON, because only there strict types take a list for a tuple and keys and values for a class.
        return _adapter(kind).validate_json(json.dumps(value))
    except ValidationError as faults:
        raise ParamsError(_sentence(kind, value, where, _first(faults))) from None


def _adapter(kind: Any) -> TypeAdapter[Any]:
    """A class whose members may be registered late makes its own."""
    return kind.adapter() if hasattr(kind, "adapter") else TypeAdapter(kind)


def _require_plain(value: Any, where: str) -> None:
    """Raise ParamsError on what YAML knows and JSON does not: dates, sets, keys that are no text."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ParamsError(f"{where}: key {key!r} must be text; put it in quotes")
            _require_plain(item, f"{where}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _require_plain(item, f"{where}[{number}]")
    elif value is not None and not isinstance(value, str | int | float):
        raise ParamsError(f"{where} is of type {type(value).__name__}; text like that must be put in quotes")


def _first(faults: ValidationError) -> ErrorDetails:
    """The fault to show. An unknown key comes first: it explains the missing one that it was meant to be."""
    found = faults.errors(include_url=False)
    return next((fault for fault in found if fault["type"] == _UNKNOWN), found[0])


def _sentence(kind: type, value: Any, where: str, fault: ErrorDetails) -> str:
    loc = fault["loc"]
    if fault["type"] == _UNKNOWN:
        return f"{where}{_place(value, loc[:-1])}: {_unknown_key(str(loc[-1]), _known_keys(kind, loc[:-1]))}"
    if fault["type"] == "missing":
        return f"{where}{_place(value, loc[:-1])}: key {loc[-1]!r} is missing"
    if fault["type"] == "value_error":  # a rule of a settings class's own
        return f"{where}{_place(value, loc)}: {fault['ctx']['error']}"
    if fault["type"] in _UNIONS:
        chosen = fault["input"].get("kind") if isinstance(fault["input"], dict) else fault["input"]
        allowed = fault.get("ctx", {}).get("expected_tags", "the name of a kind, as text")
        return f"{where}{_place(value, loc)}.kind is {chosen!r}; allowed: {allowed}"
    rule = _RULES.get(fault["type"], lambda _: fault["msg"])
    return f"{where}{_place(value, loc)} is {fault['input']!r}; {rule(fault.get('ctx', {}))}"


def _place(value: Any, loc: Loc) -> str:
    """The way from a section to a value, as ".sources.mine.origin" or ".backbones[1]".

    Pydantic's way also names the member of a union that was chosen: a step that `value` does not have is left out.
    """
    place = ""
    for step in loc:
        if isinstance(value, dict) and step in value:
            place += f".{step}"
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int):
            place += f"[{step}]"
            value = value[step]
    return f"{place}: key" if "[key]" in loc else place


def _unknown_key(key: str, known: Sequence[str]) -> str:
    renamed = RENAMED.get(key)
    hint = f"it is called {renamed!r} now; " if renamed in known else ""
    return f"unknown key {key!r}; {hint}the keys are {', '.join(known)}"


def _known_keys(kind: Any, loc: Loc) -> list[str]:
    """The keys of the settings class that lies at `loc` inside `kind`."""
    for step in loc:
        kind = _inside(kind, str(step))
    return [field.name for field in dataclasses.fields(kind)]


def _inside(kind: Any, step: str) -> Any:
    """The type that is one step inside `kind`: of a field, of a table's values, or of a union by its word."""
    if dataclasses.is_dataclass(kind):
        return _without_rules(get_type_hints(kind)[step])
    arguments = get_args(kind)
    if hasattr(kind, "class_for"):  # one of several classes, by its word
        return kind.class_for(step)
    if get_origin(kind) in (types.UnionType, typing.Union):
        return next(one for one in arguments if step in get_args(get_type_hints(one)["kind"]))
    return _without_rules(arguments[1])


def _without_rules(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _of_type(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda _: f"it must be of type {name}"


_UNKNOWN = "unexpected_keyword_argument"
_UNIONS = ("union_tag_invalid", "union_tag_not_found")
# Pydantic's kind of fault, and its details, to what is allowed.
_RULES: dict[str, Callable[[dict[str, Any]], str]] = {
    "int_type": _of_type("int"),
    "float_type": _of_type("float"),
    "bool_type": _of_type("bool"),
    "string_type": _of_type("str"),
    "finite_number": lambda _: "it must be a finite number",
    "greater_than_equal": lambda details: f"it must be at least {details['ge']}",
    "less_than_equal": lambda details: f"it must be at most {details['le']}",
    "literal_error": lambda details: f"allowed: {details['expected']}",
    "tuple_type": lambda _: "it must be a list",
    "dict_type": lambda _: "it must hold keys and values",
    "dataclass_type": lambda _: "it must hold keys and values",
}
