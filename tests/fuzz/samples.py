"""Small files of every kind that the decoder meets, made in memory. Nobody's body is in them."""

import importlib.util
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.sequence import Sequence

SIDE = 48
PATIENT_NAME = "Doe^Jane^Confidential"
EXPLICIT, IMPLICIT, BIG_ENDIAN = uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.ExplicitVRBigEndian


def ramp(image_size: int = SIDE) -> np.ndarray:
    """uint8[size, size + 8]: brighter to the right and to the bottom, wider than high, no two sides alike."""
    rows, columns = np.mgrid[0:image_size, 0 : image_size + 8]
    return (rows * 60 // image_size + columns * 195 // (image_size + 8)).astype(np.uint8)


def saved(picture: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of Pillow's format `kind`."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned_by_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def dicom(pixels: np.ndarray, syntax: str = EXPLICIT, frame: bytes | None = None, **elements: Any) -> bytes:
    """A DICOM file of [h, w] or [h, w, 3]; `frame` replaces its bytes; `elements` are set last, None removes one."""
    header = Dataset()
    header.SOPClassUID, header.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, "1.2.3"
    header.PatientName, header.PatientID = PATIENT_NAME, "4711"
    header.Rows, header.Columns = pixels.shape[:2]
    header.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    header.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = pixels.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in elements.items():
        if value is None:
            delattr(header, keyword)
        else:
            setattr(header, keyword, value)
    _set_pixels(header, pixels, syntax, frame)
    return _written(header, syntax)


def _set_pixels(header: Dataset, pixels: np.ndarray, syntax: str, frame: bytes | None) -> None:
    word = pixels.dtype.itemsize > 1
    data = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == BIG_ENDIAN else "<")).tobytes()
    if frame is not None:
        data = encapsulate([frame]) if uid.UID(syntax).is_compressed else frame
    header.add_new("PixelData", "OW" if word and not uid.UID(syntax).is_compressed else "OB", data)
    header["PixelData"].is_undefined_length = uid.UID(syntax).is_compressed


def _written(header: Dataset, syntax: str) -> bytes:
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = uid.UID(syntax)
    file = io.BytesIO()
    dcmwrite(file, header, enforce_file_format=True)
    return file.getvalue()


def lut(entries: list[int], first: int, bits: int) -> Sequence:
    """A modality or VOI LUT Sequence of one item."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    item.ModalityLUTType = "US"
    return Sequence([item])


def rle(pixels: np.ndarray) -> bytes:
    """One frame [h, w] in DICOM's run-length code."""
    depth = pixels.dtype.itemsize * 8
    return RLELosslessEncoder.encode(
        pixels,
        rows=pixels.shape[0],
        columns=pixels.shape[1],
        samples_per_pixel=1,
        bits_allocated=depth,
        bits_stored=depth,
        pixel_representation=0,
        number_of_frames=1,
        photometric_interpretation="MONOCHROME2",
        transfer_syntax_uid=uid.RLELossless,
        encoding_plugin="pydicom",
    )


def j2k(picture: np.ndarray, **options: Any) -> bytes:
    """A bare JPEG 2000 codestream, as DICOM carries it."""
    return saved(picture, "JPEG2000", no_jp2=True, **options)


def native_frames(pixels: np.ndarray, bits: int = 12) -> dict[str, bytes]:
    """[h, w] or [h, w, 3] in each coding that only imagecodecs knows, which must be installed."""
    import imagecodecs

    frames = {
        "jpeg_lossless": imagecodecs.jpeg8_encode(pixels, bitspersample=bits, lossless=True, predictor=1),
        "jpeg_ls": imagecodecs.jpegls_encode(pixels),
        "jpeg_ls_near": imagecodecs.jpegls_encode(pixels, level=2),
        "htj2k": imagecodecs.htj2k_encode(pixels),
    }
    if bits == 12:
        frames["jpeg_deep"] = imagecodecs.jpeg8_encode(pixels, level=98, bitspersample=12)
    return {name: bytes(frame) for name, frame in frames.items()}


