"""The audit trail: one JSON line for each thing that happened to an object, under pseudonyms.

A pseudonym is a hash with a key that stays in the queue's folder: whoever has the key and the archive can find the
patient again, and nobody else.
"""

import json
import os
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path

from cxr.node.receipt import NodeError
from cxr.sources.dicom_facts import KEY_BYTES, Pseudonyms

FILE = "audit.jsonl"
KEY_FILE = "pseudonyms.key"


class Audit:
    """Safe from any thread."""

    def __init__(self, folder: Path):
        key = folder / KEY_FILE
        if not key.exists():
            _make_key(key)
        self.pseudonyms = read_pseudonyms(key)
        self._lock = threading.Lock()
        handle = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(handle, "a", encoding="utf-8")

    def of_object(self, sop_uid: str) -> str:
        """The pseudonym of an object."""
        return self.pseudonyms.of("object", sop_uid)

    def write(self, event: str, sop_uid: str, **facts: object) -> None:
        """facts: nothing that a header says but codes and pseudonyms."""
        line = {"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
        line |= {"object": self.of_object(sop_uid)} | {name: str(value) for name, value in facts.items() if value != ""}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def close(self) -> None:
        with self._lock:
            os.fsync(self._file.fileno())
            self._file.close()


def _make_key(path: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())


def read_pseudonyms(path: Path) -> Pseudonyms:
    """By the key in `path`. Raises NodeError where it holds none, and OSError."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError):
        key = b""
    if len(key) != KEY_BYTES:
        raise NodeError(f"{path} does not hold {2 * KEY_BYTES} hex digits; restore it, or remove it for a new key")
    return Pseudonyms(key)
