"""The keys that clients show: each has a name, is compared in constant time, and goes when its line goes."""

import hmac
import logging
import math
import re
import time
from collections.abc import Mapping
from pathlib import Path

from cxr.common.errors import CxrError

logger = logging.getLogger("bentoml.covid_cxr")

ONE_KEY = "default"  # the name of CXR_API_KEY
LEAST_LENGTH = 16
_LINE = re.compile(rf"([A-Za-z0-9._-]{{1,40}}):([\x21-\x7e]{{{LEAST_LENGTH},200}})")


class KeysError(CxrError):
    """The file of keys cannot be used."""


class Keys:
    """one: a key without a file, "" for none. file: of lines `name:key`; read again whenever it has changed.

    Raises KeysError where the file cannot be used at the start; later the keys from before stay, and the log says so.
    """

    def __init__(self, one: str = "", file: Path | None = None):
        self._one = {ONE_KEY: one.encode()} if one else {}
        self._file = file
        self._seen: tuple[int, ...] | None = self._state()
        self._keys: Mapping[str, bytes] = self._one | (read_keys(file) if file else {})

    def name_of(self, given: str) -> str | None:
        """The name of the key, None where there is none like it."""
        self._look()
        shown = given.encode()
        name = None
        for known, key in self._keys.items():  # all of them, so that time does not tell which one was near
            if hmac.compare_digest(shown, key):
                name = known
        return name

    def _look(self) -> None:
        state = self._state()
        if self._file is None or state == self._seen:
            return
        self._seen = state
        try:
            self._keys = self._one | read_keys(self._file)
        except KeysError as fault:
            logger.error("%s; the keys from before still hold", fault)
        else:
            logger.info("the keys of %s hold now", ", ".join(self._keys))

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def read_keys(file: Path) -> dict[str, bytes]:
    """Name to key of a file of keys. Raises KeysError, which quotes no key."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise KeysError(f"the file of keys {file} cannot be read as ASCII text; check CXR_KEYS") from None
    keys: dict[str, bytes] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        if found is None or found[1] in keys or found[1] == ONE_KEY:
            raise KeysError(
                f"{file}, line {number}: not a line name:key with a new name of letters, digits, '.', '_' and '-' "
                f"other than {ONE_KEY}, and a key of {LEAST_LENGTH} to 200 printable ASCII characters"
            )
        keys[found[1]] = found[2].encode()
    return keys


class Rates:
    """How often each key may ask: `a_minute` times at once, and as often a minute after that; 0: without limit."""

    def __init__(self, a_minute: int):
        self._a_minute = a_minute
        self._left: dict[str, tuple[float, float]] = {}  # of each key: requests left, and when that was

    def wait_s(self, name: str) -> int:
        """Count one request. 0 where it may be answered, else the seconds after which one may."""
        if not self._a_minute:
            return 0
        now = time.monotonic()
        left, then = self._left.get(name, (float(self._a_minute), now))
        left = min(self._a_minute, left + (now - then) * self._a_minute / 60)
        if left < 1:
            self._left[name] = left, now
            return math.ceil((1 - left) * 60 / self._a_minute)
        self._left[name] = left - 1, now
        return 0
