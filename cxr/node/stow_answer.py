"""What a STOW-RS request is answered with: the store instances response module of PS3.18, as DICOM JSON."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from pydicom.dataset import Dataset

JSON = "application/dicom+json"


class FailureReason(IntEnum):
    """Failure reasons (PS3.18, table I.2-2; PS3.4, table B.2-1)."""

    PROCESSING = 0x0110
    DUPLICATE = 0x0111
    OUT_OF_RESOURCES = 0xA700
    OTHER_STUDY = 0xA900
    NOT_DICOM = 0xC000


@dataclass(frozen=True)
class Instance:
    """The identity of one object, as its header states it."""

    sop_class: str
    sop_instance: str


@dataclass
class StowAnswer:
    """stored, failed: of this request's objects. others: reasons for parts that have no identity."""

    stored: list[Instance] = field(default_factory=list)
    failed: list[tuple[Instance, FailureReason]] = field(default_factory=list)
    others: list[FailureReason] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Parts of the request."""
        return len(self.stored) + len(self.failed) + len(self.others)

    @property
    def status(self) -> int:
        """200 all stored, 202 some, 409 none; 503 where none was for want of room, so that the sender tries again."""
        if not self.failed and not self.others:
            return 200
        if self.stored:
            return 202
        reasons = {reason for _, reason in self.failed} | set(self.others)
        return 503 if reasons == {FailureReason.OUT_OF_RESOURCES} else 409

    def as_json(self) -> dict[str, Any]:
        answer = Dataset()
        if self.stored:
            answer.ReferencedSOPSequence = [_reference(instance) for instance in self.stored]
        if self.failed:
            answer.FailedSOPSequence = [_reference(instance, reason) for instance, reason in self.failed]
        if self.others:
            answer.OtherFailuresSequence = [_reason(reason) for reason in self.others]
        return answer.to_json_dict()


def _reference(instance: Instance, reason: FailureReason | None = None) -> Dataset:
    item = Dataset() if reason is None else _reason(reason)
    item.ReferencedSOPClassUID = instance.sop_class
    item.ReferencedSOPInstanceUID = instance.sop_instance
    return item


def _reason(reason: FailureReason) -> Dataset:
    item = Dataset()
    item.FailureReason = int(reason)
    return item
