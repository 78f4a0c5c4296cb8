"""The first frame of a DICOM file, as it is stored: uncompressed, RLE, JPEG or JPEG 2000.

pydicom's own decoders are not used: they trust the sizes that a compressed frame claims, and they unpack RLE
byte by byte in Python.
"""

import struct
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom import uid

from cxr.common.errors import ImageError
from cxr.imaging.codestream import Codestream, read_codestream
from cxr.imaging.limits import MeteredBytes
from cxr.imaging.mending import decode_without_end, has_no_end
from cxr.imaging.native_codecs import decode_native
from cxr.imaging.pillow_decoder import check_scans
from cxr.imaging.wide_samples import wide_luma

NATIVE = (
    uid.DeflatedExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
)
PACKED = (
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.HTJ2K,
    uid.RLELossless,
)
SYNTAXES = frozenset({*NATIVE, *PACKED})

ITEM = 0xE000FFFE  # the tag of a fragment, (FFFE,E000), as one little-endian number
ITEM_MARK = b"\xfe\xff\x00\xe0"
SEQUENCE_END = 0xE0DDFFFE
MAX_FRAGMENTS = 10_000  # of one frame; writers make 1, rarely some dozens
RLE_HEADER = struct.Struct("<16L")
J2K_DEPTH_AT = 42  # Ssiz of the first component: its depth less 1, and whether it is signed


@dataclass(frozen=True, slots=True)
class Layout:
    """How the header says that the pixels are stored. space: the photometric interpretation."""

    rows: int
    columns: int
    samples: int
    space: str
    planar: bool
    frames: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    little_endian: bool
    syntax: str

    def __post_init__(self) -> None:
        if not 1 <= self.bits_stored <= self.high_bit + 1 <= self.bits_allocated:
            raise ValueError("bits allocated, bits stored and the high bit do not fit together")


@dataclass(frozen=True, slots=True)
class Frame:
    """values: uint8 or uint16 [h, w], bit patterns; `bits` of each above the lowest `shift` count, as `signed` says."""

    values: np.ndarray
    bits: int
    signed: bool
    shift: int = 0


def first_frame(layout: Layout, data: bytes, held: ExitStack) -> Frame:
    """Grey: the stored bit patterns. Colour: brightness, of 8 or 16 bits. Raises ImageError, or one of DICOM_FAULTS.

    The values may lie in memory that is lent until `held` is closed.
    """
    if layout.samples not in (1, 3) or layout.bits_allocated not in (8, 16):
        raise _unsupported(f"{layout.samples} samples of {layout.bits_allocated} bits a pixel")
    frame = _encapsulated(layout, data) if _is_packed(layout, data) else None
    stream = None if frame is None else read_codestream(frame)
    if frame is not None and stream is not None:
        _check_size(layout, stream)
    if layout.samples == 1:
        return _grey_frame(layout, data, frame, stream, held)
    return _colour_frame(layout, data, frame, stream, held)


def _is_packed(layout: Layout, data: bytes) -> bool:
    """By the transfer syntax; by the pixels themselves, where the file does not name one."""
    return layout.syntax in PACKED or (not layout.syntax and data[:4] == ITEM_MARK)


def _check_size(layout: Layout, stream: Codestream) -> None:
    """Before anything is decoded: else a small header could hide a huge frame."""
    if (stream.width, stream.height, stream.samples) != (layout.columns, layout.rows, layout.samples):
        raise ValueError("the compressed frame and the header do not agree about the size")


def _grey_frame(layout: Layout, data: bytes, frame: bytes | None, stream: Codestream | None, held: ExitStack) -> Frame:
    if layout.space not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"):
        raise _unsupported("an unusual kind of grey")
    if frame is None:
        values = _native(layout, data)[..., 0]
    elif stream is None:
        values = _rle_planes(layout, frame)[0]
    elif stream.coding == "jpeg_2000":
        return _jpeg_2000_frame(layout, frame)
    elif stream.coding == "jpeg":
        return Frame(_jpeg_brightness(layout, frame), 8, signed=False)
    elif stream.coding == "htj2k":
        return Frame(decode_native(frame, stream, held), stream.bits, stream.signed or layout.signed)
    else:
        values = decode_native(frame, stream, held)
    return Frame(values, layout.bits_stored, layout.signed, layout.high_bit + 1 - layout.bits_stored)


