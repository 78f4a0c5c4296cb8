from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.data.predictions import read_probabilities, write_predictions
from tests.labelled import labelled_split


def test_probabilities_come_back_to_the_last_digit(tmp_path: Path) -> None:
    split, p_covid = labelled_split(6), np.random.default_rng(0).uniform(0, 1, 6) ** 20
    write_predictions(split, p_covid, tmp_path / "p.csv")
    np.testing.assert_array_equal(read_probabilities(tmp_path / "p.csv", split), p_covid)


def test_predictions_about_other_images_are_refused(tmp_path: Path) -> None:
    write_predictions(labelled_split(6), np.zeros(6), tmp_path / "p.csv")
    for other in (labelled_split(6, seed=1), labelled_split(5)):
        with pytest.raises(CxrError, match=r"p\.csv is not about the present images"):
            read_probabilities(tmp_path / "p.csv", other)


def test_each_image_needs_its_probability(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        write_predictions(labelled_split(6), np.zeros(5), tmp_path / "p.csv")
    assert list(tmp_path.iterdir()) == []
