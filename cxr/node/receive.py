"""Source `c_store`: a DICOM server that takes objects by C-STORE, answers C-ECHO, and commits to what it has."""

import contextlib
import ipaddress
import queue
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset

from cxr.common.config import STRICT
from cxr.node.commitment import COMMITMENT, Commitments
from cxr.node.network import LONGEST_PDU, READ, STORAGE, pynetdicom
from cxr.node.parts import ObjectSource, SourceSettings, Surroundings, register
from cxr.node.receipt import NodeError, Receipt
from cxr.node.values import AeTitle, Count, Network, Port, Seconds, TlsSettings

if TYPE_CHECKING:
    from pynetdicom.association import Association
    from pynetdicom.events import Event
    from pynetdicom.transport import ThreadedAssociationServer

# PS3.4 annex B.2.3 and PS3.7 annex C.
STATUS = {
    Receipt.TAKEN: (0x0000, ""),
    Receipt.KNOWN: (0x0000, ""),
    Receipt.CONFLICT: (0x0111, "another object with this UID was received"),
    Receipt.FULL: (0xA700, "no room now, send it again later"),
    Receipt.UNREADABLE: (0xC000, "not the object that was announced"),
}
NOT_RECOGNISED = (0x01, 0x01, 0x03)  # rejected for good, by the user, calling AE title not recognised
REST_S = 0.05
UID = r"[0-2](\.(0|[1-9][0-9]*))+"  # PS3.5, section 9.1


@dataclass(frozen=True, config=STRICT)
class Peer:
    """Who may send. addresses: from where; empty: from anywhere. host, port: where it listens itself, for the reports
    of storage commitment; port 0: it gets none."""

    ae_title: AeTitle
    addresses: tuple[Network, ...] = ()
    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0


@register
@dataclass(frozen=True, config=STRICT)
class CStoreSource(SourceSettings):
    """peers: who may send; nobody else may. storage: names of network.STORAGE or SOP Class UIDs. stop_s: how long a
    stop waits for senders to finish. most_mb: of one object. commitment: whether storage commitment is answered."""

    kind: Literal["c_store"]
    peers: tuple[Peer, ...]
    host: str = "127.0.0.1"
    port: Port = 11112
    storage: tuple[str, ...] = ("CR", "DX", "SC", "SC byte", "SC word")
    most_associations: Count = 16
    idle_s: Seconds = 60.0
    stop_s: Seconds = 10.0
    most_mb: Count = 256
    commitment: bool = False
    tls: TlsSettings = TlsSettings()

    def __post_init__(self) -> None:
        if not self.peers:
            raise ValueError("peers is empty; name at least one AE title that may send")
        for name in self.storage:
            if name not in STORAGE and (len(name) > 64 or re.fullmatch(UID, name) is None):
                raise ValueError(f"storage: {name!r} is not one of {', '.join(STORAGE)}, nor a SOP Class UID")

    def open(self, name: str, around: Surroundings) -> ObjectSource:
        return _Server(name, self, around)


