"""Objects that are fetched by DICOMweb: found by QIDO-RS, brought by WADO-RS."""

import datetime
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import requests
from dicomweb_client import DICOMwebClient
from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from cxr.common.config import STRICT
from cxr.imaging.dicom_decoder import DICOM_FAULTS
from cxr.node.archive_search import Search, Series, of_each, uid_of
from cxr.node.fetching import Fetching, FetchSettings
from cxr.node.parts import Inbox, RejectedError, Surroundings, UnreachableError, register
from cxr.node.receipt import Receipt
from cxr.node.web_address import WebAddress, check_status, unreachable

PAGE = 100  # answers of one question
GONE = 404
AS_STORED = (("application/dicom", "*"),)


@register
@dataclass(frozen=True, config=STRICT)
class WadoSourceSettings(FetchSettings):
    """address: the root of the archive's DICOMweb services, to which /studies is added. every_s: between two searches;
    0: only by `cxr node fetch`."""

    kind: Literal["wado"]
    address: WebAddress
    search: Search
    every_s: Annotated[float, Field(ge=0, le=7 * 24 * 3600)] = 600.0

    def open(self, name: str, around: Surroundings) -> Fetching:
        archive = WebArchive(name, self.address, around.inbox)
        return Fetching(name, archive, self.search, self.every_s, around.queue)


class WebArchive:
    """An archive with DICOMweb."""

    def __init__(self, name: str, address: WebAddress, inbox: Inbox):
        self._name = name
        self._inbox = inbox
        self._client = DICOMwebClient(address.url, session=address.open_session(), timeout=address.timeout_s)
        self._client.set_http_retry_params(retry=False)  # the next search tries again

    def find(self, search: Search, today: datetime.date) -> Iterator[Series]:
        keys = {"StudyDate": search.dates(today)}
        studies = self._pages(self._client.search_for_studies, search_filters=keys, fields=["ModalitiesInStudy"])
        return of_each(filter(search.may_want, studies), lambda one: self._series_of(one, search))

    def _series_of(self, found_study: Dataset, search: Search) -> Iterator[Series]:
        study = uid_of(self._name, found_study, "StudyInstanceUID")
        found = self._pages(self._client.search_for_series, study, fields=["BodyPartExamined"])
        for series in filter(search.wants, found):
            uid = uid_of(self._name, series, "SeriesInstanceUID")
            instances = self._pages(self._client.search_for_instances, study, uid)
            yield Series(study, uid, tuple(uid_of(self._name, one, "SOPInstanceUID") for one in instances))

    def fetch(self, wanted: Series) -> int:
        refused: list[RejectedError] = []
        place = (wanted.study, wanted.series)
        for uid in wanted.instances:
            try:
                self._take(self._asked(self._client.retrieve_instance, *place, uid, media_types=AS_STORED), uid)
            except RejectedError as fault:
                refused.append(fault)
        if refused:
            raise refused[0]
        return len(wanted.instances)

    def _pages(self, ask: Any, *place: str, **options: Any) -> Iterator[Dataset]:
        """Answers of QIDO-RS, however many: an archive may give fewer at once than were asked for."""
        offset = 0
        while True:
            page = self._asked(ask, *place, limit=PAGE, offset=offset, **options)
            try:
                datasets = [Dataset.from_json(one) for one in page]
            except DICOM_FAULTS as fault:
                raise self._no_dicomweb(fault) from None
            yield from datasets
            offset += len(page)
            if len(page) < PAGE:
                return

    def _asked(self, ask: Any, *place: str, **options: Any) -> Any:
        try:
            return ask(*place, **options)
        except requests.HTTPError as fault:
            if place and fault.response.status_code == GONE:  # the address is right, or it had not been found
                raise RejectedError(f"{self._name}: answered {GONE}") from None
            check_status(self._name, fault.response.status_code)
            raise
        except requests.RequestException as fault:
            raise unreachable(self._name, fault) from None
        except (InvalidDicomError, *DICOM_FAULTS) as fault:
            raise self._no_dicomweb(fault) from None

    def _no_dicomweb(self, fault: Exception) -> RejectedError:
        return RejectedError(f"{self._name}: answers what is no DICOMweb ({type(fault).__name__})")

    def _take(self, dataset: Dataset, uid: str) -> None:
        with tempfile.NamedTemporaryFile(dir=self._inbox.incoming, prefix="wado-") as file:
            try:
                dcmwrite(file, dataset, enforce_file_format=True)
            except OSError:  # of this node's disk
                raise
            except DICOM_FAULTS as fault:
                raise self._no_dicomweb(fault) from None
            file.flush()
            receipt = self._inbox.take(Path(file.name), self._name, expected_uid=uid)
        if receipt is Receipt.FULL:
            raise UnreachableError(f"{self._name}: the node has no room for what is fetched")
