"""What a fetching source looks for in an archive, and which of that the node has already."""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, NamedTuple, Protocol

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset

from cxr.common.config import STRICT
from cxr.node.parts import RejectedError
from cxr.node.queue import Queue
from cxr.node.rules import CHEST

MOST_OF_A_QUESTION = 500  # UIDs of one SQL statement


@dataclass(frozen=True, config=STRICT)
class Search:
    """days: of study dates, 1 is today alone. modalities: of series. body_parts: of series, in capitals; "" stands for
    a series that names none, and an empty list lets every part pass."""

    days: Annotated[int, Field(ge=1, le=3650)]
    modalities: tuple[str, ...] = ("CR", "DX")
    body_parts: tuple[str, ...] = CHEST

    def dates(self, today: datetime.date) -> str:
        """A range as DICOM writes it."""
        first = today - datetime.timedelta(days=self.days - 1)
        return f"{first:%Y%m%d}-{today:%Y%m%d}"

    def may_want(self, study: Dataset) -> bool:
        """By ModalitiesInStudy, which not every archive tells. It is not searched for: several values are no standard
        matching, and Orthanc 1.10 loses studies between pages by it."""
        told = study.get("ModalitiesInStudy")
        modalities = {told} if isinstance(told, str) else {str(one) for one in told or ()}
        return not modalities - {""} or bool(modalities & set(self.modalities))

    def wants(self, series: Dataset) -> bool:
        """Archives may ignore keys that they do not know, so each answer is looked at again."""
        part = str(series.get("BodyPartExamined") or "").strip().upper()
        return series.get("Modality") in self.modalities and (not self.body_parts or part in self.body_parts)


class Series(NamedTuple):
    """A series of an archive, and the UIDs of its objects."""

    study: str
    series: str
    instances: tuple[str, ...]


class SearchedArchive(Protocol):
    """An archive that can be asked. Each method raises UnreachableError at once, and RejectedError at its end, where
    the archive refused some and gave the rest."""

    def find(self, search: Search, today: datetime.date) -> Iterator[Series]:
        """Every series that the search wants."""

    def fetch(self, wanted: Series) -> int:
        """Bring these objects into the node's inbox; how many came."""


def of_each(studies: Iterable[Dataset], series_of: Callable[[Dataset], Iterator[Series]]) -> Iterator[Series]:
    """The series of all studies. Raises the first RejectedError of them at the end."""
    refused: list[RejectedError] = []
    for study in studies:
        try:
            yield from series_of(study)
        except RejectedError as fault:
            refused.append(fault)
    if refused:
        raise refused[0]


def uid_of(name: str, found: Dataset, keyword: str) -> str:
    """name: of the source. Raises RejectedError where the archive's answer lacks it."""
    uid = str(found.get(keyword) or "")
    if not uid:
        raise RejectedError(f"{name}: an answer has no {keyword}")
    return uid


def not_yet_here(queue: Queue, uids: Sequence[str]) -> tuple[str, ...]:
    """Those of the SOP Instance UIDs that the queue has never taken, by whatever way, in their order."""
    known: set[str] = set()
    for start in range(0, len(uids), MOST_OF_A_QUESTION):
        some = uids[start : start + MOST_OF_A_QUESTION]
        marks = ", ".join("?" * len(some))
        rows = queue.read(f"SELECT sop_uid FROM objects WHERE sop_uid IN ({marks})", some)  # noqa: S608 - marks only
        known.update(row["sop_uid"] for row in rows)
    return tuple(uid for uid in uids if uid not in known)
