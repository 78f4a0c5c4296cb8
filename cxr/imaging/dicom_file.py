"""From the bytes of a DICOM file to its header: with or without a preamble, deflated or not, Enhanced or not.

Only the elements in NEEDED are kept: a patient's name is stepped over, never parsed, kept or logged.
"""

import zlib

from pydicom.dataset import Dataset
from pydicom.filereader import dcmread, read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian, UID_dictionary

from cxr.common.errors import ImageError
from cxr.imaging.dicom_frame import SYNTAXES
from cxr.imaging.limits import MAX_DICOM_READS, MeteredBytes

MARK = b"DICM"
MARK_END = 132  # 128 free bytes, then "DICM"
PIXEL_DATA = Tag("PixelData")
NEEDED = [
    Tag(keyword)
    for keyword in (
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "NumberOfFrames",
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelPaddingValue",
        "PixelPaddingRangeLimit",
        "WindowCenter",
        "WindowWidth",
        "VOILUTFunction",
        "RescaleIntercept",
        "RescaleSlope",
        "ModalityLUTSequence",
        "VOILUTSequence",
        "PresentationLUTShape",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "RedPaletteColorLookupTableDescriptor",
        "GreenPaletteColorLookupTableDescriptor",
        "BluePaletteColorLookupTableDescriptor",
        "RedPaletteColorLookupTableData",
        "GreenPaletteColorLookupTableData",
        "BluePaletteColorLookupTableData",
        "PixelData",
    )
]
MAX_ELEMENT_BYTES = 1 << 19  # of any needed element but the pixels; the largest look-up table has 2 ** 17
# Of a deflated file: three bytes a pixel of the largest picture, and this much header.
MAX_INFLATED_HEADER = 1 << 22
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
# What an Enhanced object keeps for each frame or all of them: the macro, and its elements that are needed.
FUNCTIONAL_GROUPS = {
    "FrameVOILUTSequence": ("WindowCenter", "WindowWidth", "VOILUTFunction"),
    "PixelValueTransformationSequence": ("RescaleIntercept", "RescaleSlope"),
}


def read_header(data: bytes, max_pixels: int) -> Dataset:
    """The elements in NEEDED. Raises ImageError, or one of cxr.imaging.dicom_decoder.DICOM_FAULTS."""
    syntax, start = claimed_syntax(data)
    _check_syntax(syntax)
    if syntax == DeflatedExplicitVRLittleEndian:
        data = _inflated(data[start:], 3 * max_pixels + MAX_INFLATED_HEADER)
    header = _read(data)
    for tag in (tag for tag in NEEDED if tag in header and tag != PIXEL_DATA):
        value = header.get_item(tag).value  # as bytes: not made into numbers yet
        if isinstance(value, bytes) and len(value) > MAX_ELEMENT_BYTES:
            raise ValueError("an element of the header is far too long")
    if "Rows" not in header or "Columns" not in header:
        raise ImageError("unsupported", "the DICOM file holds no picture; send the radiograph itself")
    _lift_functional_groups(header)
    return header


def _read(data: bytes) -> Dataset:
    """With an end mark, where the compressed pixels lack theirs: whether they are whole is seen when they are read."""
    header = dcmread(MeteredBytes(data, reads=MAX_DICOM_READS), specific_tags=NEEDED, force=True)
    if not header:  # which is how pydicom says so
        return dcmread(MeteredBytes(data + SEQUENCE_END, reads=MAX_DICOM_READS), specific_tags=NEEDED, force=True)
    return header


def claimed_syntax(data: bytes) -> tuple[str, int]:
    """The transfer syntax in the file's meta group, and where that ends; read by itself, since what follows may be
    deflated to any size. ("", start) where there is no meta group.

    An element of unknown kind raises NotImplementedError, since dcmread would go on to read the group another way.
    """

    def after_meta(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        return tag.group != 2

    start = MARK_END if data[MARK_END - len(MARK) : MARK_END] == MARK else 0
    if data[start : start + 2] != b"\2\0":
        return "", start
    file = MeteredBytes(data)
    file.seek(start)
    meta = read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=after_meta)
    said = {element.keyword: element.value for element in list(meta)}
    length = said.get("FileMetaInformationGroupLength")
    return str(said.get("TransferSyntaxUID", "")), start + 12 + length if isinstance(length, int) else file.tell()


def _check_syntax(uid: str) -> None:
    if uid and uid not in SYNTAXES:  # pydicom guesses where there is none
        name = UID_dictionary[uid][0] if uid in UID_dictionary else "a private or unknown one"
        raise ImageError(
            "unsupported",
            f"the DICOM file's transfer syntax is {name}, which is not read; export it uncompressed or as JPEG 2000",
        )


def _inflated(data: bytes, most: int) -> bytes:
    """A deflated data set. Raises ValueError where it is damaged, ImageError where it is of more than `most` bytes."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        result = inflater.decompress(data, most)
    except zlib.error:
        raise ValueError("the deflated data set is damaged") from None
    if inflater.unconsumed_tail and not inflater.eof:
        raise ImageError(
            "too_many_pixels", f"the deflated DICOM file unpacks to more than {most} bytes; export it uncompressed"
        )
    if not inflater.eof:
        raise ValueError("the deflated data set breaks off")
    return result


def _lift_functional_groups(header: Dataset) -> None:
    """Put what an Enhanced object says of its first frame, else of all frames, where other objects have it."""
    for keyword in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        groups = header.get(keyword) or [Dataset()]
        for macro, elements in FUNCTIONAL_GROUPS.items():
            for item in (groups[0].get(macro) or [])[:1]:
                for name in elements:
                    if name in item and name not in header:
                        header[name] = item[name]
