"""Who moved the champion, when and why: one line a move in reports/promotions.jsonl."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr.common import journal
from cxr.common.paths import REPORTS

PROMOTIONS = REPORTS / "promotions.jsonl"


def append_once(entry: Mapping[str, Any], path: Path = PROMOTIONS) -> None:
    """Add one line, unless a line with the entry's `id` is there."""
    journal.append_once(entry, path)
