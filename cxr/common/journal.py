"""Append-only records: one JSON object a line, known by its `id`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append_once(entry: Mapping[str, Any], path: Path) -> None:
    """Add one line, unless a line with the entry's `id` is there.

    The line goes out in one write, so that lines of two processes never mix. A torn last line stays alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else b""
    if any(found.get("id") == entry["id"] for found in _entries(before)):
        return
    start = "" if before.endswith(b"\n") or not before else "\n"
    line = f"{start}{json.dumps(entry, sort_keys=True, ensure_ascii=False)}\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read_entries(path: Path) -> list[dict[str, Any]]:
    """Every whole entry in the order of the file; none where there is no file."""
    return _entries(path.read_bytes()) if path.exists() else []


def _entries(text: bytes) -> list[dict[str, Any]]:
    found = map(_entry, text.splitlines())
    return [entry for entry in found if entry is not None]


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:  # a torn line
        return None
    return entry if isinstance(entry, dict) else None
