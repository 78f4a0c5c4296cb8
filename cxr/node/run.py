"""The whole node: puts the parts together, starts them, and stops them in an order that loses nothing."""

import contextlib
import logging
import signal
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from types import FrameType

from cxr.node import letters
from cxr.node.ask import Asker, withheld_words
from cxr.node.audit import Audit
from cxr.node.dead_letters import bury, exhume
from cxr.node.deliver import Deliverer
from cxr.node.inbox import DiskInbox, make_private
from cxr.node.metrics import NodeMetrics
from cxr.node.network import missing
from cxr.node.parts import ObjectSource, Surroundings
from cxr.node.queue import CLOSED, Queue, in_one_sentence
from cxr.node.queue import FILE as QUEUE_FILE
from cxr.node.receipt import NodeError, Receipt
from cxr.node.results import ResultMaker, result_maker
from cxr.node.settings import NodeSettings
from cxr.node.status_page import StatusPage
from cxr.node.work import Desk, Workers

logger = logging.getLogger("cxr.node")

SIGNAL_S = 0.2
CLEAN_EVERY_S = 60.0
CLEANED_AT_ONCE = 500


class Node:
    """asker, make: in place of those that the settings name, for tests and benchmarks."""

    def __init__(self, settings: NodeSettings, asker: Asker, make: ResultMaker):
        self._settings = settings
        folder = Path(settings.folder)
        make_private(folder)
        self._queue = Queue(folder)
        self._audit = Audit(folder)
        self._metrics = NodeMetrics(self._queue, settings.sources, settings.destinations)
        self._inbox = DiskInbox(self._queue, settings.queue, self._told)
        around = Surroundings(settings.ae_title, folder, self._inbox, self._queue)
        self._sources: list[ObjectSource] = [one.open(name, around) for name, one in settings.sources.items()]
        self._deliverers = [
            Deliverer(name, one.open(name, around), self._queue, settings.retry, self._metrics, self._audit)
            for name, one in settings.destinations.items()
        ]
        desk = Desk(
            self._queue, asker, make, settings.rules, tuple(settings.destinations), settings.results.refusals,
            settings.results.explain, self._metrics, self._audit,
        )  # fmt: skip
        self._workers = Workers(desk, settings.workers, self._answered)
        self._status = StatusPage(
            settings.status.host, settings.status.port, self._metrics.text, self._why_not_ready, self._held
        )
        self._stopping = threading.Event()
        self._cleaner = threading.Thread(target=self._clean, name="cleaner", daemon=True)

    def start(self) -> None:
        """Returns when every source listens. Raises NodeError."""
        with in_one_sentence(self._queue.folder):
            self._inbox.clean()
            self._queue.start_again()
            bury_removed(self._queue, self._settings.destinations, self._audit)
        self._status.start()
        for deliverer in self._deliverers:
            deliverer.start()
        self._workers.start()
        for source in self._sources:
            source.start()
        self._cleaner.start()
        logger.info("the node takes objects")

    def stop(self) -> None:
        """Sources finish what is being sent, workers the object they are at, destinations the one they are given."""
        self._stopping.set()
        for source in self._sources:
            source.stop()
        self._inbox.close()
        self._workers.stop()
        for one in self._deliverers:
            one.stop()
        self._cleaner.join()
        self._status.stop()
        self._audit.close()
        self._queue.close()
        logger.info("the node has stopped")

    def _told(self, receipt: Receipt, source: str, sop_uid: str) -> None:
        self._metrics.received.labels(source, receipt.value).inc()
        try:
            self._audit.write(receipt.value, sop_uid, source=source)
        except OSError as fault:  # what was said to the sender stays true
            logger.error("the audit trail cannot be written (%s)", type(fault).__name__)
        if receipt is Receipt.TAKEN:
            self._workers.wake()
        elif receipt is not Receipt.KNOWN:
            logger.warning("%s: object %s is not taken: %s", source, self._audit.of_object(sop_uid), receipt.value)

    def _answered(self) -> None:
        for one in self._deliverers:
            one.wake()

    def _why_not_ready(self) -> str:
        if self._stopping.is_set():
            return "stopping"
        deliver = all(one.is_alive() for one in self._deliverers)
        if not (deliver and self._workers.is_alive() and self._cleaner.is_alive() and self._queue.writer.is_alive()):
            return "a part of the node does not run; where the log says that its thread has ended, start the node again"
        try:
            return "" if self._inbox.has_room() else "no room: the queue or the disk is full"
        except (OSError, sqlite3.Error) as fault:
            return f"the queue cannot be read ({type(fault).__name__})"

    def _held(self) -> str:
        """What whoever watches should know though objects are taken."""
        why = self._metrics.held
        return f"objects wait: {withheld_words(why)}" if why else ""

    def _clean(self) -> None:
        """Remove the files of what is finished, keep_hours after."""
        while not self._stopping.wait(CLEAN_EVERY_S if self._settings.queue.keep_hours else 1.0):
            try:
                clean(self._queue, time.time() - self._settings.queue.keep_hours * 3600)
            except (OSError, sqlite3.Error) as fault:
                logger.error("files of finished objects cannot be removed (%s)", type(fault).__name__)


