"""Results to an archive by DICOMweb, STOW-RS."""

from collections.abc import Sequence
from typing import Literal

import requests
from dicomweb_client import DICOMwebClient
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset

from cxr.common.config import STRICT
from cxr.node.parts import DestinationSettings, RejectedError, Surroundings, UnreachableError, register
from cxr.node.stow_answer import FailureReason
from cxr.node.web_address import WebAddress, check_status, unreachable


@register
@dataclass(frozen=True, config=STRICT)
class StowDestinationSettings(DestinationSettings):
    """address: the root of the archive's DICOMweb services, to which /studies is added."""

    kind: Literal["stow"]
    address: WebAddress

    def open(self, name: str, around: Surroundings) -> "StowDestination":
        return StowDestination(name, self.address)


class StowDestination:
    """One archive."""

    def __init__(self, name: str, address: WebAddress):
        self._name = name
        self._address = address
        self._session = address.open_session()

    def send(self, datasets: Sequence[Dataset]) -> None:
        """All in one request. What the archive has already counts as sent."""
        client = DICOMwebClient(self._address.url, session=self._session, timeout=self._address.timeout_s)
        client.set_http_retry_params(retry=False)  # the queue tries again, also after a restart
        for dataset in datasets:
            dataset.preamble = bytes(128)  # without it the client leaves out the mark that makes a file DICOM
        try:
            answer = client.store_instances(datasets)
        except requests.HTTPError as fault:
            answer = self._said_of(fault.response)
        except requests.RequestException as fault:
            raise unreachable(self._name, fault) from None
        for item in answer.get("FailedSOPSequence") or []:
            self._check(int(item.get("FailureReason") or 0))

    def close(self) -> None:
        self._session.close()

    def _said_of(self, response: requests.Response) -> Dataset:
        """What the archive says of each object. Raises where it says nothing."""
        try:
            answer = Dataset.from_json(response.json())
        except (ValueError, TypeError, KeyError, AttributeError):
            answer = Dataset()
        if not answer.get("FailedSOPSequence"):
            check_status(self._name, response.status_code)
        return answer

    def _check(self, reason: int) -> None:
        if reason & 0xFF00 == FailureReason.OUT_OF_RESOURCES:
            raise UnreachableError(f"{self._name}: has no room (failure reason {reason:04X}H)")
        if reason != FailureReason.DUPLICATE:
            raise RejectedError(f"{self._name}: does not store a result (failure reason {reason:04X}H)")
