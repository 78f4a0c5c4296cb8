"""A DICOMDIR, the list of files on a patient's CD: which images it names, none of them outside its own folder."""

from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from cxr.cli.faults import UnreadableError
from cxr.imaging.dicom_decoder import DICOM_FAULTS

MOST_BYTES = 64 << 20  # a record has some 500 bytes
IMAGE = "IMAGE"
_OUTSIDE = UnreadableError("outside", "the DICOMDIR names a file outside its own folder; name the files themselves")
_MISSING = UnreadableError("missing", "the DICOMDIR names a file that is not there; copy the whole medium")


@dataclass(frozen=True)
class Image:
    """path: of the file. fault: why it is not read, or None."""

    path: Path
    fault: UnreadableError | None


def images(path: Path) -> list[Image]:
    """The images that a DICOMDIR lists, in its order. Raises UnreadableError where it is damaged or lists none."""
    root = path.parent
    found = [_image(root, file_id) for file_id in map(_file_id, _records(path)) if file_id]
    if not found:
        raise UnreadableError("empty", "the DICOMDIR lists no image; name the folder that it stands in")
    return found


def _records(path: Path) -> list[Dataset]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableError("too_large", f"the DICOMDIR has more than {MOST_BYTES} bytes; name the folder")
        listed = dcmread(path, specific_tags=[Tag("DirectoryRecordSequence")])
        return [item for item in listed.DirectoryRecordSequence if item.get("DirectoryRecordType") == IMAGE]
    except (InvalidDicomError, *DICOM_FAULTS):
        raise UnreadableError("corrupt", "the DICOMDIR cannot be read; name the folder that it stands in") from None


def _file_id(record: Dataset) -> list[str]:
    """The folders and the name, such as ["DICOM", "PA0", "IM1"]; [] for an image that is no longer in use."""
    try:
        value = record.get("ReferencedFileID")
    except DICOM_FAULTS:
        return []
    parts = value if isinstance(value, MultiValue) else [value]
    return [str(part) for part in parts if part]


def _image(root: Path, file_id: list[str]) -> Image:
    path = root.joinpath(*file_id) if all(map(_is_plain, file_id)) else None
    if path is None:
        return Image(root / "_".join(file_id).replace("/", "_").replace("\\", "_"), _OUTSIDE)
    for candidate in (path, root.joinpath(*(part.lower() for part in file_id))):  # Linux shows some CDs in lower case
        try:
            if not candidate.resolve().is_relative_to(root.resolve()):
                return Image(path, _OUTSIDE)
            if candidate.is_file():
                return Image(candidate, None)
        except (OSError, RuntimeError):  # a name that no disk can have; links in a circle
            return Image(path, _MISSING)
    return Image(path, _MISSING)


def _is_plain(part: str) -> bool:
    return part not in (".", "..") and not any(mark in part for mark in "/\\:\0")
