"""The heat map over the decoded picture, with what must be read beside it burnt in: a secondary capture."""

from datetime import datetime

import numpy as np
from highdicom.sc import SCImage
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from cxr.dicom_results.codes import NOT_FOR_CLINICAL_USE
from cxr.dicom_results.equipment import equipment, stamped_with
from cxr.dicom_results.heat_map import heat_pixels
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.said import Said
from cxr.dicom_results.uids import instance_uid, series_uid

KIND = "heat picture"
LEGEND = "orange: speaks for COVID, blue: against"
_YELLOW = (255, 221, 0)
_LINE = 1 / 28  # height of a line of text, of the picture's longer side
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
    made.ImageComments = f"{NOT_FOR_CLINICAL_USE}. {headline(said)}"
    made.DerivationDescription = f"Heat map of {said.model.name} {said.model.version}; {LEGEND}"
    made.SourceImageSequence = [_reference(header)]
    if header.get("BurnedInAnnotation") in ("YES", "NO"):  # about identities, which our text adds none of
        made.BurnedInAnnotation = header.BurnedInAnnotation
    return stamped_with(when, made)


def headline(said: Said) -> str:
    """State, percentage and threshold; what must never stand alone, such as the stamp, follows it."""
    stamp = "; model stamped: shortcut" if said.stamped else ""
    return f"{said.state} {said.percentage:.1f} % (threshold {100 * said.threshold:.1f} %){stamp}"


def drawn(said: Said, picture: np.ndarray, longest_side: int) -> np.ndarray:
    """uint8[h, w] to uint8[h', w', 3] with the heat map over it and text above and below."""
    grey = Image.fromarray(picture)
    grey.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    heat = Image.fromarray(heat_pixels(said.heatmap)).resize(grey.size, Image.Resampling.BICUBIC)
    shown = Image.alpha_composite(grey.convert("RGBA"), heat).convert("RGB")
    above = [f"{NOT_FOR_CLINICAL_USE} - AI result, not reviewed"]
    below = [headline(said), f"{said.model.name} {said.model.version}; {LEGEND}"]
    below += [warning.code.replace("_", " ") for warning in said.warnings]
    top, bottom = _band(above, shown.width, longest_side), _band(below, shown.width, longest_side)
    whole = Image.new("RGB", (shown.width, top.height + shown.height + bottom.height))
    for part, y in ((top, 0), (shown, top.height), (bottom, top.height + shown.height)):
        whole.paste(part, (0, y))
    return np.asarray(whole)


def _band(lines: list[str], width: int, longest_side: int) -> Image.Image:
    """Lines of yellow text on black, each as large as fits into `width`."""
    height = max(12, round(longest_side * _LINE))
    band = Image.new("RGB", (width, height * len(lines)))
    draw = ImageDraw.Draw(band)
    for i, line in enumerate(lines):
        size = 0.75 * height
        length = draw.textlength(line, ImageFont.load_default(size))
        fitting = size * min(1, 0.96 * (width - 4) / length)
        draw.text((2, height * i), line, _YELLOW, ImageFont.load_default(max(4, fitting)))
    return band


def _reference(header: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, "DCM", code.meaning
    item.PurposeOfReferenceCodeSequence = [purpose]
    return item
