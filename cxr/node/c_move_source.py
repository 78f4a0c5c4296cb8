"""Objects that are fetched by C-MOVE: found by C-FIND, sent by the archive to the node's own `c_store` source."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from cxr.common.config import STRICT
from cxr.node.archive_search import Search, Series, of_each, uid_of
from cxr.node.fetching import Fetching, FetchSettings
from cxr.node.parts import RejectedError, Surroundings, UnreachableError, register
from cxr.node.values import AeTitle, Port, Seconds, TlsSettings

FIND = "1.2.840.10008.5.1.4.1.2.2.1"  # Study Root Query/Retrieve
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
PENDING = (0xFF00, 0xFF01)
SUCCESS = 0x0000
WARNING = 0xB000  # some sub-operations failed


@register
@dataclass(frozen=True, config=STRICT)
class CMoveSourceSettings(FetchSettings):
    """ae_title: of the archive, which must know this node's title and the port of its source of the kind c_store.
    every_s: between two searches; 0: only by `cxr node fetch`."""

    kind: Literal["c_move"]
    host: str
    port: Port
    ae_title: AeTitle
    search: Search
    every_s: Annotated[float, Field(ge=0, le=7 * 24 * 3600)] = 600.0
    tls: TlsSettings = TlsSettings()
    timeout_s: Seconds = 60.0

    def open(self, name: str, around: Surroundings) -> Fetching:
        self.tls.calling()  # says in one sentence what is wrong with a file
        archive = DimseArchive(name, self, around.ae_title)
        return Fetching(name, archive, self.search, self.every_s, around.queue)


class DimseArchive:
    """An archive with the Study Root query and retrieve classes."""

    def __init__(self, name: str, settings: CMoveSourceSettings, own_title: str):
        self._name = name
        self._settings = settings
        self._own_title = own_title

    def find(self, search: Search, today: datetime.date) -> Iterator[Series]:
        with self._associated(FIND) as association:
            studies = _keys("STUDY", StudyDate=search.dates(today), ModalitiesInStudy="")
            found = list(self._matches(association, studies))
            yield from of_each(filter(search.may_want, found), lambda one: self._series_of(association, one, search))

    def _series_of(self, association: Association, found_study: Dataset, search: Search) -> Iterator[Series]:
        study = uid_of(self._name, found_study, "StudyInstanceUID")
        keys = _keys("SERIES", StudyInstanceUID=study, SeriesInstanceUID="", Modality="", BodyPartExamined="")
        for series in [one for one in self._matches(association, keys) if search.wants(one)]:
            uid = uid_of(self._name, series, "SeriesInstanceUID")
            keys = _keys("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=uid, SOPInstanceUID="")
            found = self._matches(association, keys)
            yield Series(study, uid, tuple(uid_of(self._name, one, "SOPInstanceUID") for one in found))

    def _matches(self, association: Association, keys: Dataset) -> Iterator[Dataset]:
        for status, found in association.send_c_find(keys, FIND):
            code = self._code(status)
            if code in PENDING and found is not None:
                yield found
            elif code != SUCCESS:
                raise RejectedError(f"{self._name}: C-FIND ended with status {code:04X}H")

    def fetch(self, wanted: Series) -> int:
        keys = _keys("IMAGE", StudyInstanceUID=wanted.study, SeriesInstanceUID=wanted.series)
        keys.SOPInstanceUID = list(wanted.instances)
        completed = 0
        with self._associated(MOVE) as association:
            for status, _ in association.send_c_move(keys, self._own_title, MOVE):
                code = self._code(status)
                completed = int(status.get("NumberOfCompletedSuboperations") or completed)
                if code not in (*PENDING, SUCCESS, WARNING):
                    raise RejectedError(f"{self._name}: C-MOVE ended with status {code:04X}H")
        return completed

    def _code(self, status: Dataset) -> int:
        if "Status" not in status:
            raise UnreachableError(f"{self._name}: the connection broke off")
        return int(status.Status)

    @contextmanager
    def _associated(self, sop_class: str) -> Iterator[Association]:
        settings = self._settings
        entity = AE(self._own_title)
        entity.add_requested_context(sop_class)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.timeout_s
        context = settings.tls.calling()
        options: dict[str, Any] = {"tls_args": (context, settings.host)} if context else {}
        association = entity.associate(settings.host, settings.port, ae_title=settings.ae_title, **options)
        if not association.is_established:
            raise UnreachableError(f"{self._name}: no association with {settings.ae_title}")
        try:
            yield association
        except ValueError:
            raise RejectedError(f"{self._name}: does not answer searches or does not send") from None
        except RuntimeError:
            raise UnreachableError(f"{self._name}: the connection broke off") from None
        finally:
            if association.is_established:
                association.release()


def _keys(level: str, **keys: Any) -> Dataset:
    dataset = Dataset()
    dataset.QueryRetrieveLevel = level
    dataset.StudyInstanceUID = ""
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset
