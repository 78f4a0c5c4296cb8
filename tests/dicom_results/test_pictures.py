"""The heat map as a picture and as a presentation state."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

pytest.importorskip("highdicom", reason="needs the extra clinic")

from cxr.common.errors import ImageError, ResultError
from cxr.dicom_results.options import ResultOptions
from cxr.dicom_results.results import make_results
from tests.dicom_results.made import AT_SITE, COVID, MODEL, NON_COVID, WHEN, said_by, source, written
from tests.fuzz.samples import ramp

OUTLINES = ResultOptions(heatmap=False, presentation_state=True)


def heat_of(image: Dataset, **options) -> Dataset:
    made = make_results(image, COVID, ResultOptions(**options), model=MODEL, when=WHEN)
    return next(one for one in made if one.Modality == "OT")


def outlines_of(image: Dataset) -> Dataset:
    return make_results(image, COVID, OUTLINES, model=MODEL, when=WHEN)[1]


def test_the_picture_has_the_warning_burnt_in_above_and_the_answer_below(tmp_path: Path):
    image = source()
    made = dcmread(written(heat_of(image, longest_side=256), tmp_path))
    pixels = made.pixel_array
    shown = round(256 * image.Rows / image.Columns) if image.Rows < image.Columns else 256
    above = pixels[: (pixels.shape[0] - shown) // 2]
    yellow = (pixels[..., 0] > 150) & (pixels[..., 1] > 130) & (pixels[..., 2] < 60)
    assert yellow[: above.shape[0] // 2].any()
    assert yellow[-20:].any()
    assert made.ImageComments.startswith("NOT FOR CLINICAL USE. COVID 97.1 %")
    assert "stamped" in made.ImageComments
    assert made.ImageComments.endswith(" Not commissioned")
    assert made.SeriesDescription.endswith("NOT FOR CLINICAL USE")


def test_the_strongest_place_is_coloured_and_a_place_without_share_is_grey():
    made = heat_of(source(np.full((90, 90), 100, np.uint8)), longest_side=90)
    shown = made.pixel_array[-90 - 60 : -60]  # five lines of 12 pixels stand below
    red, green, blue = (int(value) for value in shown[45, 8])
    assert red > green > blue
    assert np.ptp(shown[3, 80].astype(int)) < 25


def test_a_commissioned_answer_has_its_triage_group_in_the_band_and_over_the_outlines():
    picture, outlines = (
        make_results(source(), AT_SITE, options, model=MODEL, when=WHEN)[1] for options in (None, OUTLINES)
    )
    assert picture.ImageComments.endswith(" Triage at St. Example: likely")
    text = outlines.GraphicAnnotationSequence[0].TextObjectSequence[0].UnformattedTextValue
    assert text.endswith(" Triage at St. Example: likely")
    usual = make_results(source(), COVID, model=MODEL, when=WHEN)[1]
    assert (picture.Rows, picture.Columns) == (usual.Rows, usual.Columns)
    assert (picture.pixel_array != usual.pixel_array)[-200:].any()


def test_it_refers_to_its_source_and_says_of_burnt_in_identities_what_the_source_does():
    image = source(BurnedInAnnotation="YES")
    made = heat_of(image)
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert (made.BurnedInAnnotation, made.StudyInstanceUID) == ("YES", image.StudyInstanceUID)
    assert "BurnedInAnnotation" not in heat_of(source())
    assert list(made.PatientOrientation) == ["L", "F"]


def test_without_a_heat_map_there_is_none():
    options = ResultOptions(presentation_state=True)
    assert [made.Modality for made in make_results(source(), NON_COVID, options, model=MODEL)] == ["SR"]
    everything = make_results(source(), COVID, options, model=MODEL)
    assert [made.Modality for made in everything] == ["SR", "OT", "PR"]
    assert len({made.SeriesInstanceUID for made in everything}) == 3


def test_a_source_whose_pixels_are_damaged_needs_the_decoded_picture():
    image = source()
    image.PixelData = b"short"
    with pytest.raises(ImageError):
        make_results(image, COVID, model=MODEL)
    assert len(make_results(image, COVID, model=MODEL, picture=ramp())) == 2


def test_outlines_are_where_the_strongest_places_are():
    image = source()
    made = outlines_of(image)
    by_layer = {item.GraphicLayer: item for item in made.GraphicAnnotationSequence}
    assert set(by_layer) == {"TEXT", "FOR_COVID", "AGAINST_COVID"}
    assert "NOT FOR CLINICAL USE" in by_layer["TEXT"].TextObjectSequence[0].UnformattedTextValue
    (against,) = by_layer["AGAINST_COVID"].GraphicObjectSequence
    corners = np.array(against.GraphicData).reshape(-1, 2)
    expected = [2 * image.Columns / 3, 2 * image.Rows / 3]
    np.testing.assert_allclose(corners.min(0), expected, rtol=1e-5)
    np.testing.assert_allclose(corners.max(0), [image.Columns, image.Rows], rtol=1e-5)
    assert len(by_layer["FOR_COVID"].GraphicObjectSequence) == 2


def test_a_header_that_does_not_tell_the_size_costs_the_outlines_alone():
    image = source()
    del image.Rows
    options = ResultOptions(presentation_state=True)
    made = make_results(image, COVID, options, model=MODEL, picture=ramp())
    assert [one.Modality for one in made] == ["SR", "OT"]


def test_dcmtk_reads_the_outlines(tmp_path: Path):
    said = said_by("dcmpschk", written(outlines_of(source()), tmp_path))
    assert "Error" not in said


def test_a_colour_source_and_one_with_a_broken_window_get_outlines_too():
    colour = source(np.dstack([ramp()] * 3), WindowCenter=None, WindowWidth=None)
    assert outlines_of(colour).SOPClassUID.name == "Color Softcopy Presentation State Storage"
    broken = outlines_of(source(WindowWidth=0))
    assert "SoftcopyVOILUTSequence" not in broken
    assert outlines_of(source(PhotometricInterpretation="MONOCHROME1")).PresentationLUTShape == "INVERSE"


@pytest.mark.parametrize("heatmap", ["nothing", "data:image/png;base64,AAAA", "data:image/png;base64,?"])
def test_a_heat_map_that_is_none_is_said(heatmap: str):
    from dataclasses import replace

    with pytest.raises(ResultError, match="heatmap"):
        make_results(source(), replace(COVID, heatmap=heatmap), model=MODEL)
