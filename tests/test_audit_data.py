"""Which images the audit asks about, and that none of them was trained on or is asked about by the wrong arm."""

import numpy as np
import pytest

from cxr.audit_data import audited_pictures, feature_examples
from cxr.dataset import Dataset
from cxr.labels import COVID, NON_COVID
from tests.rows import image_row
from tests.sides import pictures
from tests.test_shortcuts import PARAMS

SIDES = ("train", "validation", "test", "held_out")


@pytest.fixture
def data() -> Dataset:
    """Thirty images on each side of the split; those held out are of a source that is only ever tested on."""
    rows = [
        image_row(f"{side}/{i}.png", source="outside" if side == "held_out" else "a", label=(COVID, NON_COVID)[i % 2])
        for side in SIDES
        for i in range(30)
    ]
    return Dataset(rows, {row.path: row.path.split("/")[0] for row in rows}, pictures(len(rows)))


def test_the_model_is_asked_about_nothing_that_it_was_trained_or_tuned_on(data: Dataset) -> None:
    asked = audited_pictures(data, None)
    assert len(asked.labels) == 60
    assert asked.sealed.tolist() == [True] * 30 + [False] * 30
    assert set(asked.sources[30:]) == {"outside"}
    assert (asked.pixels == data.pixels[60:]).all()


def test_what_may_guide_a_recipe_sees_no_test_patient(data: Dataset) -> None:
    side, examples = feature_examples(data, PARAMS)
    assert {row.path.split("/")[0] for row in side.rows} == {"train", "validation", "held_out"}
    assert not examples.trainable[np.array(examples.sources) == "outside"].any()
    assert examples.trainable[np.array(examples.sources) == "a"].all()
