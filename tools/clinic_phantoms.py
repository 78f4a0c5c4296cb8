"""Synthetic radiographs as DICOM, as an X-ray machine sends them: for `make clinic` and for tests."""

import datetime
import io

import numpy as np
from pydicom import Dataset, FileMetaDataset, dcmread, dcmwrite
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from cxr.sources.synthetic.radiograph import radiograph

MANUFACTURER = "covid-cxr phantoms"
IMPLEMENTATION = generate_uid(entropy_srcs=[MANUFACTURER])
BITS = 12


def phantom(number: int, *, covid: bool, image_size: int = 512, seed: int = 14) -> Dataset:
    """A CR image of a person who never was: 12 bits, MONOCHROME2, with a window. The same arguments, the same UIDs.

    number: of the patient, from 1 on. image_size: pixels, from 32 on.
    """
    grey = radiograph(seed, number, 0, image_size=image_size, covid=covid).astype(np.uint16)
    picture = Dataset()
    picture.file_meta = FileMetaDataset()
    picture.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    picture.file_meta.ImplementationClassUID = IMPLEMENTATION
    name = f"{seed}-{number}-{image_size}-{covid}"
    _describe_person(picture, number)
    _describe_study(picture, name, number)
    _describe_image(picture, name)
    _add_pixels(picture, grey << (BITS - 8))
    picture.file_meta.MediaStorageSOPClassUID = picture.SOPClassUID
    picture.file_meta.MediaStorageSOPInstanceUID = picture.SOPInstanceUID
    return dcmread(io.BytesIO(file_of(picture)))  # as an archive reads it, with all that a file has


def file_of(picture: Dataset) -> bytes:
    """The data set as a file with preamble and meta group."""
    buffer = io.BytesIO()
    dcmwrite(buffer, picture, enforce_file_format=True)
    return buffer.getvalue()


def _describe_person(picture: Dataset, number: int) -> None:
    picture.PatientName = f"Phantom^{number}"
    picture.PatientID = f"PHANTOM-{number}"
    picture.PatientBirthDate = ""
    picture.PatientSex = "O"


def _describe_study(picture: Dataset, name: str, number: int) -> None:
    now = datetime.datetime.now()
    picture.StudyInstanceUID = generate_uid(entropy_srcs=[name, "study"])
    picture.SeriesInstanceUID = generate_uid(entropy_srcs=[name, "series"])
    picture.StudyDate = now.strftime("%Y%m%d")
    picture.StudyTime = now.strftime("%H%M%S")
    picture.StudyID = str(number)
    picture.AccessionNumber = f"A{number:05d}"
    picture.ReferringPhysicianName = ""
    picture.StudyDescription = "Synthetic chest X-ray, no person"
    picture.SeriesNumber = 1
    picture.SeriesDescription = "Chest PA"


def _describe_image(picture: Dataset, name: str) -> None:
    picture.SOPClassUID = ComputedRadiographyImageStorage
    picture.SOPInstanceUID = generate_uid(entropy_srcs=[name, "image"])
    picture.Modality = "CR"
    picture.Manufacturer = MANUFACTURER
    picture.BodyPartExamined = "CHEST"
    picture.ViewPosition = "PA"
    picture.InstanceNumber = 1
    picture.PatientOrientation = ["L", "F"]
    picture.ImageType = ["ORIGINAL", "PRIMARY"]


def _add_pixels(picture: Dataset, values: np.ndarray) -> None:
    picture.Rows, picture.Columns = values.shape
    picture.SamplesPerPixel = 1
    picture.PhotometricInterpretation = "MONOCHROME2"
    picture.BitsAllocated = 16
    picture.BitsStored = BITS
    picture.HighBit = BITS - 1
    picture.PixelRepresentation = 0
    picture.WindowCenter = 1 << (BITS - 1)
    picture.WindowWidth = 1 << BITS
    picture.PixelSpacing = [0.8, 0.8]
    picture.PixelData = values.astype("<u2").tobytes()
