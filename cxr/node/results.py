"""The results of one object on the disk, before they are anybody's."""

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset

from cxr.node.ask import Reply
from cxr.node.network import missing
from cxr.node.parts import sync_folder

if TYPE_CHECKING:
    from cxr.dicom_results.options import ResultOptions

FOLDER = "results"


class ResultMaker(Protocol):
    """Makes the objects that say an answer in DICOM."""

    def __call__(self, source: Dataset, reply: Reply) -> Sequence[Dataset]:
        """source: what was asked about, with its pixels. Each result has a file_meta with its transfer syntax, and the
        same UID whenever it is made of the same source and model. Raises ResultError where the source does not allow
        any."""


def result_maker(options: "ResultOptions") -> ResultMaker:
    """What makes reports and heat maps. Raises NodeError that names the extra where it is missing."""
    try:
        from cxr.dicom_results.results import make_results
    except ModuleNotFoundError as fault:
        raise missing(fault) from None

    turn = threading.Lock()  # two at once would both load highdicom's tables, 100 MiB each

    def make(source: Dataset, reply: Reply) -> Sequence[Dataset]:
        with turn:
            return make_results(source, reply.answer, options, model=reply.model, picture=reply.picture)

    return make


def write_results(queue_folder: Path, one: int, results: Sequence[Dataset]) -> list[tuple[str, str]]:
    """(UID, file) of each; all are durable when it returns."""
    folder = queue_folder / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    written = []
    for number, result in enumerate(results):
        name = f"{one}-{number}.dcm"
        with (folder / name).open("wb") as handle:
            result.save_as(handle, enforce_file_format=True)
            handle.flush()
            os.fsync(handle.fileno())
        written.append((str(result.SOPInstanceUID), f"{FOLDER}/{name}"))
    sync_folder(folder)
    return written


def read_results(queue_folder: Path, files: Sequence[str]) -> list[Dataset]:
    return [dcmread(queue_folder / file) for file in files]
