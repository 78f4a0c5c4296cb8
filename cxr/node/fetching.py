"""A source that asks an archive from time to time, or when a person says so, and fetches what the node lacks.

It makes up for whatever an archive failed to send. What the node has ever taken is not fetched again.
"""

import datetime
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from cxr.node.archive_search import Search, SearchedArchive, Series, not_yet_here
from cxr.node.parts import RejectedError, SourceSettings, UnreachableError
from cxr.node.queue import Queue
from cxr.node.receipt import NodeError

logger = logging.getLogger("cxr.node")

LOOKS_EVERY_S = 1.0  # for a person's word
ORDERS = "fetch"  # the folder of such words, in the queue's folder
ENDS_WITHIN_S = 60.0


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
        self._thread = threading.Thread(target=self._run, name=f"fetch-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the series that is on its way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_WITHIN_S)

    def look(self) -> int:
        """Ask once, and fetch; how many objects came. Raises UnreachableError or RejectedError."""
        came = 0
        # All answers first: an archive closes a connection that says nothing while objects come by another one.
        for series in list(self._archive.find(self._search, datetime.date.today())):
            if self._stopping.is_set():
                break
            missing = [uid for uid in series.instances if uid not in self._useless]
            wanted = series._replace(instances=not_yet_here(self._queue, missing))
            if wanted.instances:
                came += self._fetch(wanted)
        return came

    def _fetch(self, wanted: Series) -> int:
        came = self._archive.fetch(wanted)
        if came == len(wanted.instances):
            self._useless.update(not_yet_here(self._queue, wanted.instances))
        return came

    def _run(self) -> None:
        due = time.monotonic() if self._every_s else float("inf")
        while not self._stopping.wait(LOOKS_EVERY_S if time.monotonic() < due else 0):
            if time.monotonic() < due and not _take_order(self._queue.folder, self._name):
                continue
            self._look_and_say()
            due = time.monotonic() + self._every_s if self._every_s else float("inf")

    def _look_and_say(self) -> None:
        try:
            logger.info("%s: %d objects fetched", self._name, self.look())
        except (UnreachableError, RejectedError) as fault:
            logger.warning("%s; asked again later", fault)


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


def _take_order(folder: Path, name: str) -> bool:
    place = folder / ORDERS / name
    if not place.exists():
        return False
    place.unlink()
    return True
