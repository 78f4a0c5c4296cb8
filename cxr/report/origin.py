"""From which files a page was made, written into the page itself, so that a stale one gives itself away."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import CxrError

_NOTE = re.compile(r"<!-- made from (\{[^>]*\}) -->")


def origin_note(files: Mapping[str, str]) -> str:
    """A comment for HTML and Markdown. files: path to sha256."""
    return f"<!-- made from {json.dumps(dict(sorted(files.items())))} -->"


def made_from(text: str) -> dict[str, str]:
    """What `origin_note` wrote. Raises CxrError where the text has no such note."""
    found = _NOTE.search(text)
    if found is None:
        raise CxrError("the page does not say what it was made from; `dvc repro card` makes it again")
    return json.loads(found[1])


def stale_files(page: Path, root: Path) -> list[str]:
    """The files that are missing below `root`, or no longer what the page was made from."""
    try:
        text = page.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise CxrError(f"{page} is missing; `dvc repro card` makes it") from None
    return [
        name
        for name, digest in made_from(text).items()
        if not (root / name).is_file() or sha256_of(root / name) != digest
    ]
