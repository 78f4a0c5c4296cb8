"""Brings every configured source into one directory, and removes everything else from it."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr.common.atomic_files import remove, write_json
from cxr.common.errors import SourceError
from cxr.sources.base import PUBLIC, Source, SourceParams

RECEIPT = ".source.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def fetch_all(configured: Mapping[str, SourceParams], sources: Mapping[str, Source[Any]], raw: Path) -> list[str]:
    """Fetch each source into `raw`/<name>, then remove what no source owns. Returns the names that were fetched.

    A source whose receipt says that the same was fetched before is left alone; a directory of one's own is
    copied anew each time, since its files may have changed.
    """
    for name in configured:
        if not _NAME.fullmatch(name):
            raise SourceError(f"source name {name!r} is not a folder's name; use letters, digits, - and _")
    fetched = [name for name, params in configured.items() if _fetch(params, sources[params.kind], raw / name)]
    for entry in raw.iterdir():
        if entry.name not in configured:
            remove(entry)
    return fetched


def _fetch(params: SourceParams, source: Source[Any], directory: Path) -> bool:
    receipt = receipt_of(params)
    if receipt.get("origin") != "mirror" and _recorded(directory) == receipt:
        return False
    source.fetch(params, directory)
    write_json(receipt, directory / RECEIPT)
    return True


def _recorded(directory: Path) -> Any:
    """The receipt in the folder; None where there is none that can be read, so that the source is fetched."""
    try:
        return json.loads((directory / RECEIPT).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None


def receipt_of(params: SourceParams) -> dict[str, Any]:
    """The settings that decide which files there are. No path and no date: the same files have the same receipt."""
    facts = params.pinned()
    if facts.get("origin", PUBLIC) != PUBLIC:
        return {"kind": params.kind, "origin": "mirror"}
    return facts
