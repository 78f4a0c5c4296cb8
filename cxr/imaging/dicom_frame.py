"""The first frame of a DICOM file, as it is stored: uncompressed, RLE, JPEG or JPEG 2000.

pydicom's own decoders are not used: they trust the sizes that a compressed frame claims, and they unpack RLE
byte by byte in Python.
"""

import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom import uid

from cxr.common.errors import ImageError
from cxr.imaging.limits import MeteredBytes
from cxr.imaging.pillow_decoder import check_scans
from cxr.imaging.wide_samples import wide_luma

NATIVE = (
    uid.DeflatedExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
)
JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit)
JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000)
SYNTAXES = frozenset({*NATIVE, uid.RLELossless, *JPEG, *JPEG_2000})

ITEM = 0xE000FFFE  # the tag of a fragment, (FFFE,E000), as one little-endian number
ITEM_MARK = b"\xfe\xff\x00\xe0"
SEQUENCE_END = 0xE0DDFFFE
MAX_FRAGMENTS = 10_000  # of one frame; writers make 1, rarely some dozens
RLE_HEADER = struct.Struct("<16L")
J2K_START = b"\xff\x4f\xff\x51"
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


def first_frame(layout: Layout, data: bytes) -> Frame:
    """Grey: the stored bit patterns. Colour: brightness, 8 bits. Raises ImageError, or one of DICOM_FAULTS."""
    if layout.samples == 1 and layout.bits_allocated in (8, 16):
        return _grey_frame(layout, data)
    if layout.samples == 3 and layout.bits_allocated == 16 and layout.space == "RGB" and not _is_packed(layout, data):
        return Frame(wide_luma(_native(layout, data)), 16, signed=False)
    if layout.samples == 3 and layout.bits_allocated == 8:
        return Frame(_brightness(layout, data), 8, signed=False)
    raise _unsupported(f"{layout.samples} samples of {layout.bits_allocated} bits a pixel")


def _grey_frame(layout: Layout, data: bytes) -> Frame:
    if layout.space not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"):
        raise _unsupported("an unusual kind of grey")
    if layout.syntax in JPEG_2000:
        return _jpeg_2000_frame(layout, _encapsulated(layout, data))
    if layout.syntax in JPEG:
        return Frame(_jpeg_brightness(layout, _encapsulated(layout, data)), 8, signed=False)
    if layout.syntax == uid.RLELossless:
        values = _rle_planes(layout, _encapsulated(layout, data))[0]
    else:
        values = _native(layout, data)[..., 0]
    return Frame(values, layout.bits_stored, layout.signed, layout.high_bit + 1 - layout.bits_stored)


def _brightness(layout: Layout, data: bytes) -> np.ndarray:
    """uint8[h, w] of a picture in colour: the Y of YBR, else luma."""
    if layout.syntax in JPEG:
        return _jpeg_brightness(layout, _encapsulated(layout, data))
    if layout.syntax in JPEG_2000:
        colours = _open_frame(layout, _encapsulated(layout, data), "JPEG2000")
        return np.asarray(colours.getchannel(0) if layout.space.startswith("YBR_FULL") else colours.convert("L"))
    if layout.space == "YBR_FULL_422" and layout.syntax != uid.RLELossless:
        return _native_422(layout, data)
    if layout.space not in ("RGB", "YBR_FULL"):
        raise _unsupported("a colour space other than RGB and YBR_FULL")
    if layout.syntax == uid.RLELossless:
        planes = _rle_planes(layout, _encapsulated(layout, data))
    else:
        planes = np.moveaxis(_native(layout, data), 2, 0)
    return planes[0] if layout.space == "YBR_FULL" else _luma(planes)


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

    Pillow unpacks each byte plane as one long row of known length, so a small file can not grow beyond it.
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
    if layout.bits_allocated != 8:
        raise _unsupported("JPEG of more than 8 bits")
    image = _open_frame(layout, data, "JPEG")
    if layout.space == "RGB" and "adobe_transform" not in image.info:
        image.draft("YCbCr", None)  # unmarked RGB, which Pillow takes for YCbCr: ask for no conversion
        return _luma(np.moveaxis(np.asarray(image), 2, 0))
    image.draft("L", None)
    return np.asarray(image.convert("L"))


def _jpeg_2000_frame(layout: Layout, data: bytes) -> Frame:
    """Pillow widens the values to 8 or 16 bits and moves signed ones up by half their range: both are undone."""
    if not data.startswith(J2K_START):
        raise ValueError("no JPEG 2000 codestream")
    depth = data[J2K_DEPTH_AT]
    bits, signed = (depth & 0x7F) + 1, depth > 0x7F
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


def _is_packed(layout: Layout, data: bytes) -> bool:
    return layout.syntax not in NATIVE and data[:4] == ITEM_MARK


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
