"""The strongest places of the heat map as outlines over the source image: a softcopy presentation state."""

import struct
from datetime import datetime
from typing import Any

import numpy as np
from highdicom import PresentationLUTTransformation
from highdicom.color import CIELabColor
from highdicom.pr import (
    ColorSoftcopyPresentationState,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from PIL import ImageCms
from pydicom.dataset import Dataset

from cxr.dicom_results.drawing import NOT_FOR_CLINICAL_USE, YELLOW, headline, standing
from cxr.dicom_results.equipment import equipment, stamped_with
from cxr.dicom_results.heat_map import heat_pixels
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.said import Said
from cxr.dicom_results.uids import instance_uid, series_uid
from cxr.inference.answer import AWAY_FROM_COVID, TOWARDS_COVID

KIND = "presentation"
BROKEN = (AttributeError, TypeError, ValueError, OverflowError)  # what highdicom raises on a header
STRONG = 0.5  # of the strongest share: places from there on get an outline
_CLASS, _CREATED = slice(12, 16), slice(24, 36)  # of an ICC profile: bytes of its header
_GREYS = ("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction", "VOILUTSequence")
_LUTS = ("RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence")


def presentation_state(header: Dataset, said: Said, options: ResultOptions, when: datetime) -> Dataset | None:
    """None where the header does not say what a viewer must know of the picture, such as its size."""
    if not header.get("Rows") or not header.get("Columns") or not header.get("SamplesPerPixel"):
        return None
    arguments = _arguments(header, said, options, when)
    plain = Dataset()
    plain.update({element.tag: element for element in header if element.keyword not in (*_GREYS, *_LUTS)})
    for tried in (header, plain):  # where a window or table breaks the standard, the viewer takes the image's own
        try:
            return stamped_with(when, _made(tried, arguments))
        except BROKEN:
            continue
    return None


def _made(header: Dataset, arguments: dict[str, Any]) -> Dataset:
    if header.SamplesPerPixel != 1:
        return ColorSoftcopyPresentationState([header], **arguments, icc_profile=_srgb())
    inverse = header.get("PhotometricInterpretation") == "MONOCHROME1"
    shape = PresentationLUTTransformation(presentation_lut_shape="INVERSE" if inverse else "IDENTITY")
    return GrayscaleSoftcopyPresentationState([header], **arguments, presentation_lut_transformation=shape)


def _srgb() -> bytes:
    """sRGB as an ICC profile of the device class that DICOM demands, the same bytes on every day."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_CLASS] = b"scnr"  # of an input device; it has the same tags as a display's
    profile[_CREATED] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return bytes(profile)


def _arguments(header: Dataset, said: Said, options: ResultOptions, when: datetime) -> dict[str, Any]:
    layers, annotations = _graphics(header, said)
    maker = equipment(header, said, options, when)
    del maker["content_date"], maker["content_time"]  # this kind of object has other elements for them
    return maker | {
        "series_instance_uid": series_uid(options.uid_root, header, said, KIND),
        "series_number": options.series_number + 2,
        "sop_instance_uid": instance_uid(options.uid_root, header, said, KIND),
        "content_label": "COVID_CXR",
        "content_description": f"{NOT_FOR_CLINICAL_USE}. {said.state}",
        "graphic_layers": layers,
        "graphic_annotations": annotations,
        "series_description": f"AI outlines - {NOT_FOR_CLINICAL_USE}",
    }


def _graphics(header: Dataset, said: Said) -> tuple[list[GraphicLayer], list[GraphicAnnotation]]:
    """A layer of text, and one for each sign that has strong places."""
    text = _layer("TEXT", 3, YELLOW)
    line = TextObject(
        f"{NOT_FOR_CLINICAL_USE}. {headline(said)}. {standing(said)}",
        units="DISPLAY",
        bounding_box=(0.01, 0.01, 0.99, 0.05),
        text_justification="LEFT",
    )
    layers, annotations = [text], [GraphicAnnotation([header], text, text_objects=[line])]
    heat = heat_pixels(said.heatmap)
    strong = heat[..., 3] >= STRONG * max(1, int(heat[..., 3].max()))
    for order, (name, colour) in enumerate((("AGAINST_COVID", AWAY_FROM_COVID), ("FOR_COVID", TOWARDS_COVID)), 1):
        of_sign = strong & (heat[..., :3] == colour).all(-1)
        outlines = [_outline(row, column, of_sign.shape, header) for row, column in np.argwhere(of_sign)]
        if outlines:
            layer = _layer(name, order, colour)
            layers.append(layer)
            annotations.append(GraphicAnnotation([header], layer, graphic_objects=outlines))
    return layers, annotations


def _layer(name: str, order: int, colour: tuple[int, int, int]) -> GraphicLayer:
    return GraphicLayer(name, order, display_color=CIELabColor.from_rgb(*colour))


def _outline(row: int, column: int, grid: tuple[int, ...], header: Dataset) -> GraphicObject:
    """The rectangle of one place of the heat map, in pixels of the source; (0, 0) is the upper left corner."""
    height, width = header.Rows / grid[0], header.Columns / grid[1]
    left, top, right, bottom = column * width, row * height, (column + 1) * width, (row + 1) * height
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return GraphicObject("POLYLINE", np.array(corners), "PIXEL")