def clean(queue: Queue, before: float) -> None:
    """Remove the files of objects that were finished before `before`; their rows stay, so that each is known."""
    marks = ", ".join("?" * len(CLOSED))
    rows = queue.read(
        f"SELECT id, file FROM objects WHERE cleaned = 0 AND changed_at < ? AND state IN ({marks}) LIMIT ?",  # noqa: S608 - marks only
        (before, *CLOSED, CLEANED_AT_ONCE),
    )
    ids = [row["id"] for row in rows]
    queue.writer.write(
        lambda db: db.executemany("UPDATE objects SET cleaned = 1 WHERE id = ?", [(one,) for one in ids])
    )
    for row in rows:
        results = queue.read("SELECT file FROM results WHERE object = ?", [row["id"]])
        for file in (row["file"], *(result["file"] for result in results)):
            (queue.folder / file).unlink(missing_ok=True)


def bury_removed(queue: Queue, destinations: Collection[str], audit: Audit) -> None:
    """What is due to a destination that the configuration no longer names becomes a dead letter: nobody would give it,
    and it would count as waiting for ever."""
    for name, found in letters.due_elsewhere(queue, destinations).items():
        for one in found:
            bury(queue.folder, name, audit.of_object(one.sop_uid), one.files)
            audit.write("given_up", one.sop_uid, destination=name, reason="removed")
        letters.dead(queue, name, [one.object for one in found], "its destination was removed")
        logger.warning(
            "the results of %d objects are due to %s, which the configuration no longer names; they are dead letters "
            "now. Name it again and run `cxr node retry`, or leave them", len(found), name,
        )  # fmt: skip


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the queue's folder for this process. Raises NodeError where another node has it."""
    make_private(folder)
    try:
        from filelock import FileLock, Timeout
    except ModuleNotFoundError as fault:
        raise missing(fault) from None
    lock = FileLock(folder / "node.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise NodeError(f"folder: another node works in {folder}; stop it, or name another folder") from None
    with lock:
        yield


def log_ended_thread(fault: threading.ExceptHookArgs) -> None:
    """In place of a traceback: the fault's text may quote a header."""
    logger.critical("thread %s has ended: %s", fault.thread and fault.thread.name, fault.exc_type.__name__)


def run_until_stopped(node: Node) -> None:
    """Until SIGTERM or SIGINT."""
    asked = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        asked.set()

    threading.excepthook = log_ended_thread
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    node.start()
    while not asked.wait(SIGNAL_S):  # a signal that another thread gets does not end a wait without end
        pass
    logger.info("stopping")
    node.stop()


def serve(settings: NodeSettings) -> None:
    """Run the node that the settings describe until it is told to stop."""
    fhir = any(one.kind == "fhir" for one in settings.destinations.values())
    with only_one(Path(settings.folder)):
        run_until_stopped(Node(settings, settings.ask.open(), result_maker(settings.results, fhir)))


def retry(settings: NodeSettings, destination: str) -> str:
    """Take dead letters up again, and say how many. destination: "" for all."""
    if destination and destination not in settings.destinations:
        raise NodeError(f"--destination {destination} is not one of {', '.join(settings.destinations)}")
    folder = Path(settings.folder)
    if not (folder / QUEUE_FILE).is_file():
        raise NodeError(f"{folder} has no queue yet; run the node first")
    queue = Queue(folder)
    names = [destination] if destination else list(settings.destinations)
    for name in names if destination else (*names, "objects"):
        exhume(folder, name)  # first: a running node may bury some of them again at once
    try:
        with in_one_sentence(folder):
            deliveries, objects = letters.revive(queue, names, with_objects=not destination)
    finally:
        queue.close()
    return f"{deliveries} results and {objects} objects are tried again"
