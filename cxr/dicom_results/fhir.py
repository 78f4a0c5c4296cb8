"""The answer as an HL7 FHIR R4 DiagnosticReport, as JSON. It names the study by its UID and no person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset

from cxr.dicom_results import codes
from cxr.dicom_results.drawing import NOT_FOR_CLINICAL_USE, headline, standing
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.report import KIND, MAY_BE_USED
from cxr.dicom_results.said import Said, said_of
from cxr.dicom_results.source_header import source_header
from cxr.dicom_results.uids import instance_uid, uid
from cxr.inference.answer import Answer

Json = dict[str, Any]
_SYSTEMS = {"SCT": "http://snomed.info/sct"}
_URI = "urn:ietf:rfc:3986"
_UCUM = "http://unitsofmeasure.org"
_STATUS = "preliminary"  # nobody has looked at it


def fhir_report(
    source: Dataset,
    answer: Answer | Mapping[str, Any],
    options: ResultOptions | None = None,
    *,
    model: Mapping[str, Any] | None = None,
    when: datetime | None = None,
) -> Json | None:
    """The report with its observations contained; None for a refused picture, unless `options` ask for refusals.

    Arguments and errors are those of `make_results`. Its identifier is the UID of the structured report.
    """
    chosen = options or ResultOptions()
    said = said_of(answer, model)
    if said.reason is not None and not chosen.refusals:
        return None
    header = source_header(source)
    scheme = _Scheme(chosen)
    at = (when or datetime.now()).astimezone().isoformat(timespec="milliseconds")
    study = {"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": _urn(header.StudyInstanceUID)}}
    observations = _observations(said, scheme, study, at)
    return {
        "resourceType": "DiagnosticReport",
        "contained": [_device(said, chosen), *observations],
        "identifier": [{"system": _URI, "value": _urn(instance_uid(chosen.uid_root, header, said, KIND))}],
        "status": _STATUS,
        "category": [_concept("http://terminology.hl7.org/CodeSystem/v2-0074", "RAD", "Radiology")],
        "code": {**scheme.concept(codes.PLAIN_CHEST_XRAY), "text": f"AI result - {NOT_FOR_CLINICAL_USE}"},
        "issued": at,
        "imagingStudy": [study],
        "result": [{"reference": f"#{observation['id']}"} for observation in observations],
        "conclusion": " ".join(
            [MAY_BE_USED, f"{_sentence(said)}. {standing(said)}.", *(w.message for w in said.warnings)]
        ),
        "conclusionCode": [scheme.concept(codes.FINDINGS[said.state])],
    }


class _Scheme:
    """Coded concepts of DICOM as FHIR writes them; this project's own scheme is named under the site's root."""

    def __init__(self, options: ResultOptions):
        self._systems = {**_SYSTEMS, codes.SCHEME: _urn(uid(options.uid_root, "codes"))}

    def concept(self, code: Any) -> Json:
        return _concept(self._systems[code.scheme_designator], code.value, code.meaning)


def _observations(said: Said, scheme: _Scheme, study: Json, at: str) -> list[Json]:
    """The answer and what else is said in codes, then the site, then each number."""
    notes = [f"{warning.code}: {warning.message}" for warning in said.warnings]
    if said.reason is not None:
        notes.append(f"{said.reason.code}: {said.reason.message}")
    common: Json = {"resourceType": "Observation", "status": _STATUS, "effectiveDateTime": at}
    common |= {"device": {"reference": "#device"}, "derivedFrom": [study]}
    values: list[tuple[CodedConcept, Json]] = [
        (name, {"valueCodeableConcept": scheme.concept(value)}) for name, value in codes.evaluations(said)
    ]
    if notes:
        values[0][1]["note"] = [{"text": note} for note in notes]
    if said.commissioned is not None:
        values.append((codes.SITE, {"valueString": said.commissioned.site}))
    numbers = [(codes.P_COVID, said.p_covid), (codes.FAMILIARITY, said.familiarity)]
    if said.p_covid is not None:
        numbers.insert(1, (codes.THRESHOLD, said.threshold))
    values += [(code, {"valueQuantity": _quantity(number)}) for code, number in numbers if number is not None]
    return [
        {**common, "id": code.value.replace("_", "-"), "code": scheme.concept(code), **value} for code, value in values
    ]


def _quantity(value: float) -> Json:
    return {"value": value, "unit": "1", "system": _UCUM, "code": "1"}


def _device(said: Said, options: ResultOptions) -> Json:
    versions = [("model", said.model.version), ("digest", said.model.digest), ("backbone", said.model.backbone)]
    if said.commissioned is not None:
        versions.append(("site profile", said.commissioned.profile))
    return {
        "resourceType": "Device",
        "id": "device",
        "manufacturer": options.manufacturer,
        "serialNumber": options.device_serial,
        "deviceName": [{"name": said.model.name, "type": "model-name"}],
        "version": [{"type": {"text": name}, "value": value} for name, value in versions if value],
    }


def _sentence(said: Said) -> str:
    return f"Refused: {said.reason.message.rstrip('.')}" if said.reason is not None else headline(said)


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def _urn(value: str) -> str:
    return f"urn:oid:{value}"
