"""DICOM X-rays of nobody, for the node's tests."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CR = "1.2.840.10008.5.1.4.1.1.1"
SIZE = 64
SECRET = "SECRET^NAME"
SECRET_ID = "ID-4711-SECRET"


def xray(seed: int = 0, **header: object) -> Dataset:
    """A frontal chest X-ray by its header, and by the tiny gate. header: other elements, or other values."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CR
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[f"node test {seed}"])
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=[f"study {seed // 2}"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[f"series {seed}"])
    dataset.PatientName = SECRET
    dataset.PatientID = SECRET_ID
    dataset.PatientBirthDate = "19500101"
    dataset.PatientSex = "F"
    dataset.StudyID = "1"
    dataset.StudyDate = "20261101"
    dataset.StudyTime = "101500"
    dataset.AccessionNumber = ""
    dataset.ReferringPhysicianName = ""
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.Modality = "CR"
    dataset.BodyPartExamined = "CHEST"
    dataset.ViewPosition = "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.Laterality = ""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = SIZE, SIZE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels(seed).tobytes()
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset


def pixels(seed: int) -> np.ndarray:
    """uint8[SIZE, SIZE], as bright on the left as on the right."""
    half = np.random.default_rng(seed).integers(20, 235, (SIZE, SIZE // 2), np.uint8)
    return np.hstack([half, half[:, ::-1]])


def saved(dataset: Dataset, folder: Path) -> Path:
    file = folder / f"{dataset.SOPInstanceUID}.dcm"
    dataset.save_as(file, enforce_file_format=True)
    return file
