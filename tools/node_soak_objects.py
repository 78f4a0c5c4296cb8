"""Phantoms as DICOM objects, for `tools/node_soak.py`."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from cxr.sources.synthetic.radiograph import radiograph

COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1"
DIFFERENT = 16  # phantoms that are drawn; each object is one of them with a value of its own


def write_objects(folder: Path, count: int, image_size: int) -> list[Path]:
    """Each under its UID; no two have the same pixels."""
    drawn = [radiograph(0, number, 0, image_size=image_size, covid=bool(number % 2)) for number in range(DIFFERENT)]
    files = []
    for number in range(count):
        dataset = phantom_object(drawn[number % DIFFERENT], number)
        files.append(folder / f"{dataset.SOPInstanceUID}.dcm")
        dataset.save_as(files[-1], enforce_file_format=True)
    return files


def phantom_object(picture: np.ndarray, number: int) -> Dataset:
    """picture: uint8[h, w]."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = COMPUTED_RADIOGRAPHY
    for kind, each in (("SOPInstanceUID", 1), ("SeriesInstanceUID", 1), ("StudyInstanceUID", 2)):
        setattr(dataset, kind, generate_uid(entropy_srcs=[kind, str(number // each)]))
    dataset.PatientName, dataset.PatientID = f"PHANTOM^{number // 2}", f"PHANTOM-{number // 2}"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate, dataset.StudyTime = "20260101", "120000"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "CR", "CHEST", "PA"
    dataset.PatientOrientation, dataset.Laterality = ["L", "F"], ""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = picture.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    pixels = picture.copy()
    pixels.flat[:4] = np.frombuffer(number.to_bytes(4), np.uint8)
    dataset.PixelData = pixels.tobytes()
    return dataset
