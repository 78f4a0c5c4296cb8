"""Copies under other patients' names are left out of a fold as the sources are."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cxr.data.copies import PICTURES, CopyRow
from cxr.data.dataset import Dataset
from cxr.data.manifest import ImageRow, write_rows
from cxr.data.settings import SplitParams
from cxr.data.splits import SplitRow, assign_splits
from cxr.unseen.plan import fold_of
from cxr.unseen.training import fold_pictures
from tests.rows import image_row

PARAMS = SplitParams(seed=3, test_fraction=0.2, validation_fraction=0.3)


def read(rows: list[ImageRow], copies: list[CopyRow], folder: Path) -> Dataset:
    write_rows(rows, ImageRow, folder / "index.csv")
    write_rows(assign_splits(rows, copies, PARAMS)[0], SplitRow, folder / "split.csv")
    np.save(folder / "pixels.npy", np.zeros((len(rows), 8, 8), np.uint8))
    return Dataset.read(folder / "index.csv", folder / "split.csv", folder / "pixels.npy")


def test_no_fold_learns_from_a_copy_of_what_it_is_asked_about_nor_from_its_patient(tmp_path: Path) -> None:
    """One patient of b has a copy of a's first picture, and another picture of his own; an external one has a copy."""
    rows = [image_row(f"{s}/{i}", source=s, patient=f"{s}/{i // 2}") for s in ("a", "b", "c") for i in range(40)]
    rows += [replace(image_row(f"e/{i}", source="e", patient=f"e/{i}"), role="external") for i in range(3)]
    copies = [CopyRow("a/0", "b/0", PICTURES, "0.9"), CopyRow("c/5", "e/0", PICTURES, "0.9")]
    pictures = fold_pictures(read(rows, copies, tmp_path))
    paths = np.array([row.path for row in pictures.split.rows])
    assert {"e/1", "e/2"} <= set(paths)
    assert "e/0" not in paths
    fold = fold_of(pictures.columns, ("a",))
    learned = {*paths[fold.train], *paths[fold.validation]}
    assert not learned & {"a/0", "b/0", "b/1", "e/1"}
    assert len([path for path in learned if path[0] == "b"]) == sum(path[0] == "b" for path in paths) - sum(
        path in ("b/0", "b/1") for path in paths
    )


def test_joined_patients_are_one_for_every_stage_that_reads_the_dataset(tmp_path: Path) -> None:
    rows = [image_row(f"a/{i}", source="a", patient=f"a/{i}") for i in range(30)]
    data = read(rows, [CopyRow("a/3", "a/4", PICTURES, "0.9"), CopyRow("a/4", "a/9", PICTURES, "0.9")], tmp_path)
    patient = {row.path: row.patient for row in data.rows}
    assert patient["a/3"] == patient["a/4"] == patient["a/9"]
    assert len(set(patient.values())) == 28
    (view,) = data.in_groups([replace(rows[9], path="lateral")])
    assert view.patient == patient["a/3"]