def _colour_frame(
    layout: Layout, data: bytes, frame: bytes | None, stream: Codestream | None, held: ExitStack
) -> Frame:
    if layout.bits_allocated == 8:
        return Frame(_brightness(layout, data, frame, stream, held), 8, signed=False)
    if layout.space != "RGB" or (frame is not None and (stream is None or stream.coding in ("jpeg", "jpeg_2000"))):
        raise _unsupported(f"3 samples of 16 bits of kind {layout.space}" if layout.space == "RGB" else "deep colour")
    colours = _native(layout, data) if frame is None or stream is None else decode_native(frame, stream, held)
    return Frame(wide_luma(colours), 16, signed=False)


def _brightness(
    layout: Layout, data: bytes, frame: bytes | None, stream: Codestream | None, held: ExitStack
) -> np.ndarray:
    """uint8[h, w] of a picture in colour: the Y of YBR, else luma."""
    if frame is not None and stream is not None:
        return _packed_brightness(layout, frame, stream, held)
    if layout.space == "YBR_FULL_422" and frame is None:
        return _native_422(layout, data)
    if layout.space not in ("RGB", "YBR_FULL"):
        raise _unsupported("a colour space other than RGB and YBR_FULL")
    planes = np.moveaxis(_native(layout, data), 2, 0) if frame is None else _rle_planes(layout, frame)
    return planes[0] if layout.space == "YBR_FULL" else _luma(planes)


def _packed_brightness(layout: Layout, frame: bytes, stream: Codestream, held: ExitStack) -> np.ndarray:
    if stream.coding == "jpeg":
        return _jpeg_brightness(layout, frame)
    if stream.coding == "jpeg_2000":
        colours = _open_frame(layout, frame, "JPEG2000")
        return np.asarray(colours.getchannel(0) if layout.space.startswith("YBR_FULL") else colours.convert("L"))
    if stream.bits != 8 or layout.space not in ("RGB", "YBR_RCT", "YBR_ICT"):
        raise _unsupported("an unusual kind of colour")
    return _luma(np.moveaxis(decode_native(frame, stream, held), 2, 0))


def _luma(planes: np.ndarray) -> np.ndarray:
    """uint8[3, h, w] red, green, blue to uint8[h, w]."""
    channels = [Image.fromarray(np.ascontiguousarray(plane)) for plane in planes]
    return np.asarray(Image.merge("RGB", channels).convert("L"))


def _native(layout: Layout, data: bytes) -> np.ndarray:
    """Uncompressed pixels as unsigned [h, w, samples], a view of `data`."""
    word = np.dtype("<u2" if layout.little_endian else ">u2")
    kind = np.dtype("u1") if layout.bits_allocated == 8 else word
    shape = (layout.rows, layout.columns, layout.samples)
    count = layout.rows * layout.columns * layout.samples
    missing = count * kind.itemsize - len(data)
    if 0 < missing < layout.columns * kind.itemsize:  # some writers drop the last values; a whole row is damage
        data = data + bytes(missing)
    flat = np.frombuffer(data, kind, count=count)
    if layout.samples > 1 and layout.planar:
        return np.moveaxis(flat.reshape(layout.samples, layout.rows, layout.columns), 0, 2)
    return flat.reshape(shape)


def _native_422(layout: Layout, data: bytes) -> np.ndarray:
    """The Y of Y Y Cb Cr, pair of pixels after pair of pixels."""
    if layout.columns % 2:
        raise ValueError("an odd number of columns has no pairs")
    quads = np.frombuffer(data, np.uint8, count=layout.rows * layout.columns * 2)
    return quads.reshape(-1, 4)[:, :2].reshape(layout.rows, layout.columns)


