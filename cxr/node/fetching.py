"""A source that asks an archive from time to time, or when a person says so, and fetches what the node lacks.

It makes up for whatever an archive failed to send. What the node has ever taken is not fetched again.
"""

import contextlib
import datetime
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from cxr.node.archive_search import Search, SearchedArchive, Series, not_yet_here
from cxr.node.backoff import Backoff
from cxr.node.parts import RejectedError, SourceSettings, UnreachableError
from cxr.node.queue import Queue
from cxr.node.receipt import NodeError

logger = logging.getLogger("cxr.node")

LOOKS_EVERY_S = 1.0  # for a person's word
ORDERS = "fetch"  # the folder of such words, in the queue's folder
ENDS_WITHIN_S = 60.0
NEVER = float("inf")
BACKOFF = Backoff(first_s=2.0, longest_s=300.0)  # of an order while its archive is away


class FetchSettings(SourceSettings):
    """Settings of a source that fetches."""


class Fetching:
    """A thread that asks every `every_s` seconds; 0: only when `order` was called."""

    def __init__(self, name: str, archive: SearchedArchive, search: Search, every_s: float, queue: Queue):
        self._name = name
        self._archive = archive
        self._search = search
        self._every_s = every_s
        self._queue = queue
        self._stopping = threading.Event()
        self._useless: set[str] = set()  # came, and the inbox could not use it
        self._due = 0.0 if every_s else NEVER  # of the monotonic clock
        self._heeded: int | None = None  # when the order was given that was looked at last
        self._failures = 0  # in a row, of orders
        self._thread = threading.Thread(target=self._run, name=f"fetch-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the series that is on its way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_WITHIN_S)

    def look(self) -> int:
        """Ask once, and fetch; how many objects came. Raises UnreachableError; RejectedError at the end, where the
        archive refused some of it and gave the rest."""
        came = 0
        found, refused = self._found()
        for series in found:
            if self._stopping.is_set():
                break
            try:
                came += self._fetch(series)
            except RejectedError as fault:  # it says so each time: the others must not wait for it
                refused.append(fault)
        if refused:
            raise RejectedError(f"{refused[0]}; {len(refused)} such refusals, and {came} objects fetched")
        return came

    def _found(self) -> tuple[list[Series], list[RejectedError]]:
        """All answers first: an archive closes a connection that says nothing while objects come by another one."""
        found: list[Series] = []
        try:
            for series in self._archive.find(self._search, datetime.date.today()):
                found.append(series)
        except RejectedError as fault:
            return found, [fault]
        return found, []

    def _fetch(self, series: Series) -> int:
        missing = [uid for uid in series.instances if uid not in self._useless]
        wanted = series._replace(instances=not_yet_here(self._queue, missing))
        if not wanted.instances:
            return 0
        came = self._archive.fetch(wanted)
        if came == len(wanted.instances):
            self._useless.update(not_yet_here(self._queue, wanted.instances))
        return came

    def _run(self) -> None:
        while not self._stopping.wait(LOOKS_EVERY_S if time.monotonic() < self._due else 0):
            ordered = _when_ordered(self._queue.folder, self._name)
            if time.monotonic() < self._due and ordered in (None, self._heeded):
                continue
            self._heeded = ordered
            self._due = NEVER
            if self._look_and_say():
                self._failures = 0
                _fulfil(self._queue.folder, self._name, ordered)
            elif ordered is not None:
                self._due = time.monotonic() + BACKOFF.wait_s(self._failures)
                self._failures += 1
            if self._every_s:
                self._due = min(self._due, time.monotonic() + self._every_s)

    def _look_and_say(self) -> bool:
        """Whether the archive was asked and answered."""
        try:
            logger.info("%s: %d objects fetched", self._name, self.look())
        except RejectedError as fault:
            logger.warning("%s; the next search asks again", fault)
        except UnreachableError as fault:
            logger.warning("%s; asked again later", fault)
            return False
        except Exception as fault:  # noqa: BLE001 - what libraries raise about an archive's words is on no list
            logger.error("%s: the search failed (%s); asked again later", self._name, type(fault).__name__)
            return False
        return True


def order(folder: Path, sources: Mapping[str, SourceSettings], name: str = "") -> list[str]:
    """Have fetching sources of the node whose queue is in `folder` ask now; a node that is not running asks when it
    starts.

    name: of one of `sources`; "" for all that fetch. Gives the names. Raises NodeError where there is none.
    """
    fetching = [one for one, settings in sources.items() if isinstance(settings, FetchSettings)]
    if name and name not in fetching:
        raise NodeError(f"--source {name} is no source that fetches; those are: {', '.join(fetching) or 'none'}")
    if not fetching:
        raise NodeError("no source fetches; sources of the kinds wado and c_move do")
    orders = folder / ORDERS
    orders.mkdir(exist_ok=True, mode=0o700, parents=True)
    chosen = [name] if name else fetching
    for one in chosen:
        (orders / one).touch()
    return chosen


def _when_ordered(folder: Path, name: str) -> int | None:
    """In nanoseconds; None where nobody gave an order."""
    try:
        return (folder / ORDERS / name).stat().st_mtime_ns
    except OSError:
        return None


def _fulfil(folder: Path, name: str, ordered: int | None) -> None:
    """Forget the order of that time; one that was given meanwhile stays."""
    if ordered is not None and ordered == _when_ordered(folder, name):
        with contextlib.suppress(OSError):  # such as of a disk that cannot be written: it is not heeded twice
            (folder / ORDERS / name).unlink()
