"""Takes objects in: whole, durable and once, or not at all."""

import hashlib
import logging
import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pydicom.filereader import read_file_meta_info

from cxr.imaging.dicom_elements import if_dicom, read_elements
from cxr.node.parts import sync_folder
from cxr.node.queue import Arrived, Queue
from cxr.node.receipt import NodeError, Receipt
from cxr.node.results import FOLDER as RESULTS
from cxr.node.settings import QueueSettings

logger = logging.getLogger("cxr.node")

INCOMING = "incoming"
OBJECTS = "objects"
KEPT = """
SELECT file FROM objects WHERE cleaned = 0
UNION ALL SELECT r.file FROM results r JOIN objects o ON o.id = r.object WHERE o.cleaned = 0
"""
META_START = 132 + 12  # preamble, mark, and the element with the meta group's length
CHUNK = 1 << 20
OnReceipt = Callable[[Receipt, str, str], None]  # receipt, source, SOP Instance UID


class _Header(NamedTuple):
    sop_uid: str
    sop_class: str
    digest: str


class DiskInbox:
    """told: called with each receipt, after what it says is true."""

    def __init__(self, queue: Queue, settings: QueueSettings, told: OnReceipt):
        self._queue = queue
        self._settings = settings
        self._told = told
        self._closed = threading.Event()
        self._objects = queue.folder / OBJECTS
        self._objects.mkdir(exist_ok=True, mode=0o700)
        self.incoming.mkdir(exist_ok=True, mode=0o700)

    @property
    def incoming(self) -> Path:
        return self._queue.folder / INCOMING

    def clean(self) -> None:
        """Before anything is taken: remove what a killed node had not yet said success for, or not yet counted."""
        for file in self.incoming.iterdir():
            file.unlink()
        kept = {row["file"] for row in self._queue.read(KEPT)}
        for folder in (OBJECTS, RESULTS):
            for file in (self._queue.folder / folder).glob("*"):
                if f"{folder}/{file.name}" not in kept:
                    file.unlink()

    def close(self) -> None:
        """From now on everything is refused as FULL: a sender tries again later."""
        self._closed.set()

    def take(self, file: Path, source: str, expected_uid: str = "") -> Receipt:
        try:
            if self._closed.is_set() or not self.has_room():
                return self._said(Receipt.FULL, source, expected_uid)
            header = _read_header(file)
            if header is None or (expected_uid and header.sop_uid != expected_uid):
                return self._said(Receipt.UNREADABLE, source, expected_uid)
            return self._said(self._kept(file, source, header), source, header.sop_uid)
        except (OSError, sqlite3.Error) as fault:
            logger.error("an object could not be kept: %s", type(fault).__name__)
            return self._said(Receipt.FULL, source, expected_uid)

    def has_room(self) -> bool:
        """Whether the queue and the disk are below their limits."""
        free_mb = shutil.disk_usage(self._queue.folder).free >> 20
        return free_mb >= self._settings.least_free_mb and self._queue.depth() < self._settings.most_objects

    def _kept(self, file: Path, source: str, header: _Header) -> Receipt:
        place = self._objects / f"{secrets.token_hex(16)}.dcm"
        os.link(file, place)
        try:
            _sync(place)
            sync_folder(self._objects)
            arrived = Arrived(header.sop_uid, header.sop_class, header.digest, source, f"{OBJECTS}/{place.name}")
            receipt = self._queue.add(arrived)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
        if receipt is not Receipt.TAKEN:
            place.unlink()
        return receipt

    def _said(self, receipt: Receipt, source: str, sop_uid: str) -> Receipt:
        self._told(receipt, source, sop_uid)
        return receipt


def make_private(folder: Path) -> None:
    """The queue's folder, for this user only. Raises NodeError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as fault:
        raise NodeError(f"folder: {folder} cannot be used ({fault.strerror}); name one on a local disk") from None


def _read_header(file: Path) -> _Header | None:
    """None where it is no DICOM object with a UID. Raises OSError where it cannot be read now."""

    def header() -> _Header | None:
        found = read_elements(file, ("SOPInstanceUID", "SOPClassUID"), force=False)
        uid, sop_class = str(found.get("SOPInstanceUID", "")), str(found.get("SOPClassUID", ""))
        return _Header(uid, sop_class, _digest(file)) if uid and sop_class else None

    return if_dicom(header)


def _digest(file: Path) -> str:
    """SHA-256 of the data set and its transfer syntax: the rest of the meta group tells who sent it."""
    meta = read_file_meta_info(file)  # AttributeError where it does not say how long it is
    made = hashlib.sha256(str(meta.get("TransferSyntaxUID", "")).encode())
    with file.open("rb") as handle:
        handle.seek(META_START + meta.FileMetaInformationGroupLength)
        while chunk := handle.read(CHUNK):
            made.update(chunk)
    return made.hexdigest()


def _sync(file: Path) -> None:
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
