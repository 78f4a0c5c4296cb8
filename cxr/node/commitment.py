"""Storage commitment (PS3.4 annex J): the node says of which objects it has the file, and which it has not.

The request is on the disk before it is confirmed. The report goes to the peer's own address, in an association of the
node's, and again until the peer takes it.
"""

import json
import logging
import sqlite3
import ssl
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cxr.node.backoff import Backoff
from cxr.node.network import pynetdicom
from cxr.node.parts import Surroundings

if TYPE_CHECKING:
    from pynetdicom.events import Event

logger = logging.getLogger("cxr.node")

COMMITMENT = "1.2.840.10008.1.20.1"
INSTANCE = "1.2.840.10008.1.20.1.1"
ALL_THERE = 1
SOME_MISSING = 2
NO_SUCH_OBJECT = 0x0112
NOT_UNDERSTOOD = 0x0115
NO_ADDRESS = 0x0124
LOOK_S = 1.0
GIVE_UP_S = 24 * 3600.0
BACKOFF = Backoff(first_s=2.0, longest_s=300.0)


class Commitments:
    """addresses: AE title to host and port of who may ask. tls: for the reports; None: they go without."""

    def __init__(
        self,
        source: str,
        addresses: Mapping[str, tuple[str, int]],
        around: Surroundings,
        tls: ssl.SSLContext | None = None,
    ):
        self._source = source
        self._addresses = addresses
        self._around = around
        self._tls = tls
        self._stopped = threading.Event()
        self._asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commitments", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._asked.set()
        self._thread.join()

    def asked(self, event: "Event") -> tuple[int, None]:
        """The handler of N-ACTION."""
        peer = str(event.assoc.requestor.ae_title).strip()
        if peer not in self._addresses:
            return NO_ADDRESS, None
        try:
            asked = event.action_information
            request = {
                "transaction": str(asked.TransactionUID),
                "objects": [
                    [str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID)]
                    for one in asked.ReferencedSOPSequence
                ],
            }
        except (AttributeError, ValueError, TypeError):
            return NOT_UNDERSTOOD, None
        values = (self._source, peer, json.dumps(request), time.time())
        self._around.queue.writer.write(
            lambda db: db.execute("INSERT INTO commitments (source, peer, request, since) VALUES (?, ?, ?, ?)", values)
        )
        self._asked.set()
        return 0x0000, None

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                for row in self._around.queue.read(
                    "SELECT * FROM commitments WHERE source = ? AND due_at <= ?", (self._source, time.time())
                ):
                    self._report(row)
            except (OSError, sqlite3.Error) as fault:
                logger.error("%s: no report of commitment (%s)", self._source, type(fault).__name__)
            self._asked.wait(LOOK_S)
            self._asked.clear()

    def _report(self, row: sqlite3.Row) -> None:
        address = self._addresses.get(row["peer"])
        sent = address is not None and self._send(row["peer"], address, *self._findings(json.loads(row["request"])))
        one = row["id"]
        if sent or address is None or time.time() - row["since"] > GIVE_UP_S:
            self._around.queue.writer.write(lambda db: db.execute("DELETE FROM commitments WHERE id = ?", (one,)))
        else:
            values = (time.time() + BACKOFF.wait_s(row["tries"]), one)
            self._around.queue.writer.write(
                lambda db: db.execute("UPDATE commitments SET tries = tries + 1, due_at = ? WHERE id = ?", values)
            )

    def _findings(self, request: Mapping[str, Any]) -> tuple[Dataset, int]:
        """The event's information and its type. Committed is what lies on this disk now."""
        report = Dataset()
        report.TransactionUID = request["transaction"]
        there, missing = [], []
        for sop_class, uid in request["objects"]:
            item = Dataset()
            item.ReferencedSOPClassUID = sop_class
            item.ReferencedSOPInstanceUID = uid
            kept = self._around.queue.read(
                "SELECT 1 FROM objects WHERE sop_uid = ? AND sop_class = ? AND cleaned = 0", (uid, sop_class)
            )
            if kept:
                there.append(item)
            else:
                item.FailureReason = NO_SUCH_OBJECT
                missing.append(item)
        if there:
            report.ReferencedSOPSequence = Sequence(there)
        if missing:
            report.FailedSOPSequence = Sequence(missing)
        return report, SOME_MISSING if missing else ALL_THERE

    def _send(self, peer: str, address: tuple[str, int], report: Dataset, kind: int) -> bool:
        pynetdicom()
        from pynetdicom import AE, build_role

        entity = AE(ae_title=self._around.ae_title)
        entity.add_requested_context(COMMITMENT)
        role = build_role(COMMITMENT, scu_role=False, scp_role=True)
        tls_args = None if self._tls is None else (self._tls, address[0])
        association = entity.associate(*address, ae_title=peer, ext_neg=[role], tls_args=tls_args)
        if not association.is_established:
            return False
        try:
            status, _ = association.send_n_event_report(report, kind, COMMITMENT, INSTANCE)
            return bool(status) and status.Status == 0x0000
        except (ValueError, RuntimeError):
            return False
        finally:
            association.release()
