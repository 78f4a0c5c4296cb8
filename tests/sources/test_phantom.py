from pathlib import Path

import numpy as np
import pytest

from cxr.files import sha256_of
from cxr.params import PhantomParams
from cxr.sources import phantom
from cxr.sources.radiograph import radiograph

PARAMS = PhantomParams(kind="phantom", train_on=("NonCOVID", "COVID"), patients=8, side=64, covid_fraction=0.5, seed=20)


def hashes(directory: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in (directory / "images").iterdir()}


def grown(patients: int) -> PhantomParams:
    return PhantomParams(**{**PARAMS.__dict__, "patients": patients})


def test_more_patients_leave_the_earlier_ones_byte_identical(tmp_path):
    phantom.fetch(PARAMS, tmp_path / "few")
    phantom.fetch(grown(30), tmp_path / "many")
    few, many = hashes(tmp_path / "few"), hashes(tmp_path / "many")
    assert len(many) > len(few)
    assert few.items() <= many.items()


@pytest.mark.parametrize("side", [32, 75, 160])
def test_a_radiograph_is_a_square_of_bytes_that_its_numbers_decide(side):
    first = radiograph(20, 1, 1, side=side, covid=True)
    assert first.shape == (side, side)
    assert first.dtype == np.uint8
    assert np.array_equal(first, radiograph(20, 1, 1, side=side, covid=True))
