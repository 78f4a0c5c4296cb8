"""The objects that an archive gets about one image."""

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset

from cxr.dicom_results.heat_picture import heat_picture
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.presentation import presentation_state
from cxr.dicom_results.report import report
from cxr.dicom_results.said import said_of
from cxr.dicom_results.source_header import source_header, without_names
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer


def make_results(
    source: Dataset,
    answer: Answer | Mapping[str, Any],
    options: ResultOptions | None = None,
    *,
    model: Mapping[str, Any] | None = None,
    picture: np.ndarray | None = None,
    when: datetime | None = None,
) -> list[Dataset]:
    """A structured report, and the heat map as a picture and as a presentation state where `options` ask for them.

    All are in the study of `source`, refer to it, have file meta information, and have the same UIDs when they are
    made again of the same image, model, site profile and threshold. A presentation state is left out where the header
    lacks what one needs. A refused picture gives nothing, or a report where `options` ask.

    source: the image as pydicom read it; its pixels are used only where `picture` is None. answer: of the engine, or
    the JSON of `POST /predict`. model: `said.model_of(facts)`, where the answer does not name it. picture: the decoded
    source, uint8[h, w]. when: the time of the answer; now, if None.

    Raises ResultError where the image cannot be referred to or the answer is not whole, ImageError where the picture
    is needed and cannot be decoded.
    """
    chosen = options or ResultOptions()
    said = said_of(answer, model)
    header = source_header(source)
    at = when or datetime.now()
    if said.reason is not None and not chosen.refusals:
        return []
    with without_names(header) as named:
        made = [report(header, said, chosen, at)]
        if said.heatmap and chosen.heatmap:
            made.append(heat_picture(header, said, chosen, at, _decoded(source) if picture is None else picture))
        if said.heatmap and chosen.presentation_state:
            outlines = presentation_state(header, said, chosen, at)
            made += [] if outlines is None else [outlines]
        return [named(one) for one in made]


def _decoded(source: Dataset) -> np.ndarray:
    """uint8[h, w]."""
    file = io.BytesIO()
    dcmwrite(file, source, enforce_file_format=True)
    return decode(file.getvalue())
