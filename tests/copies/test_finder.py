"""Copies among phantoms."""

import numpy as np
import pytest

from cxr.copies.finder import CORRELATION, find_copies
from cxr.copies.made import Picture, made_copy
from cxr.copies.projection import Projection
from cxr.sources.synthetic.radiograph import radiograph

PATIENTS = 24


@pytest.fixture(scope="module")
def phantoms() -> list[Picture]:
    """One picture of each patient, of several shapes."""
    shapes = ((400, 400), (500, 400), (400, 450))
    return [
        Picture(radiograph(3, patient, 0, image_size=160, covid=patient % 2 == 0), *shapes[patient % 3])
        for patient in range(2 * PATIENTS)
    ]


@pytest.fixture(scope="module")
def projection(phantoms: list[Picture]) -> Projection:
    """Learned from other patients than those that are looked for."""
    return Projection.learn(phantoms[PATIENTS:], seed=0)


def test_made_copies_are_found_and_no_two_patients_are_taken_for_one(
    phantoms: list[Picture], projection: Projection
) -> None:
    rng = np.random.default_rng(1)
    originals = phantoms[:PATIENTS]
    found = find_copies([*originals, *(made_copy(rng, picture) for picture in originals)], projection)
    pairs = {(pair.first, pair.second) for pair in found}
    wanted = {(i, i + PATIENTS) for i in range(PATIENTS)}
    assert pairs <= wanted
    assert len(pairs & wanted) >= 0.95 * PATIENTS
    assert all(CORRELATION <= pair.correlation <= 1 for pair in found)


def test_two_crops_of_one_picture_are_found_though_neither_holds_the_other(
    phantoms: list[Picture], projection: Projection
) -> None:
    pictures = phantoms[:6]
    left = [Picture(np.ascontiguousarray(p.pixels[:, :140]), p.width * 7 // 8, p.height) for p in pictures]
    right = [Picture(np.ascontiguousarray(p.pixels[10:, 20:]), p.width * 7 // 8, p.height * 15 // 16) for p in pictures]
    found = {(pair.first, pair.second) for pair in find_copies([*left, *right], projection)}
    assert found == {(i, i + len(pictures)) for i in range(len(pictures))}


def test_a_negative_and_a_mirror_image_are_no_copies(phantoms: list[Picture], projection: Projection) -> None:
    picture = phantoms[0]
    others = [picture.pixels[:, ::-1], 255 - picture.pixels]
    pictures = [picture, *(Picture(np.ascontiguousarray(p), picture.width, picture.height) for p in others)]
    assert find_copies(pictures, projection) == []


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_have_no_copies(phantoms: list[Picture], projection: Projection, count: int) -> None:
    assert find_copies(phantoms[:count], projection) == []


def test_blank_pictures_are_nobodys_copies(phantoms: list[Picture], projection: Projection) -> None:
    blank = [Picture(np.full((160, 160), grey, np.uint8), 400, 400) for grey in (0, 128, 255)]
    assert find_copies([*blank, phantoms[0]], projection) == []


def test_the_result_does_not_depend_on_the_run(phantoms: list[Picture]) -> None:
    pictures = [*phantoms[:8], made_copy(np.random.default_rng(0), phantoms[0])]
    first, second = (find_copies(pictures, Projection.learn(phantoms[PATIENTS:], seed=0)) for _ in range(2))
    assert first == second != []
