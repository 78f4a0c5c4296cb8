"""From received to answered: pick by header, ask, write the results. One object at a time in each worker."""

import errno
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread

from cxr.common.errors import ImageError, ResultError, UnsoundError
from cxr.node.ask import Asker, Reply, UnavailableError
from cxr.node.audit import Audit
from cxr.node.backoff import Backoff
from cxr.node.dead_letters import bury
from cxr.node.metrics import NodeMetrics
from cxr.node.queue import Queue, Waiting
from cxr.node.results import ResultMaker, write_results
from cxr.node.rules import RuleSettings, look
from cxr.outcomes.records import id_of_text

logger = logging.getLogger("cxr.node")

AT_ONCE = 8  # objects that a worker claims together: one commit for all of them
IDLE_S = 1.0
MOST_TRIES = 5  # of an object whose asking ended the process or failed for no known reason
UNAVAILABLE = Backoff(first_s=0.5, longest_s=60.0)
AGAIN = Backoff(first_s=2.0, longest_s=300.0)
NO_ANSWER = Backoff(first_s=60.0, longest_s=3600.0)  # long: a service in trouble may be mended before the last try
SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class Desk:
    """What the workers share. refused: whether a refused picture gets results. explain: with a heat map."""

    queue: Queue
    asker: Asker
    make: ResultMaker
    rules: RuleSettings
    destinations: Sequence[str]
    refused: bool
    explain: bool
    metrics: NodeMetrics
    audit: Audit


