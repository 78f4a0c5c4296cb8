"""Writes and reads the stages' reports: JSON with the version of its layout, checked as it is read.

A report's class is a TypedDict that names what a later stage or the report page reads. Other keys are kept.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cxr.common.atomic_files import read_json, write_json
from cxr.common.errors import CxrError
from cxr.common.schema import KEY, require_known_schema

SCHEMA_VERSION = 1  # of every report; it rises when a key that is read changes its name or its meaning

Report = TypeVar("Report")


def write_report(report: Mapping[Any, Any], path: Path) -> None:
    """The report as JSON, with the version of its layout."""
    write_json({**report, KEY: SCHEMA_VERSION}, path)


def read_report(kind: type[Report], path: Path) -> Report:
    """The report without its version, its values as they stand in the file; files from before versions are read too.

    Raises CxrError where the file is missing, damaged, or of a later layout.
    """
    document = read_json(path)
    if not isinstance(document, dict):
        raise CxrError(f"{path} holds {type(document).__name__}, not a report; delete it and run `dvc repro` again")
    require_known_schema(document, SCHEMA_VERSION, str(path))
    report: Any = {key: value for key, value in document.items() if key != KEY}
    try:
        TypeAdapter(kind).validate_python(report, strict=True)
    except ValidationError as faults:
        raise CxrError(f"{path}: {_sentence(faults)}; delete it and run `dvc repro` again") from None
    return report


def _sentence(faults: ValidationError) -> str:
    first = faults.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"key {place!r} is missing"
    return f"{place} is {first['input']!r}; {first['msg']}"
