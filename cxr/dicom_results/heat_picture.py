"""The heat map over the decoded picture, with what must be read beside it burnt in: a secondary capture."""

from datetime import datetime

import numpy as np
from highdicom.sc import SCImage
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from cxr.dicom_results.drawing import LEGEND, NOT_FOR_CLINICAL_USE, drawn, headline, standing
from cxr.dicom_results.equipment import equipment, stamped_with
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.said import Said
from cxr.dicom_results.uids import instance_uid, series_uid

KIND = "heat picture"
_FRONTAL = ("L", "F")


def heat_picture(header: Dataset, said: Said, options: ResultOptions, when: datetime, picture: np.ndarray) -> Dataset:
    """picture: the decoded source, uint8[h, w]. The text stands in bands above and below, so that it hides nothing."""
    pixels = drawn(said, picture, options.longest_side)
    made = SCImage(
        pixel_array=pixels,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=_FRONTAL,
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=series_uid(options.uid_root, header, said, KIND),
        series_number=options.series_number + 1,
        sop_instance_uid=instance_uid(options.uid_root, header, said, KIND),
        patient_id=header.PatientID,
        patient_name=header.PatientName,
        patient_birth_date=header.PatientBirthDate,
        patient_sex=header.PatientSex,
        accession_number=header.AccessionNumber,
        study_id=header.StudyID,
        study_date=header.StudyDate or None,
        study_time=header.StudyTime or None,
        referring_physician_name=header.ReferringPhysicianName,
        specific_character_set=header.SpecificCharacterSet,
        series_description=f"AI heat map - {NOT_FOR_CLINICAL_USE}",
        **equipment(header, said, options, when),
    )
    made.copy_patient_and_study_information(header)
    made.ConversionType = "WSD"
    made.PatientOrientation = header.get("PatientOrientation") or []
    made.ImageComments = f"{NOT_FOR_CLINICAL_USE}. {headline(said)}. {standing(said)}"
    made.DerivationDescription = f"Heat map of {said.model.name} {said.model.version}; {LEGEND}"
    made.SourceImageSequence = [_reference(header)]
    if header.get("BurnedInAnnotation") in ("YES", "NO"):  # about identities, which our text adds none of
        made.BurnedInAnnotation = header.BurnedInAnnotation
    return stamped_with(when, made)


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, "DCM", code.meaning
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