class _Server:
    def __init__(self, name: str, settings: CStoreSource, around: Surroundings):
        pynetdicom()
        self._name = name
        self._settings = settings
        self._around = around
        self._tls = settings.tls.listening()
        self._server: ThreadedAssociationServer | None = None
        self._tempdir: str | None = None  # what the process had before
        self._bytes: WeakKeyDictionary[Association, int] = WeakKeyDictionary()  # of the object that is coming
        self._commitments: Commitments | None = None
        if settings.commitment:
            self._commitments = Commitments(name, _addresses(settings), around, settings.tls.calling())

    def start(self) -> None:
        from pynetdicom import AE, _config, evt

        # Objects go to the queue's disk piece by piece as they come; pynetdicom writes to the temporary folder.
        _config.STORE_RECV_CHUNKED_DATASET = True
        _config.LOG_HANDLER_LEVEL = "none"
        self._tempdir = tempfile.tempdir
        tempfile.tempdir = str(self._around.inbox.incoming)
        settings = self._settings
        entity = AE(ae_title=self._around.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = [peer.ae_title for peer in settings.peers]
        entity.maximum_associations = settings.most_associations
        entity.maximum_pdu_size = LONGEST_PDU
        entity.network_timeout = settings.idle_s
        for context in ("1.2.840.10008.1.1", *(STORAGE.get(name, name) for name in settings.storage)):
            entity.add_supported_context(context, list(READ))
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_PDU_RECV, self._received),
            (evt.EVT_C_ECHO, lambda event: 0x0000),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, _remove_unfinished),
        ]
        if self._commitments is not None:
            entity.add_supported_context(COMMITMENT, list(READ))
            handlers.append((evt.EVT_N_ACTION, self._commitments.asked))
            self._commitments.start()
        try:
            self._server = entity.start_server(
                (settings.host, settings.port), block=False, ssl_context=self._tls, evt_handlers=handlers
            )
        except OSError as fault:
            tempfile.tempdir = self._tempdir
            raise NodeError(
                f"sources.{self._name}: {settings.host}:{settings.port} cannot be listened on ({fault.strerror}); "
                "choose another port, or end what uses it"
            ) from None

    def stop(self) -> None:
        """No new associations; those that are there may finish what they send, for stop_s seconds."""
        server = self._server
        if server is None:
            return
        server.shutdown()
        until = time.monotonic() + self._settings.stop_s
        while server.active_associations and time.monotonic() < until:
            time.sleep(REST_S)
        for association in server.active_associations:
            association.abort()
        self._server = None
        tempfile.tempdir = self._tempdir
        if self._commitments is not None:
            self._commitments.stop()

    def _requested(self, event: "Event") -> None:
        """Reject whom the list of addresses does not allow; of the AE titles pynetdicom takes care."""
        association: Association = event.assoc
        asked = association.requestor.primitive
        title = "" if asked is None or asked.calling_ae_title is None else asked.calling_ae_title.strip()
        address = association.requestor.address
        if not any(one.ae_title == title and _is_allowed(address, one.addresses) for one in self._settings.peers):
            association.acse.send_reject(*NOT_RECOGNISED)
            association.kill()

    def _received(self, event: "Event") -> None:
        """Break off what is larger than any object may be, before it fills the disk."""
        size = getattr(event.pdu, "pdu_length", 0)
        total = self._bytes.get(event.assoc, 0) + size
        self._bytes[event.assoc] = total
        if total > self._settings.most_mb << 20:
            event.assoc.abort()

    def _store(self, event: "Event") -> Dataset:
        self._bytes[event.assoc] = 0
        receipt = self._around.inbox.take(
            event.dataset_path, self._name, str(getattr(event.request, "AffectedSOPInstanceUID", ""))
        )
        response = Dataset()
        response.Status, comment = STATUS[receipt]
        if comment:
            response.ErrorComment = comment
        return response


def _remove_unfinished(event: "Event") -> None:
    """The file of an object that came only in part, and of one that nobody will take: pynetdicom removes what it
    gave to `_store`, and has no public name for the others."""
    dimse = event.assoc.dimse
    unfinished = [getattr(dimse.message, "_data_set_file", None)]
    with contextlib.suppress(queue.Empty):
        while True:
            _, request = dimse.msg_queue.get_nowait()
            unfinished.append(getattr(request, "_dataset_file", None))
    dimse.msg_queue.put((None, None))  # whoever waits there learns that the connection is closed
    for file in filter(None, unfinished):
        file.close()
        Path(file.name).unlink(missing_ok=True)


def _addresses(settings: CStoreSource) -> dict[str, tuple[str, int]]:
    """Where the peers listen, by AE title."""
    return {peer.ae_title: (peer.host, peer.port) for peer in settings.peers if peer.host and peer.port}


def _is_allowed(address: str | None, networks: tuple[str, ...]) -> bool:
    """Whether an address is of one of the networks; an empty list allows all."""
    if not networks:
        return True
    try:
        here = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(here, "ipv4_mapped", None) or here
    return any(mapped in ipaddress.ip_network(network) for network in networks)
