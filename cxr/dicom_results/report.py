"""The answer as a DICOM structured report: TID 1500, as the profile IHE AI Results asks for."""

from datetime import datetime

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.codedict import codes
from pydicom.uid import ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation

from cxr.dicom_results import codes as said_as
from cxr.dicom_results.drawing import NOT_FOR_CLINICAL_USE
from cxr.dicom_results.equipment import equipment, stamped_with
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.said import STAMP, Said
from cxr.dicom_results.uids import instance_uid, series_uid, uid

KIND = "report"
LISTED = (ComputedRadiographyImageStorage, DigitalXRayImageStorageForPresentation)
MAY_BE_USED = "NOT FOR CLINICAL USE. Made by a research program that is no medical device; decide nothing by it."


def report(header: Dataset, said: Said, options: ResultOptions, when: datetime) -> Dataset:
    """header: of the source image, from `source_header`. when: the time of the answer."""
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid(options.uid_root, "tracking", said.model.name, header.SOPInstanceUID), said.model.name
        ),
        finding_type=said_as.FINDINGS[said.state],
        algorithm_id=_algorithm(said, options),
        finding_sites=None if said.reason else [FindingSite(said_as.LUNG)],
        measurements=_measurements(said),
        qualitative_evaluations=[QualitativeEvaluation(*one) for one in said_as.evaluations(said)],
        source_images=[SourceImageForMeasurementGroup(header.SOPClassUID, header.SOPInstanceUID)],
    )
    group[0].ContentSequence.extend(_texts(said))
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_device(said, options)),
        procedure_reported=said_as.PLAIN_CHEST_XRAY,
        imaging_measurements=[group],
        title=said_as.TITLE,
        referenced_images=[header] if _can_be_listed(header) else None,
    )
    return stamped_with(
        when,
        Comprehensive3DSR(
            evidence=[header],
            content=content[0],
            series_instance_uid=series_uid(options.uid_root, header, said, KIND),
            series_number=options.series_number,
            sop_instance_uid=instance_uid(options.uid_root, header, said, KIND),
            is_complete=True,
            coding_schemes=[said_as.scheme()],
            series_description=f"AI result - {NOT_FOR_CLINICAL_USE}",
            **equipment(header, said, options, when),
        ),
    )


def _algorithm(said: Said, options: ResultOptions) -> AlgorithmIdentification:
    facts = {"backbone": said.model.backbone, "digest": said.model.digest, "threshold": repr(said.threshold)}
    if said.commissioned is not None:
        facts["profile"] = said.commissioned.profile
    return AlgorithmIdentification(
        said.model.name,
        said.model.version,
        parameters=[f"{name}={value}" for name, value in facts.items() if value],
        manufacturer=options.manufacturer,
    )


def _device(said: Said, options: ResultOptions) -> ObserverContext:
    return ObserverContext(
        codes.DCM.Device,
        DeviceObserverIdentifyingAttributes(
            uid(options.uid_root, "device", options.manufacturer, options.device_name, options.device_serial),
            name=options.device_name,
            manufacturer_name=options.manufacturer,
            model_name=f"{said.model.name} {said.model.version}",
            serial_number=options.device_serial,
        ),
    )


def _measurements(said: Said) -> list[Measurement] | None:
    """None where the picture was refused: no probability was computed."""
    values = [(said_as.P_COVID, said.p_covid), (said_as.FAMILIARITY, said.familiarity)]
    if said.p_covid is not None:
        values.insert(1, (said_as.THRESHOLD, said.threshold))
    return [Measurement(name, value, codes.UCUM.NoUnits) for name, value in values if value is not None] or None


def _texts(said: Said) -> list[TextContentItem]:
    lines = [(said_as.USE, MAY_BE_USED)]
    if said.commissioned is not None:
        lines.append((said_as.SITE, said.commissioned.site))
    for warning in said.warnings:
        name = said_as.STAMP if warning.code == STAMP else said_as.WARNING
        lines.append((name, f"{warning.code}: {warning.message}"))
    if said.reason:
        lines.append((said_as.REASON, f"{said.reason.code}: {said.reason.message}"))
    return [_text(name, line) for name, line in lines]


def _text(name: CodedConcept, line: str) -> TextContentItem:
    return TextContentItem(name, line, RelationshipTypeValues.CONTAINS)


def _can_be_listed(header: Dataset) -> bool:
    """Whether the image has what an entry of the image library must say of it (TID 1603)."""
    orientation, spacing = header.get("PatientOrientation"), header.get("ImagerPixelSpacing")
    whole = all(isinstance(pair, MultiValue) and len(pair) == 2 for pair in (orientation, spacing))
    whole = whole and all(orientation) and all(isinstance(mm, float) and mm > 0 for mm in spacing)
    return whole and header.SOPClassUID in LISTED and all(map(header.get, ("Modality", "Rows", "Columns")))
