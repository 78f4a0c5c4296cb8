"""Who moved the champion, when and why: one line a move in reports/promotions.jsonl."""

import getpass
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxr.common.paths import REPORTS

PROMOTIONS = REPORTS / "promotions.jsonl"
WHO = "CXR_WHO"  # set by continuous integration, or by a person whom git does not know


def author(environment: Mapping[str, str] = os.environ) -> str:
    """CXR_WHO, else git's user.name, else the login."""
    return environment.get(WHO, "").strip() or _git_name() or _login()


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


def _git_name() -> str:
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)  # noqa: S607
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user without a name
        return "unknown"