def native_dicoms() -> dict[str, bytes]:
    """Name to file, of the codings that are decoded in a process apart; none where imagecodecs is not installed."""
    if importlib.util.find_spec("imagecodecs") is None:
        return {}
    deep = ramp().astype(np.uint16) * 16
    frames = native_frames(deep)
    syntaxes = {
        "jpeg_lossless": uid.JPEGLosslessSV1,
        "jpeg_ls": uid.JPEGLSLossless,
        "jpeg_ls_near": uid.JPEGLSNearLossless,
        "jpeg_deep": uid.JPEGExtended12Bit,
        "htj2k": uid.HTJ2KLossless,
    }
    return {
        f"dicom_{name}": dicom(deep, syntax, frames[name], BitsStored=12, HighBit=11)
        for name, syntax in syntaxes.items()
    }


def rasters() -> dict[str, bytes]:
    """Name to file, of every kind of picture that Pillow reads here; and fax, which is refused."""
    grey = ramp()
    colour = Image.merge("RGB", [Image.fromarray(part) for part in (grey, 255 - grey, grey // 2)])
    paletted, deep = colour.quantize(16), grey.astype(np.uint16) * 257
    return {
        "jpeg_grey": saved(grey, "JPEG"),
        "jpeg_colour": saved(colour, "JPEG"),
        "jpeg_progressive": saved(colour, "JPEG", progressive=True),
        "jpeg_cmyk": saved(colour.convert("CMYK"), "JPEG"),
        "jpeg_turned": saved(grey, "JPEG", exif=turned_by_exif(6)),
        "png_grey": saved(grey, "PNG"),
        "png_16": saved(deep, "PNG"),
        "png_palette": saved(paletted, "PNG", transparency=3),
        "png_rgba": saved(colour.convert("RGBA"), "PNG"),
        "png_grey_alpha": saved(colour.convert("LA"), "PNG"),
        "png_1": saved(colour.convert("1"), "PNG"),
        "png_turned": saved(grey, "PNG", exif=turned_by_exif(8)),
        "png_animated": saved(grey, "PNG", save_all=True, append_images=[Image.fromarray(255 - grey)]),
        "webp_lossy": saved(colour, "WEBP"),
        "webp_lossless": saved(colour.convert("RGBA"), "WEBP", lossless=True, exif=turned_by_exif(3)),
        "webp_animated": saved(grey, "WEBP", save_all=True, append_images=[Image.fromarray(255 - grey)]),
        "bmp_grey": saved(grey, "BMP"),
        "bmp_colour": saved(colour, "BMP"),
        "bmp_1": saved(colour.convert("1"), "BMP"),
        "tiff_grey": saved(grey, "TIFF"),
        "tiff_16": saved(deep, "TIFF"),
        "tiff_float": saved(grey.astype(np.float32), "TIFF"),
        "tiff_lzw": saved(deep, "TIFF", compression="tiff_lzw"),
        "tiff_deflate": saved(colour, "TIFF", compression="tiff_adobe_deflate"),
        "tiff_jpeg": saved(colour, "TIFF", compression="jpeg"),
        "tiff_packbits": saved(paletted, "TIFF", compression="packbits"),
        "tiff_group4": saved(colour.convert("1"), "TIFF", compression="group4"),
        "tiff_turned": saved(grey, "TIFF", exif=turned_by_exif(5)),
        "tiff_pages": saved(grey, "TIFF", save_all=True, append_images=[Image.fromarray(255 - grey)]),
    }


def dicoms() -> dict[str, bytes]:
    """Name to file, of every kind of DICOM that is read."""
    grey = ramp()
    deep, signed = grey.astype(np.uint16) * 16, grey.astype(np.int16) * 8 - 1000
    colour = np.dstack([grey, 255 - grey, grey // 2])
    twice = {"NumberOfFrames": 2}
    return {
        "dicom_8": dicom(grey),
        "dicom_12": dicom(deep, BitsStored=12, HighBit=11),
        "dicom_implicit": dicom(deep, IMPLICIT, WindowCenter=2000, WindowWidth=3000),
        "dicom_big_endian": dicom(deep, BIG_ENDIAN, WindowCenter=[2000, 1], WindowWidth=[3000, 2]),
        "dicom_monochrome1": dicom(grey, PhotometricInterpretation="MONOCHROME1"),
        "dicom_signed": dicom(signed, RescaleSlope=2, RescaleIntercept=-5, PixelPaddingValue=-1000),
        "dicom_sigmoid": dicom(deep, WindowCenter=2000, WindowWidth=900, VOILUTFunction="SIGMOID"),
        "dicom_luts": dicom(
            grey,
            ModalityLUTSequence=lut([number * 4 for number in range(256)], 0, 16),
            VOILUTSequence=lut([number // 4 for number in range(1024)], 0, 8),
        ),
        "dicom_colour": dicom(colour),
        "dicom_planar": dicom(colour, frame=np.moveaxis(colour, 2, 0).tobytes(), PlanarConfiguration=1),
        "dicom_ybr": dicom(colour, PhotometricInterpretation="YBR_FULL"),
        "dicom_frames": dicom(grey, frame=grey.tobytes() + (255 - grey).tobytes(), **twice),
        "dicom_rle": dicom(deep, uid.RLELossless, rle(deep)),
        "dicom_jpeg": dicom(grey, uid.JPEGBaseline8Bit, saved(grey, "JPEG")),
        "dicom_jpeg_colour": dicom(
            colour, uid.JPEGBaseline8Bit, saved(colour, "JPEG"), PhotometricInterpretation="YBR_FULL_422"
        ),
        "dicom_j2k_16": dicom(deep, uid.JPEG2000Lossless, j2k(deep)),
        "dicom_j2k_colour": dicom(colour, uid.JPEG2000, j2k(colour), PhotometricInterpretation="YBR_RCT"),
    }


def every_sample() -> dict[str, bytes]:
    return {**rasters(), **dicoms(), **native_dicoms()}


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""
    return _png_with_size(saved(ramp(8), "PNG"), width, height)


def _png_with_size(data: bytes, width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">LL", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">L", zlib.crc32(header)) + data[33:]


def jpeg_header(width: int, height: int) -> bytes:
    """A JPEG of a few pixels whose frame header claims another size."""
    data = bytearray(saved(ramp(8), "JPEG"))
    start = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, start + 5, height, width)
    return bytes(data)


def tiff_header(width: int, height: int) -> bytes:
    """A TIFF of one uncompressed strip whose directory claims another size."""
    data = bytearray(saved(ramp(8), "TIFF"))
    start = struct.unpack_from("<L", data, 4)[0]
    for entry in range(struct.unpack_from("<H", data, start)[0]):
        at = start + 2 + 12 * entry
        tag = struct.unpack_from("<H", data, at)[0]
        if tag in (256, 257, 278):  # width, height, rows in a strip
            struct.pack_into("<HLL", data, at + 2, 4, 1, width if tag == 256 else height)
    return bytes(data)


def bmp_header(width: int, height: int) -> bytes:
    data = bytearray(saved(ramp(8), "BMP"))
    struct.pack_into("<ll", data, 18, width, height)
    return bytes(data)


def webp_header(width: int, height: int) -> bytes:
    """An animated WebP whose canvas claims a size."""
    data = bytearray(saved(ramp(8), "WEBP", save_all=True, append_images=[Image.fromarray(255 - ramp(8))]))
    data[24:30] = struct.pack("<L", width - 1)[:3] + struct.pack("<L", height - 1)[:3]
    return bytes(data)


def dicom_header(width: int, height: int) -> bytes:
    return dicom(ramp(8), Rows=height, Columns=width)


# Name to a maker of a small file that claims (width, height).
HUGE: dict[str, Callable[[int, int], bytes]] = {
    "PNG": png_header,
    "JPEG": jpeg_header,
    "TIFF": tiff_header,
    "BMP": bmp_header,
    "WEBP": webp_header,
    "DICOM": dicom_header,
}
