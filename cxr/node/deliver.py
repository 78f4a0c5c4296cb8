"""Gives results to one destination: in order, behind the others where it fails, to the dead letters in the end."""

import logging
import sqlite3
import threading
import time

from pydicom.errors import InvalidDicomError

from cxr.node import letters
from cxr.node.audit import Audit
from cxr.node.backoff import Backoff
from cxr.node.dead_letters import bury
from cxr.node.metrics import NodeMetrics
from cxr.node.parts import Destination, RejectedError, ReportDestination, UnreachableError
from cxr.node.queue import Delivery, Queue
from cxr.node.results import hand_over
from cxr.node.settings import RetrySettings

logger = logging.getLogger("cxr.node")

AT_ONCE = 16  # objects between two commits: after a kill at most these are sent a second time, as the same objects
IDLE_S = 1.0


class Deliverer:
    """A thread for one destination. `stop` returns when what is being sent is sent."""

    def __init__(
        self,
        name: str,
        destination: Destination | ReportDestination,
        queue: Queue,
        retry: RetrySettings,
        metrics: NodeMetrics,
        audit: Audit,
    ):
        self._name = name
        self._destination = destination
        self._queue = queue
        self._retry = retry
        self._backoff = Backoff(retry.first_s, retry.longest_s)
        self._metrics = metrics
        self._audit = audit
        self._failures = 0  # in a row, of the destination itself
        self._stopped = threading.Event()
        self._more = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"to-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._more.set()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        self._stopped.set()
        self._more.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._more.clear()
            try:
                found = letters.due(self._queue, self._name, AT_ONCE)
                self._give(found)
                self._bury_old()
            except (OSError, sqlite3.Error) as fault:
                logger.error("%s: the queue cannot be read or written (%s)", self._name, type(fault).__name__)
                self._stopped.wait(self._backoff.wait_s(0))
                continue
            if not found:
                self._destination.close()
                self._more.wait(IDLE_S)
        self._destination.close()

    def _give(self, found: list[Delivery]) -> None:
        """Send one after another; what arrived is committed together, whatever became of the others."""
        given: list[Delivery] = []
        try:
            wait_s = self._send(found, given)
        finally:
            if given:
                letters.delivered(self._queue, self._name, [one.object for one in given])
        for one in given:
            self._count(one)
        self._stopped.wait(wait_s)

    def _send(self, found: list[Delivery], given: list[Delivery]) -> float:
        """Add to `given` what arrived; how many seconds to wait."""
        for one in found:
            if self._stopped.is_set():
                break
            try:
                hand_over(self._destination, self._queue.folder, one.files)
                given.append(one)
                self._failures = 0
            except UnreachableError as fault:
                wait_s = self._unreachable(fault)
                # It may be only about this object: next time the others go first.
                letters.postpone(self._queue, self._name, one.object, wait_s, str(fault), counted=False)
                return wait_s
            except RejectedError as fault:
                self._rejected(one, str(fault))
            except (InvalidDicomError, FileNotFoundError) as fault:
                self._rejected(one, f"its results cannot be read ({type(fault).__name__})")
            except Exception as fault:  # noqa: BLE001 - a fault of one destination's code must not end its thread
                self._rejected(one, f"{self._name} failed ({type(fault).__name__})")
        return 0.0

    def _count(self, one: Delivery) -> None:
        self._metrics.delivered.labels(self._name).inc()
        self._metrics.seconds.labels(self._name).observe(time.time() - one.received_at)
        self._audit.write("delivered", one.sop_uid, destination=self._name)

    def _unreachable(self, fault: UnreachableError) -> float:
        wait_s = self._backoff.wait_s(self._failures)
        self._failures += 1
        self._metrics.failed.labels("deliver").inc()
        logger.warning("%s; again in %.1f s", fault, wait_s)
        self._destination.close()
        return wait_s

    def _rejected(self, one: Delivery, why: str) -> None:
        self._metrics.failed.labels("deliver").inc()
        logger.warning("object %s: %s", self._audit.of_object(one.sop_uid), why)
        if one.tries + 1 >= self._retry.most_tries:
            self._bury(one, why)
        else:
            letters.postpone(self._queue, self._name, one.object, self._backoff.wait_s(one.tries), why, counted=True)

    def _bury_old(self) -> None:
        before = time.time() - self._retry.most_hours * 3600
        for one in letters.too_old(self._queue, self._name, before, AT_ONCE):
            self._bury(one, "too old")

    def _bury(self, one: Delivery, why: str) -> None:
        pseudonym = self._audit.of_object(one.sop_uid)
        letters.dead(self._queue, self._name, [one.object], why)  # first: it must end whatever the links do
        self._metrics.dead.labels(self._name).inc()
        logger.error("object %s is given up for %s: %s", pseudonym, self._name, why)
        try:
            bury(self._queue.folder, self._name, pseudonym, one.files)
            self._audit.write("given_up", one.sop_uid, destination=self._name, reason=why)
        except OSError as fault:
            logger.error("object %s: neither linked nor in the audit trail (%s)", pseudonym, type(fault).__name__)
