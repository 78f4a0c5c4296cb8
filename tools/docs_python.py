"""The reference page of Python, from signatures and docstrings."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

import cxr


def python_page() -> str:
    """The public names of `cxr`, with their signatures and docstrings."""
    parts = [f"# Python\n\n{_prose(cxr)}"]
    for name in sorted(cxr.__all__, key=str.swapcase):
        thing = getattr(cxr, name)
        parts.append(_thing(f"cxr.{name}", thing) if callable(thing) else f"## `cxr.{name}`\n\nThe version, as text.\n")
    return "\n".join(parts)


def _thing(name: str, thing: Any) -> str:
    parts = [f"## `{name}`\n", _signature(name, thing), _prose(thing)]
    for member, what in vars(thing).items() if inspect.isclass(thing) else ():
        if not member.startswith("_") and (callable(what) or isinstance(what, property)):
            shown = f"{name}.{member}"
            parts += [f"### `{shown.removeprefix('cxr.')}`\n", _signature(shown, what), _prose(what)]
    return "\n".join(part for part in parts if part)


def _signature(name: str, thing: Any) -> str:
    """Of a function, a parameter a line, with types by their last name: nobody needs to make a class by hand."""
    if not inspect.isfunction(thing):
        return ""
    signature = inspect.signature(thing)
    taken = [one for one in signature.parameters.values() if one.name != "self"]
    inside = "".join(f"\n    {'*, ' * _first_by_name(taken, one)}{one}," for one in taken) + "\n" * bool(taken)
    result = inspect.formatannotation(signature.return_annotation)
    text = re.sub(r"'([^']+ \| [^']+)'", r"\1", f"{name}({inside}) -> {result}")
    return f"```python\n{re.sub(r'[a-z_.]+[.](?=[A-Z])', '', text)}\n```\n"


def _first_by_name(taken: Sequence[inspect.Parameter], one: inspect.Parameter) -> bool:
    """Whether from this one on parameters are given by name."""
    return one is next((each for each in taken if each.kind is each.KEYWORD_ONLY), None)


def _prose(thing: Any) -> str:
    return f"{inspect.getdoc(thing) or ''}\n"
