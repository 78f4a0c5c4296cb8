"""Who moved the champion, when and why: one line a move in reports/promotions.jsonl."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr.common.paths import REPORTS

PROMOTIONS = REPORTS / "promotions.jsonl"


def append_once(entry: Mapping[str, Any], path: Path = PROMOTIONS) -> None:
    """Add one line, unless a line with the entry's `id` is there.

    The line goes out in one write, so that lines of two processes never mix. A torn last line stays alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_bytes() if path.exists() else b""
    if any(_id_of(line) == entry["id"] for line in before.splitlines()):
        return
    start = "" if before.endswith(b"\n") or not before else "\n"
    line = f"{start}{json.dumps(entry, sort_keys=True, ensure_ascii=False)}\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def _id_of(line: bytes) -> Any:
    try:
        entry = json.loads(line)
    except ValueError:  # a torn line
        return None
    return entry.get("id") if isinstance(entry, dict) else None
