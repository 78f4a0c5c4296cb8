"""How a picture was coded, and which device made it, by the first bytes of its file; nothing of a person."""

from collections.abc import Collection

from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

from cxr.imaging.bare_dicom import is_bare_dicom
from cxr.imaging.decode import SIGNATURES
from cxr.imaging.dicom_decoder import DICOM_FAULTS
from cxr.imaging.dicom_file import claimed_syntax
from cxr.imaging.heif_decoder import heif_kind
from cxr.imaging.limits import MeteredBytes

OTHER = "other"
DICOM = "DICOM"
FILES = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF", "AVIF")
# The last parts of a transfer syntax's UID, after 1.2.840.10008.1.2, to what it is (PS3.6, table A-1).
SYNTAXES = {
    "": "DICOM uncompressed",
    "1": "DICOM uncompressed",
    "2": "DICOM uncompressed",
    "1.99": "DICOM deflated",
    "5": "DICOM RLE",
    "4.50": "DICOM JPEG",
    "4.51": "DICOM JPEG",
    "4.57": "DICOM JPEG Lossless",
    "4.70": "DICOM JPEG Lossless",
    "4.80": "DICOM JPEG-LS",
    "4.81": "DICOM JPEG-LS",
    "4.90": "DICOM JPEG 2000",
    "4.91": "DICOM JPEG 2000",
    "4.201": "DICOM HTJ2K",
    "4.202": "DICOM HTJ2K",
    "4.203": "DICOM HTJ2K",
}
ROOT = "1.2.840.10008.1.2"
CODINGS = (*FILES, *dict.fromkeys(SYNTAXES.values()), "DICOM without syntax", OTHER)
HEADER_BYTES = 1 << 16  # of a DICOM file, in which what names its device is looked for
DEVICE = (Tag("Manufacturer"), Tag("ManufacturerModelName"))
MOST_READS = 2_000  # of a header, up to the device's name: real ones take some dozens


def coding_and_device(data: bytes, allowed: Collection[str] = ()) -> tuple[str, str | None]:
    """One of CODINGS; and manufacturer and model that a DICOM header gives, where `allowed` has the pair, OTHER for
    every other DICOM file, None for no DICOM.

    data: a picture's file that could be decoded. allowed: as `plain` writes them. Nothing else of the header leaves
    this function: a header may say anything there, a patient's name too.
    """
    kind = _kind(data)
    if kind != DICOM:
        return (kind if kind in FILES else OTHER), None
    start = data[:HEADER_BYTES]
    try:
        syntax = claimed_syntax(start)[0]
        return _coding(syntax), _device(start, syntax, allowed) if allowed else OTHER
    except DICOM_FAULTS:
        return OTHER, OTHER


def _coding(syntax: str) -> str:
    if not syntax:
        return "DICOM without syntax"
    return SYNTAXES.get(syntax.removeprefix(ROOT).lstrip("."), OTHER) if syntax.startswith(ROOT) else OTHER


def _device(start: bytes, syntax: str, allowed: Collection[str]) -> str:
    if syntax == DeflatedExplicitVRLittleEndian:
        return OTHER  # it would have to be inflated for one word
    file = MeteredBytes(start, reads=MOST_READS)
    header = read_partial(file, stop_when=_beyond_device, force=True, specific_tags=list(DEVICE))
    said = plain(f"{header.get('Manufacturer', '')} {header.get('ManufacturerModelName', '')}")
    return said if said in allowed else OTHER


def _beyond_device(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag > DEVICE[-1]


def plain(name: str) -> str:
    """A device's name in small letters with single spaces, so that two ways to write it are one."""
    return " ".join(name.split()).casefold()


def _kind(data: bytes) -> str:
    for kind, at, magic in SIGNATURES:
        if data[at : at + len(magic)] == magic:
            return kind
    return heif_kind(data) or (DICOM if is_bare_dicom(data) else OTHER)
