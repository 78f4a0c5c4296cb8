"""The lung masks that come with a source: which picture and split each belongs to, and how it is read."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.data.dataset import Dataset
from cxr.data.splits import split_of_patient
from cxr.imaging.decode import decode
from cxr.inference.lung_segmenter import (
    LungSegmenter,
    dice,
)
from cxr.lungs.train import (
    find_masks,
    read_mask,
    train_and_measure,
)
from cxr.sources import SOURCES
from cxr.sources.covid_chestxray import CovidChestxrayParams
from tests.lungs.masked import BOOTSTRAP, SPLIT, masks_under, params
from tests.rows import image_row


def test_every_mask_finds_its_picture_and_the_split_of_its_patient(collection: tuple[Dataset, Path]):
    data, raw = collection
    found = find_masks(data, masks_under(raw), raw, SPLIT)
    assert len(found.images) == 16
    assert not found.unused
    for image in found.images:
        assert data.rows[image.position] is image.row
        assert image.file.name.startswith(Path(image.row.path).stem + "_")
        assert image.split == split_of_patient(image.row.patient, SPLIT)


def test_masks_without_a_usable_picture_are_counted(collection: tuple[Dataset, Path]):
    data, raw = collection
    masks = masks_under(raw)
    masks[3] = replace(masks[3], picture="")
    masks[4] = replace(masks[4], picture="another/images/p4.jpg")
    del data.split_of[masks[5].picture]
    found = find_masks(data, masks, raw, SPLIT)
    assert len(found.images) == 13
    assert found.unused == {"not_in_index": 2, "near_duplicate_across_split": 1}


def test_a_picture_that_is_only_tested_on_goes_where_its_patient_belongs(collection: tuple[Dataset, Path]):
    data, raw = collection
    data.split_of.update({row.path: "held_out" for row in data.rows})
    splits = {image.row.patient: image.split for image in find_masks(data, masks_under(raw), raw, SPLIT).images}
    assert splits == {row.patient: split_of_patient(row.patient, SPLIT) for row in data.rows}


def test_a_mask_is_scaled_to_its_picture(collection: tuple[Dataset, Path]):
    data, raw = collection
    found = find_masks(data, masks_under(raw), raw, SPLIT)
    for image in found.images:
        assert dice(read_mask(image.file, 48) >= 128, data.pixels[image.position] < 100) > 0.95


def test_without_masks_there_is_no_segmenter_and_the_report_says_why(tmp_path: Path):
    data = Dataset([image_row("a.png")], {"a.png": "train"}, np.zeros((1, 32, 32), np.uint8))
    report = train_and_measure(data, find_masks(data, [], tmp_path, SPLIT), params(), BOOTSTRAP, tmp_path / "lungs")
    assert report["trained"] is False
    assert "no lung masks" in report["why"]
    assert LungSegmenter.load_if_trained(tmp_path / "lungs") is None


def test_a_search_names_the_images_of_one_split(collection: tuple[Dataset, Path]):
    data, raw = collection
    found = find_masks(data, masks_under(raw), raw, SPLIT)
    assert sum(len(found.on(split)) for split in ("train", "validation", "test")) == len(found.images)


@pytest.mark.mirror
@pytest.mark.skipif("CXR_MIRROR" not in os.environ, reason="CXR_MIRROR is unset: no mirror of the real X-rays")
def test_every_real_mask_has_its_pictures_proportions_and_two_levels():
    folder = Path(os.environ["CXR_MIRROR"]) / "covid-chestxray-dataset"
    params = CovidChestxrayParams("covid_chestxray", str(folder), "0" * 40, ("COVID",))
    compared = 0
    for listed in SOURCES["covid_chestxray"].list_images(params, folder, "covid").lung_masks:
        if not listed.picture:
            continue
        compared += 1
        file = folder / listed.path
        height, width = decode((folder / listed.picture).read_bytes()).shape
        with Image.open(file) as mask:
            assert mask.width / mask.height == pytest.approx(width / height, rel=0.02), file.name
        grey = read_mask(file, 64)
        assert ((grey > 40) & (grey < 215)).mean() < 0.2, file.name  # only an edge lies between
    assert compared >= 195
