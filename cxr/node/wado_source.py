"""Objects that are fetched by DICOMweb: found by QIDO-RS, brought by WADO-RS."""

import datetime
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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
from cxr.node.archive_search import Search, Series
from cxr.node.fetching import Fetching, FetchSettings
from cxr.node.parts import Inbox, RejectedError, Surroundings, UnreachableError, register
from cxr.node.receipt import Receipt
from cxr.node.web_address import WebAddress, check_status, unreachable

PAGE = 100  # answers of one question
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
        """Asked for by date alone: with modalities, Orthanc 1.10 loses studies between one page and the next."""
        keys = {"StudyDate": search.dates(today)}
        studies = self._pages(self._client.search_for_studies, search_filters=keys, fields=["ModalitiesInStudy"])
        for study in studies:
            if "ModalitiesInStudy" not in study or set(_texts(study.ModalitiesInStudy)) & set(search.modalities):
                yield from self._series_of(str(study.StudyInstanceUID), search)

    def _series_of(self, study: str, search: Search) -> Iterator[Series]:
        found = self._pages(self._client.search_for_series, study, fields=["BodyPartExamined"])
        for series in filter(search.wants, found):
            uid = str(series.SeriesInstanceUID)
            instances = self._pages(self._client.search_for_instances, study, uid)
            yield Series(study, uid, tuple(str(one.SOPInstanceUID) for one in instances))

    def fetch(self, wanted: Series) -> int:
        came = 0
        for uid in wanted.instances:
            dataset = self._asked(
                self._client.retrieve_instance, wanted.study, wanted.series, uid, media_types=AS_STORED
            )
            came += self._take(dataset, uid)
        return came

    def _pages(self, ask: Any, *place: str, **options: Any) -> Iterator[Dataset]:
        """Answers of QIDO-RS, however many: an archive may give fewer at once than were asked for."""
        offset = 0
        while True:
            page = self._asked(ask, *place, limit=PAGE, offset=offset, **options)
            yield from map(Dataset.from_json, page)
            offset += len(page)
            if len(page) < PAGE:
                return

    def _asked(self, ask: Any, *place: str, **options: Any) -> Any:
        try:
            return ask(*place, **options)
        except requests.HTTPError as fault:
            check_status(self._name, fault.response.status_code)
            raise
        except requests.RequestException as fault:
            raise unreachable(self._name, fault) from None
        except (InvalidDicomError, ValueError, KeyError) as fault:
            raise RejectedError(f"{self._name}: answers what is no DICOMweb ({type(fault).__name__})") from None

    def _take(self, dataset: Dataset, uid: str) -> bool:
        with tempfile.NamedTemporaryFile(dir=self._inbox.incoming, prefix="wado-") as file:
            dcmwrite(file, dataset, enforce_file_format=True)
            file.flush()
            receipt = self._inbox.take(Path(file.name), self._name, expected_uid=uid)
        if receipt is Receipt.FULL:
            raise UnreachableError(f"{self._name}: the node has no room for what is fetched")
        return True


def _texts(value: str | Iterable[object] | None) -> Sequence[str]:
    """A value of one or of several texts."""
    return [value] if isinstance(value, str) else [str(one) for one in value or ()]
