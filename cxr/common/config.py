"""Reads params.yaml: one section at a time, into the frozen dataclass of the package that uses it.

Every key is required, and types, keys and ranges are checked here.
"""

import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml

from cxr.common.errors import ParamsError

PARAMS_FILE = Path("params.yaml")


@dataclass(frozen=True)
class Within:
    """A number must lie in [low, high]; the loader checks it."""

    low: float
    high: float


# Every section of params.yaml. Where a class needs another module of ours it stands there, beside what it sets.
SECTIONS = (
    "download",
    "split",
    "pixels",
    "lungs",
    "gate",
    "features",
    "train",
    "evaluate",
    "audit",
    "register",
)

Params = TypeVar("Params")


def load_params(kind: type[Params], section: str, path: Path = PARAMS_FILE) -> Params:
    """Read one section of params.yaml. Raises ParamsError that names the file, the section and the key."""
    document = _read(path)
    unknown = document.keys() - set(SECTIONS)
    if unknown:
        first = min(unknown, key=str)  # a key of YAML may be a number
        raise ParamsError(f"{path}: unknown section {first!r}; the sections are {', '.join(SECTIONS)}")
    if section not in document:
        raise ParamsError(f"{path}: section {section!r} is missing")
    return _build(kind, document[section], f"{path}: {section}")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path} is missing; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise ParamsError(f"{path} is not YAML: {' '.join(str(fault).split())}") from None
    if not isinstance(document, dict):
        raise ParamsError(f"{path} must hold sections, got {type(document).__name__}")
    return document


def _build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into `kind`, checking types, keys and ranges on the way."""
    if hasattr(kind, "class_for"):  # the value itself says which of several classes it fills
        kind = kind.class_for(value, where)
    if is_dataclass(kind):
        return _build_dataclass(typing.cast(type, kind), value, where)
    build = _BUILDERS.get(get_origin(kind))
    return build(get_args(kind), value, where) if build else _build_scalar(kind, value, where)


def _build_dataclass(kind: type, value: Any, where: str) -> Any:
    given = _mapping(value, where)
    hints = get_type_hints(kind, include_extras=True)
    allowed = [f.name for f in fields(kind)]
    for key in given:
        if key not in allowed:
            raise ParamsError(f"{where}: unknown key {key!r}; the keys are {', '.join(allowed)}")
    for key in allowed:
        if key not in given:
            raise ParamsError(f"{where}: key {key!r} is missing")
    built = {key: _build(hints[key], item, f"{where}.{key}") for key, item in given.items()}
    try:
        return kind(**built)
    except ParamsError as fault:
        raise ParamsError(f"{where}: {fault}") from None


def _build_within(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    kind, bounds = kinds
    number = _build(kind, value, where)
    if not bounds.low <= number <= bounds.high:
        raise ParamsError(f"{where} is {number}; it must lie between {bounds.low} and {bounds.high}")
    return number


def _build_choice(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value not in choices:
        raise ParamsError(f"{where} is {value!r}; allowed: {', '.join(map(repr, choices))}")
    return value


def _build_list(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ParamsError(f"{where} is {value!r}; it must be a list")
    return tuple(_build(kinds[0], item, f"{where}[{i}]") for i, item in enumerate(value))


def _build_mapping(kinds: tuple[Any, ...], value: Any, where: str) -> dict[Any, Any]:
    items = _mapping(value, where).items()
    return {_build(kinds[0], key, f"{where}: key"): _build(kinds[1], item, f"{where}.{key}") for key, item in items}


def _build_scalar(kind: type, value: Any, where: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ParamsError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    return value


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ParamsError(f"{where} is {value!r}; it must hold keys and values")
    return value


_BUILDERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    Annotated: _build_within,
    Literal: _build_choice,
    tuple: _build_list,
    dict: _build_mapping,
}
