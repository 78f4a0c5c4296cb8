"""What one value of a site profile may be: the type of a dataclass's field is Annotated with a reader, and `read_part`
applies them.

A reader takes a value of the file and the words for where it stands, and gives what is kept of it or raises
ProfileError.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar, get_type_hints

from cxr.common.errors import CxrError

REMEDY = "write the profile again with `cxr site commission`"
LONGEST_TEXT = 1000
LONGEST_LIST = 1000
T = TypeVar("T")
Reader = Callable[[Any, str], Any]


class ProfileError(CxrError):
    """A site profile cannot be read, is not what one must be, or is not for this model or signed by nobody known."""


def _refused(where: str, value: object, allowed: str) -> ProfileError:
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:80] + "…"
    return ProfileError(f"{where} is {shown}; it must be {allowed}; {REMEDY}")


def that(holds: Callable[[Any], bool], allowed: str) -> Reader:
    """A value of which `holds` is true. allowed: in words."""

    def read(value: Any, where: str) -> Any:
        if not holds(value):
            raise _refused(where, value, allowed)
        return value

    return read


def part(kind: type[T]) -> Reader:
    """A table that holds exactly the fields of a dataclass."""
    return lambda value, where: read_part(kind, value, where)


def or_null(read: Reader) -> Reader:
    return lambda value, where: None if value is None else read(value, where)


def sequence(read: Reader, allowed: str) -> Reader:
    def read_all(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > LONGEST_LIST:
            raise _refused(where, value, f"a list of at most {LONGEST_LIST} {allowed}")
        return tuple(read(item, f"{where}[{number}]") for number, item in enumerate(value))

    return read_all


def table(named: Callable[[str], object], read: Reader, allowed: str) -> Reader:
    """named: which names the table may have."""

    def read_all(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > LONGEST_LIST:
            raise _refused(where, value, f"a table of {allowed}")
        for name in value:
            if not named(name):
                raise _refused(f"a name in {where}", name, f"one of {allowed}")
        return {name: read(item, f"{where}.{name}") for name, item in value.items()}

    return read_all


def is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_TEXT


def is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def read_part(kind: type[T], value: Any, where: str, sign: str = ".") -> T:
    """The dataclass `kind` of a table with its fields and no others; each field's type is Annotated with its reader.
    sign: between `where` and a field's name."""
    readers = {name: hint.__metadata__[0] for name, hint in get_type_hints(kind, include_extras=True).items()}
    if not isinstance(value, dict):
        raise _refused(where, value, f"a table with {', '.join(readers)}")
    absent = [name for name in readers if name not in value and not hasattr(kind, name)]  # a default is an attribute
    unknown = [repr(name)[:80] for name in value if name not in readers]
    if absent or unknown:
        found = f"lacks {', '.join(absent)}" if absent else f"has the unknown {', '.join(unknown[:5])}"
        raise ProfileError(f"{where} {found}; it takes {', '.join(readers)}; {REMEDY}")
    return kind(**{name: readers[name](value[name], where + sign + name) for name in value})
