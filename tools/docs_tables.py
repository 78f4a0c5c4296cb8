"""Tables in Markdown from JSON Schema: what both the settings of params.yaml and the service's fields are told in."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

WORDS = {"integer": "whole number", "string": "text", "boolean": "true or false", "object": "keys and values"}


class Field(NamedTuple):
    """One key. path: as "augmentation.gamma", with <name> for a key of one's own. kind: its type and range."""

    path: str
    kind: str
    what: str


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, of one line a row."""
    lines = [head, ["---"] * len(head), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """The schema itself, or the one of `definitions` that it refers to."""
    return definitions[reference_name(schema)] if "$ref" in schema else schema


def reference_name(schema: Schema) -> str:
    """Of the definition that a schema refers to."""
    name: str = schema["$ref"].rpartition("/")[2]
    return name


def fields(schema: Schema, definitions: Schema, path: str = "") -> Iterator[Field]:
    """Every key below an object's schema that holds a value, in order. Unions of classes are left to `choices`."""
    said = described(schema)
    for name, inner in schema.get("properties", {}).items():
        whole = resolved(inner, definitions)
        here = f"{path}{name}"
        what = said.get(name) or ("" if "$ref" in inner else whole.get("description", ""))
        yield from _below(here, whole, what, definitions)


def _below(here: str, whole: Schema, what: str, definitions: Schema) -> Iterator[Field]:
    of_any_name = whole.get("additionalProperties")
    if "properties" in whole:
        if what:
            yield Field(here, "keys and values", what)
        yield from fields(whole, definitions, f"{here}.")
    elif isinstance(of_any_name, dict):
        inner = resolved(of_any_name, definitions)
        if "properties" in inner:
            yield from _below(f"{here}.<name>", inner, what, definitions)
        else:
            yield Field(f"{here}.<name>", kind_of(inner, definitions), what)
    else:
        yield Field(here, kind_of(whole, definitions), what)


def described(schema: Schema) -> dict[str, str]:
    """What a settings class's docstring says of each key: `epochs: at most. seed, folds: of the draw.`"""
    parts = _parts(schema)
    return {key.strip(): text for keys, text in zip(parts[1::2], parts[2::2], strict=True) for key in keys.split(",")}


def opening(schema: Schema) -> str:
    """What the docstring says before it speaks of single keys."""
    return _parts(schema)[0]


def _parts(schema: Schema) -> list[str]:
    text = " ".join(schema.get("description", "").split())
    names = "|".join(map(re.escape, schema.get("properties", {}))) or "(?!)"
    found = re.split(rf"(?:^|(?<=[.;] ))((?:{names})(?:, (?:{names}))*): ", text)
    return [part.strip() for part in found]


def kind_of(schema: Schema, definitions: Schema) -> str:
    """Type and range in words, as "number, 0 to 1" or "one of `a`, `b`"."""
    schema = resolved(schema, definitions)
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return " or ".join(dict.fromkeys(kind_of(one, definitions) for one in several))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'], definitions)}"
    if "const" in schema or "enum" in schema:
        words = [f"`{word}`" for word in schema.get("enum", [schema.get("const")])]
        return "one of " * (len(words) > 1) + ", ".join(words)
    kinds = schema.get("type", "any value")
    words = [WORDS.get(kind, kind) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    default = f"; {json.dumps(schema['default'])} if left out" if "default" in schema else ""
    return " or ".join(words) + _range(schema) + default


def _range(schema: Schema) -> str:
    least, most = (_number(schema[name]) if name in schema else "" for name in ("minimum", "maximum"))
    if least and most:
        return f", {least} to {most}"
    return f", at least {least}" if least else f", at most {most}" if most else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"