def _rle_planes(layout: Layout, data: bytes) -> np.ndarray:
    """RLE (PS3.5 annex G) as uint8[samples, h, w] or uint16[1, h, w].

    Pillow unpacks each byte plane as one long row of known length, so a small file cannot grow beyond it.
    """
    width = layout.bits_allocated // 8
    count, *starts = RLE_HEADER.unpack_from(data)
    if count != layout.samples * width:
        raise ValueError(f"{count} RLE segments for {layout.samples} samples of {width} bytes")
    ends = [*starts[1:count], len(data)]
    length = layout.rows * layout.columns
    planes = [_unpack_bits(data[start:end], length) for start, end in zip(starts[:count], ends, strict=True)]
    if width == 1:
        return np.stack(planes).reshape(-1, layout.rows, layout.columns)
    return (planes[0].astype(np.uint16) << 8 | planes[1]).reshape(1, layout.rows, layout.columns)


def _unpack_bits(packed: bytes, length: int) -> np.ndarray:
    return np.asarray(Image.frombytes("L", (length, 1), packed, "packbits", "L"))[0]


def _jpeg_brightness(layout: Layout, data: bytes) -> np.ndarray:
    """uint8[h, w] of a JPEG frame."""
    image = _open_frame(layout, data, "JPEG")
    if layout.samples == 3 and layout.space == "RGB" and "adobe_transform" not in image.info:
        image.draft("YCbCr", None)  # unmarked RGB, which Pillow takes for YCbCr: ask for no conversion
        return _luma(np.moveaxis(np.asarray(image), 2, 0))
    image.draft("L", None)
    if not has_no_end(data):
        return np.asarray(image.convert("L"))
    picture = decode_without_end(data, lambda ended: _jpeg_brightness(layout, ended))
    if picture is None:
        raise ValueError("the compressed frame breaks off")
    return picture


def _jpeg_2000_frame(layout: Layout, data: bytes) -> Frame:
    """Pillow widens the values to 8 or 16 bits and moves signed ones up by half their range: both are undone."""
    depth = data[J2K_DEPTH_AT]
    bits = (depth & 0x7F) + 1
    signed = depth > 0x7F
    values = np.asarray(_open_frame(layout, data, "JPEG2000"))
    if values.ndim != 2 or values.dtype.itemsize > 2 or bits > values.dtype.itemsize * 8:
        raise _unsupported(f"grey JPEG 2000 of {bits} bits")
    patterns = values >> (values.dtype.itemsize * 8 - bits)
    # Some writers put two's complement into an unsigned codestream: then the header knows the sign.
    return Frame(patterns ^ (1 << (bits - 1)) if signed else patterns, bits, signed or layout.signed)


def _open_frame(layout: Layout, data: bytes, kind: str) -> Image.Image:
    """The frame's own picture, unread, once its size is the header's: else a small header could hide a huge one."""
    image = Image.open(MeteredBytes(data), formats=[kind])
    if image.size != (layout.columns, layout.rows):
        raise ValueError("the compressed frame and the header do not agree about the size")
    if kind == "JPEG":
        check_scans(data, *image.size)
    return image


def _encapsulated(layout: Layout, data: bytes) -> bytes:
    """The fragments of the first frame, joined (PS3.5 annex A.4)."""
    offsets, start = _item(data, 0)
    end = len(data)
    if layout.frames > 1:  # up to the second frame's offset; without a table each frame is one fragment
        end = start + struct.unpack_from("<L", offsets, 4)[0] if len(offsets) >= 8 else start + 1
    fragments: list[bytes] = []
    while start < end and not _is_end(data, start):
        fragment, start = _item(data, start)
        fragments.append(fragment)
        if len(fragments) > MAX_FRAGMENTS:
            raise ValueError("more fragments than any writer makes")
    return b"".join(fragments)


def _item(data: bytes, start: int) -> tuple[bytes, int]:
    """The content of the item at `start`, and where the next one starts."""
    tag, length = struct.unpack_from("<LL", data, start)
    content = start + 8
    if tag != ITEM or content + length > len(data):
        raise ValueError("a fragment of the compressed pixels is damaged or cut off")
    return data[content : content + length], content + length


def _is_end(data: bytes, start: int) -> bool:
    return bool(struct.unpack_from("<L", data, start)[0] == SEQUENCE_END)


def _unsupported(what_came: str) -> ImageError:
    return ImageError(
        "unsupported", f"the DICOM file has {what_came}, which is not read; export it as 8 to 16-bit grey"
    )
