from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.data.dataset import Dataset, label_follows_source
from cxr.data.manifest import ROLES, ImageRow, write_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import HELD_OUT, SplitRow, split_of_patient
from tests.labelled import pictures
from tests.rows import image_row

SPLITS = ("test", "train", "held_out", "train", "validation")


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Six images; the last is in no split, since it is a near-duplicate."""
    rows = [image_row(f"{i}.png", label=("NonCOVID", "COVID")[i % 2], patient=f"test/{i // 2}") for i in range(6)]
    write_rows(rows, ImageRow, tmp_path / "index.csv")
    split = [SplitRow(row.path, row.patient, name) for row, name in zip(rows, SPLITS, strict=False)]
    write_rows(split[::-1], SplitRow, tmp_path / "split.csv")
    np.save(tmp_path / "pixels.npy", pictures(6, image_size=8))
    return tmp_path / "index.csv", tmp_path / "split.csv", tmp_path / "pixels.npy"


def test_a_side_holds_its_images_in_the_order_of_the_index(written: tuple[Path, Path, Path]) -> None:
    split = Dataset.read(*written).split("train")
    assert [row.path for row in split.rows] == ["1.png", "3.png"]
    assert split.y.tolist() == [1, 1]
    assert split.patients.tolist() == ["test/0", "test/1"]
    np.testing.assert_array_equal(split.pixels, pictures(6, image_size=8)[[1, 3]])
    np.testing.assert_array_equal(split.picture(1), pictures(6, image_size=8)[3])


def test_sides_can_be_joined_and_never_hold_what_was_dropped(written: tuple[Path, Path, Path]) -> None:
    data = Dataset.read(*written)
    assert data.split("test", "validation").positions.tolist() == [0, 4]
    assert data.split("test", "train", "validation", "held_out").positions.tolist() == [0, 1, 2, 3, 4]


def test_what_decides_sees_no_test_patient_whatever_his_images_are_for() -> None:
    """The group of a patient tells, as for his other images; who is external is in no split."""
    params = SplitParams(seed=3, test_fraction=0.3, validation_fraction=0.2)
    names = [f"test/{i}" for i in range(40)]
    rows = [image_row(f"{role} {name}", patient=name, role=role) for role in ROLES for name in names]
    split_of = {row.path: split_of_patient(row.patient, params) if row.role == "train" else HELD_OUT for row in rows}
    data = Dataset(rows, split_of, np.zeros((len(rows), 1, 1), np.uint8))
    deciding = data.without_test_patients(params).split("train", "validation", "test", HELD_OUT)
    others = {name for name in names if split_of_patient(name, params) != "test"}
    for role, expected in {"train": others, "audit": others, "external": set(names)}.items():
        assert {row.patient for row in deciding.rows if row.role == role} == expected


def test_an_empty_side_says_what_to_do(written: tuple[Path, Path, Path]) -> None:
    data = Dataset.read(*written)
    data.split_of.clear()
    with pytest.raises(CxrError, match=r"no image is in test or train; add patients or change params\.yaml: split"):
        data.split("test", "train")


def test_an_index_of_other_images_than_the_pixels_is_refused(written: tuple[Path, Path, Path]) -> None:
    np.save(written[2], pictures(5, image_size=8))
    with pytest.raises(CxrError, match=r"index\.csv has 6 rows, .*pixels\.npy 5 pictures"):
        Dataset.read(*written)


def rows_of(*pairs: tuple[str, str]) -> list[ImageRow]:
    return [image_row(f"{i}", source=source, label=label) for i, (source, label) in enumerate(pairs)]


def test_labels_that_follow_the_source_are_noticed() -> None:
    assert label_follows_source(rows_of(("github", "COVID"), ("kaggle", "NonCOVID"), ("github", "COVID")))


def test_one_source_of_one_label_is_enough() -> None:
    """The recommended recipe: whoever knows Kaggle's pictures knows that they are NonCOVID."""
    assert label_follows_source(rows_of(("github", "COVID"), ("kaggle", "NonCOVID"), ("github", "NonCOVID")))


def test_sources_with_both_labels_or_one_source_alone_do_not_give_the_label_away() -> None:
    both = [(source, label) for source in ("github", "own") for label in ("COVID", "NonCOVID")]
    assert not label_follows_source(rows_of(*both))
    assert not label_follows_source(rows_of(("phantom", "COVID"), ("phantom", "NonCOVID")))
