"""Destination `fhir`: the answer as an HL7 FHIR DiagnosticReport, posted to a web address."""

import json
from collections.abc import Sequence
from typing import Literal

import requests
from pydantic.dataclasses import dataclass

from cxr.common.config import STRICT
from cxr.node.parts import DestinationSettings, Surroundings, register
from cxr.node.web_address import WebAddress, check_status, unreachable

MEDIA_TYPE = "application/fhir+json"


@register
@dataclass(frozen=True, config=STRICT)
class FhirDestination(DestinationSettings):
    """address: of a FHIR server's DiagnosticReport, or of anything else that takes a POST."""

    kind: Literal["fhir"]
    address: WebAddress

    def open(self, name: str, around: Surroundings) -> "FhirReceiver":
        return FhirReceiver(name, self.address)


class FhirReceiver:
    """One receiver of reports. It takes no DICOM."""

    def __init__(self, name: str, address: WebAddress):
        self._name = name
        self._address = address
        self._session = address.open_session()

    def send_reports(self, reports: Sequence[bytes]) -> None:
        """Each in a request of its own, which a FHIR server answers once however often it comes.

        Raises UnreachableError or RejectedError.
        """
        for report in reports:
            identifier = json.loads(report)["identifier"][0]
            headers = {
                "Content-Type": MEDIA_TYPE,
                "If-None-Exist": f"identifier={identifier['system']}|{identifier['value']}",
            }
            try:
                answer = self._session.post(
                    self._address.url, data=report, headers=headers, timeout=self._address.timeout_s
                )
            except requests.RequestException as fault:
                raise unreachable(self._name, fault) from None
            check_status(self._name, answer.status_code)

    def close(self) -> None:
        self._session.close()