class Workers:
    """`wake` after something came in; `stop` returns when nothing is being asked any more. answered: called after each
    object whose results are on the disk."""

    def __init__(self, desk: Desk, count: int, answered: Callable[[], None]):
        self._desk = desk
        self._answered = answered
        self._stopped = threading.Event()
        self._came_in = threading.Event()
        self._failures = 0  # in a row
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        self._came_in.set()

    def is_alive(self) -> bool:
        """Whether every worker that was started still works."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        self._stopped.set()
        self._came_in.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._came_in.clear()
            claimed = self._claim()
            for one in claimed:
                if self._stopped.is_set():
                    self._put_back(one)
                else:
                    self._handle(one)
            if not claimed:
                self._came_in.wait(IDLE_S)

    def _claim(self) -> list[Waiting]:
        try:
            return self._desk.queue.claim(AT_ONCE, len(self._threads))
        except sqlite3.Error as fault:
            self._pause(f"the queue cannot be written ({type(fault).__name__})", 0.0)
            return []

    def _handle(self, one: Waiting) -> None:
        """Nothing that the disk does may end the thread, also not while an object is given up."""
        try:
            self._settle(one)
        except (OSError, sqlite3.Error) as fault:
            self._put_back(one)
            self._pause(f"results cannot be kept ({type(fault).__name__})", 0.0)

    def _settle(self, one: Waiting) -> None:
        """Raises OSError and sqlite3.Error."""
        try:
            if one.tries > MOST_TRIES:
                give_up(self._desk, one, "ended_the_node")
            else:
                answer_one(self._desk, one)
            self._failures = 0
            self._answered()
        except UnavailableError as fault:
            self._desk.metrics.failed.labels("ask").inc()
            self._desk.metrics.show_held(fault.held)
            if fault.counted:
                logger.warning("object %s: %s", self._desk.audit.of_object(one.sop_uid), fault)
                self._failed(one, "no_answer", max(fault.wait_s, NO_ANSWER.wait_s(one.tries - 1)))
            else:
                self._put_back(one)
                self._pause(str(fault), fault.wait_s)
        except ResultError as fault:
            logger.error("object %s has no results: %s", self._desk.audit.of_object(one.sop_uid), fault)
            give_up(self._desk, one, "no_results")
        except (OSError, sqlite3.Error) as fault:
            self._desk.metrics.failed.labels("write").inc()
            if _is_of_the_machine(fault):
                raise
            self._failed(one, type(fault).__name__, AGAIN.wait_s(one.tries))
        except Exception as fault:  # noqa: BLE001 - one object must not stop the others
            self._desk.metrics.failed.labels("make").inc()
            self._failed(one, type(fault).__name__, AGAIN.wait_s(one.tries))

    def _failed(self, one: Waiting, why: str, wait_s: float) -> None:
        """For a cause that may be its own. Raises OSError and sqlite3.Error."""
        logger.error("object %s failed: %s", self._desk.audit.of_object(one.sop_uid), why)
        if one.tries >= MOST_TRIES:
            give_up(self._desk, one, why)
        else:
            self._desk.queue.postpone(one.id, wait_s, counted=True)

    def _put_back(self, one: Waiting) -> None:
        """Uncounted, once the queue can be written. Where the node stops before, its next start does it."""
        while True:
            try:
                self._desk.queue.postpone(one.id, 0.0, counted=False)
                return
            except sqlite3.Error as fault:
                self._pause(f"the queue cannot be written ({type(fault).__name__})", 0.0)
                if self._stopped.is_set():
                    return

    def _pause(self, why: str, wait_s: float) -> None:
        wait_s = wait_s or UNAVAILABLE.wait_s(self._failures)
        self._failures += 1
        logger.warning("%s; again in %.1f s", why, wait_s)
        self._stopped.wait(wait_s)


def _is_of_the_machine(fault: Exception) -> bool:
    """Whether another object would have it too; else it is counted, so that one file cannot fail for ever."""
    if isinstance(fault, OSError):
        return fault.errno in SCARCE
    return isinstance(fault, sqlite3.OperationalError)


def answer_one(desk: Desk, one: Waiting) -> None:
    """Take one object to its next state. Raises what `Asker.ask` does but for ImageError, and faults of the disk."""
    file = desk.queue.folder / one.file
    looked = look(file, desk.rules, desk.audit.pseudonyms)
    reason = "own" if desk.queue.is_own(one.sop_uid) else looked.reason
    if reason:
        desk.queue.end(one.id, "not_picked", reason)
        desk.metrics.not_picked.labels(reason).inc()
        desk.audit.write("not_picked", one.sop_uid, reason=reason, study=looked.study)
        return
    desk.metrics.picked.inc()
    reply = _asked(desk, one, file)
    if reply is None:
        return
    state = reply.answer.state
    refusal = reply.answer.reason.code if reply.answer.reason else ""
    if refusal:
        desk.metrics.refused.labels(refusal).inc()
    if refusal and not desk.refused:
        desk.queue.end(one.id, "refused", refusal)
    else:
        results = desk.make(dcmread(file), reply)
        desk.queue.answer(one.id, state, write_results(desk.queue.folder, one.id, results), desk.destinations)
    desk.metrics.answered.labels(state).inc()
    desk.audit.write(
        "answered", one.sop_uid, state=state, reason=refusal, study=looked.study, patient=looked.patient,
        model=reply.model.get("name", ""), version=reply.model.get("version", ""),
        answer=reply.answer_id if id_of_text(reply.answer_id) else "",
    )  # fmt: skip


def _asked(desk: Desk, one: Waiting, file: Path) -> Reply | None:
    """None where it cannot be answered; that is settled then."""
    try:
        with desk.metrics.ask_seconds.time():
            reply = desk.asker.ask(file.read_bytes(), desk.explain)
        desk.metrics.show_held("")
        return reply
    except (ImageError, UnsoundError) as fault:
        code = fault.code if isinstance(fault, ImageError) else "unsound_answer"
        desk.queue.end(one.id, "refused", code)
        desk.metrics.refused.labels(code).inc()
        desk.audit.write("refused", one.sop_uid, reason=code)
        return None


def give_up(desk: Desk, one: Waiting, why: str) -> None:
    """Put an object among the dead letters until somebody runs `cxr node retry`."""
    bury(desk.queue.folder, "objects", desk.audit.of_object(one.sop_uid), [one.file])
    desk.queue.end(one.id, "dead", why)
    desk.metrics.dead.labels("objects").inc()
    desk.audit.write("given_up", one.sop_uid, reason=why)
    logger.error("object %s is given up: %s", desk.audit.of_object(one.sop_uid), why)
