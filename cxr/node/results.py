"""The results of one object on the disk, before they are anybody's."""

import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pydicom import dcmread
from pydicom.dataset import Dataset

from cxr.node.ask import Reply
from cxr.node.network import missing
from cxr.node.parts import Destination, ReportDestination, sync_folder

if TYPE_CHECKING:
    from cxr.dicom_results.options import ResultOptions

FOLDER = "results"
DICOM = ".dcm"
FHIR = ".json"


class FhirReport(NamedTuple):
    """uid: the same whenever it is made of the same source, model and site profile. text: JSON in UTF-8."""

    uid: str
    text: bytes


Result = Dataset | FhirReport


class ResultMaker(Protocol):
    """Makes the objects that say an answer in DICOM, and the FHIR report where one is wanted."""

    def __call__(self, source: Dataset, reply: Reply) -> Sequence[Result]:
        """source: what was asked about, with its pixels. Each object has a file_meta with its transfer syntax, and the
        same UID whenever it is made of the same source, model and profile. Raises ResultError where the source allows
        none."""


def result_maker(options: "ResultOptions", fhir: bool = False) -> ResultMaker:
    """What makes reports and heat maps, and FHIR reports too with `fhir`.

    Raises NodeError that names the extra where it is missing.
    """
    try:
        from cxr.dicom_results.fhir import fhir_report
        from cxr.dicom_results.results import make_results
    except ModuleNotFoundError as fault:
        raise missing(fault) from None

    turn = threading.Lock()  # two at once would both load highdicom's tables, 100 MiB each

    def make(source: Dataset, reply: Reply) -> Sequence[Result]:
        with turn:
            made = make_results(source, reply.answer, options, model=reply.model, picture=reply.picture)
            report = fhir_report(source, reply.answer, options, model=reply.model) if fhir else None
        if report is None:
            return made
        uid = f"fhir:{report['identifier'][0]['value']}"
        return [*made, FhirReport(uid, json.dumps(report).encode())]

    return make


def write_results(queue_folder: Path, one: int, results: Sequence[Result]) -> list[tuple[str, str]]:
    """(UID, file) of each; all are durable when it returns."""
    folder = queue_folder / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    written = []
    for number, result in enumerate(results):
        name = f"{one}-{number}{FHIR if isinstance(result, FhirReport) else DICOM}"
        written.append((_write(result, folder / name), f"{FOLDER}/{name}"))
    sync_folder(folder)
    return written


def _write(result: Result, file: Path) -> str:
    """Durably; the UID of what was written."""
    with file.open("wb") as handle:
        if isinstance(result, FhirReport):
            handle.write(result.text)
        else:
            result.save_as(handle, enforce_file_format=True)
        handle.flush()
        os.fsync(handle.fileno())
    return result.uid if isinstance(result, FhirReport) else str(result.SOPInstanceUID)


def hand_over(destination: Destination | ReportDestination, queue_folder: Path, files: Sequence[str]) -> None:
    """Send a destination those of an object's results that it takes. Raises what its `send` does."""
    if isinstance(destination, ReportDestination):
        destination.send_reports([(queue_folder / file).read_bytes() for file in files if file.endswith(FHIR)])
    else:
        destination.send(read_results(queue_folder, files))


def read_results(queue_folder: Path, files: Sequence[str]) -> list[Dataset]:
    """Those in DICOM."""
    return [dcmread(queue_folder / file) for file in files if file.endswith(DICOM)]
