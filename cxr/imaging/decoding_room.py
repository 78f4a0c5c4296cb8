"""The memory that the pictures being decoded may take together, in one process.

A picture whose file has a few kilobytes may take hundreds of megabytes while it is decoded. Large ones wait for each
other; small ones, which nearly all are, never wait.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BUDGET_BYTES = 512 << 20
TRIM_FROM_BYTES = 100 << 20  # a decoding from this size on gives its memory back to the system; it takes some 10 ms


class DecodingRoom:
    """Used from any thread. What is taken inside `lent` is given back at its end."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES):
        self._budget = budget_bytes
        self._taken = 0
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """For the decoding of one picture in this thread."""
        self._mine.taken = 0
        try:
            yield
        finally:
            taken, self._mine.taken = self._mine.taken, 0
            with self._changed:
                self._taken -= taken
                self._changed.notify_all()
            if taken >= TRIM_FROM_BYTES:
                trim()

    def take(self, count: int) -> None:
        """Wait until `count` bytes are free, or nothing is taken; the largest count of one picture is what counts.

        A thread that has some already does not wait: two that waited for each other would wait for ever.
        """
        mine = getattr(self._mine, "taken", 0)
        more = count - mine
        if more <= 0:
            return
        with self._changed:
            if not mine:
                self._changed.wait_for(lambda: self._taken == 0 or self._taken + more <= self._budget)
            self._taken += more
        self._mine.taken = count


def trim() -> None:
    """Give the memory that is free back to the system: glibc keeps what threads had for themselves."""
    if sys.platform == "linux":
        release = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none, and keeps nothing
        if release is not None:
            release(0)


ROOM = DecodingRoom()
