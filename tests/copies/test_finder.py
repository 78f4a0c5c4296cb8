"""Copies among phantoms."""

from collections.abc import Sequence

import numpy as np
import pytest

from cxr.copies.finder import find_copies as find_in_small
from cxr.copies.finder import learned_and_found
from cxr.copies.made import Picture, made_copy
from cxr.copies.pair import Copy
from cxr.copies.projection import Projection
from cxr.copies.sampling import SmallPictures
from cxr.sources.synthetic.radiograph import radiograph

PATIENTS = 24
CORRELATION = 0.86


def find_copies(pictures: Sequence[Picture], projection: Projection) -> list[Copy]:
    return find_in_small(SmallPictures.of(pictures), projection, CORRELATION)


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


def test_the_place_of_a_crop_in_its_original_is_found(phantoms: list[Picture], projection: Projection) -> None:
    """The crop leaves an eighth of the width out, on the right, and a quarter of the height, at the top."""
    whole = phantoms[1]
    crop = Picture(np.ascontiguousarray(whole.pixels[40:, :140]), whole.width * 7 // 8, whole.height * 3 // 4)
    (found,) = find_copies([whole, crop], projection)
    assert found.inner == 1
    np.testing.assert_allclose([*found.start, *found.size], [0.25, 0, 0.75, 0.875], atol=0.02)


def test_the_projection_may_be_learned_from_the_pictures_themselves(phantoms: list[Picture]) -> None:
    pictures = [*phantoms[:PATIENTS], made_copy(np.random.default_rng(2), phantoms[3])]
    found = learned_and_found(pictures, CORRELATION, seed=5)
    assert [(pair.first, pair.second) for pair in found] == [(3, PATIENTS)]
    assert learned_and_found(pictures[:1], CORRELATION, seed=5) == []
