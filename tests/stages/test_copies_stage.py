"""The stages copies, copies_page and split on phantoms, some of which a second collection has as well."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cxr.common.atomic_files import read_json
from cxr.common.paths import COPIES, INDEX, PIXELS, REPORTS, SPLIT, SPLIT_REJECTED
from cxr.copies.made import Picture, made_copy
from cxr.copies.table import SWITCHED_OFF
from cxr.data.copies import CopyRow
from cxr.data.dataset import Dataset
from cxr.data.manifest import ImageRow, RejectedRow, read_rows, write_rows
from cxr.data.splits import SplitRow
from cxr.sources.synthetic.radiograph import radiograph
from stages import copies, copies_page, split
from tests.rows import image_row

ROOT = Path(__file__).parents[2]
PATIENTS = 20
COPIED = (2, 5, 7)  # by another collection, under other patients' names
SIZE = 160


@pytest.fixture(scope="module")
def collection() -> tuple[list[ImageRow], np.ndarray]:
    """A picture of each patient in one source; in another, copies of some, each of a patient with a picture of his own
    beside it. One patient of the first has his own picture twice."""
    rng = np.random.default_rng(1)
    made = [Picture(radiograph(3, p, 0, image_size=SIZE, covid=p % 2 == 0), SIZE, SIZE) for p in range(PATIENTS)]
    rows = [drawn(f"a/{p}.png", p, patient=f"a/{p}", source="a") for p in range(PATIENTS)]
    for number, p in enumerate(COPIED):
        made += [
            made_copy(rng, made[p]),
            Picture(radiograph(3, 50 + p, 0, image_size=SIZE, covid=p % 2 == 0), SIZE, SIZE),
        ]
        rows += [drawn(f"b/{p}{image}.png", p, patient=f"b/{number}", source="b") for image in ("copy", "own")]
    made.append(made_copy(rng, made[0]))
    rows.append(drawn("c/0.png", 0, patient="a/0", source="a"))
    sized = [replace(row, width=picture.width, height=picture.height) for row, picture in zip(rows, made, strict=True)]
    return sized, np.stack([picture.pixels for picture in made])


def drawn(path: str, number: int, **facts: str) -> ImageRow:
    return image_row(path, label=("COVID", "NonCOVID")[number % 2], **facts)


@pytest.fixture
def run(collection: tuple[list[ImageRow], np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stages in an empty workspace, with other rows and other parameters of the section copies."""

    def stages(changes: Mapping[str, Any], rows: list[ImageRow] = collection[0]) -> list[CopyRow]:
        monkeypatch.chdir(tmp_path)
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["copies"] |= changes
        params["split"] |= {"test_fraction": 0.3, "validation_fraction": 0.3}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
        write_rows(rows, ImageRow, INDEX)
        np.save(PIXELS, collection[1])
        copies.main()
        copies_page.main()
        split.main()
        return read_rows(CopyRow, COPIES)

    return stages


def test_copies_join_their_patients_for_every_stage_behind(run: Any) -> None:
    found = run({})
    expected = [("a/0.png", "c/0.png"), *((f"a/{p}.png", f"b/{p}copy.png") for p in COPIED)]
    assert [(row.first, row.second, row.by) for row in found] == [(*pair, "pictures") for pair in expected]
    data = Dataset.read(INDEX, SPLIT, PIXELS)
    patient = {row.path: row.patient for row in data.rows}
    for p in COPIED:
        assert patient[f"a/{p}.png"] == patient[f"b/{p}copy.png"] == patient[f"b/{p}own.png"]
        assert len({data.split_of[path] for path in (f"a/{p}.png", f"b/{p}copy.png", f"b/{p}own.png")}) == 1
    assert len(set(patient.values())) == PATIENTS
    assert read_json(REPORTS / "split.json")["patients_joined"] == 2 * len(COPIED)


def test_the_report_counts_pairs_by_what_tells_and_those_within_patients(run: Any) -> None:
    run({})
    report = read_json(REPORTS / "copies.json")
    assert report["apart"] == {"pictures": len(COPIED), "records": 0, "both": 0}
    assert (report["within_patients"], report["contradictory"], report["why"]) == (1, 0, "")


def test_the_page_shows_pairs_of_two_patients_with_their_pictures_and_holds_no_address(run: Any) -> None:
    run({})
    page = (REPORTS / "copies.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 2 * len(COPIED)
    assert page.count('<span style="top:') == len(COPIED)
    assert all(f"b/{p}copy.png" in page for p in COPIED)
    assert "c/0.png" not in page
    assert not re.search(r"https?:|src=\"(?!data:)|<script|<link", page)


def test_records_alone_join_where_pictures_are_not_compared(
    run: Any, collection: tuple[list[ImageRow], np.ndarray]
) -> None:
    named = [replace(row, same_as="x") if row.path in ("a/2.png", "b/2copy.png") else row for row in collection[0]]
    assert run({"enabled": False}, named) == [CopyRow("a/2.png", "b/2copy.png", "records")]
    page = (REPORTS / "copies.html").read_text()
    assert SWITCHED_OFF in page
    assert "the sources&#39; records" in page
    assert read_json(REPORTS / "copies.json")["why"] == SWITCHED_OFF
    group = {row.path: row.group for row in read_rows(SplitRow, SPLIT)}
    assert group["a/2.png"] == group["b/2copy.png"] != group["a/5.png"] != group["b/5copy.png"]


def test_records_and_pictures_may_tell_the_same_and_two_labels_are_left_out(
    run: Any, collection: tuple[list[ImageRow], np.ndarray]
) -> None:
    pair = ("a/2.png", "b/2copy.png")
    rows = [replace(row, same_as="x") if row.path in pair else row for row in collection[0]]
    rows = [replace(row, label="NonCOVID") if row.path == pair[1] else row for row in rows]
    assert {row.by for row in run({}, rows) if row.first == pair[0]} == {"both"}
    assert read_json(REPORTS / "copies.json")["contradictory"] == 1
    rejected = read_rows(RejectedRow, SPLIT_REJECTED)
    assert [(row.path, row.reason) for row in rejected] == [(path, "conflicting_labels") for path in pair]
    assert read_json(REPORTS / "split.json")["contradictory_copies_dropped"] == 2
    assert "The labels differ" in (REPORTS / "copies.html").read_text()


def test_a_name_of_a_file_is_text_and_no_html(run: Any, collection: tuple[list[ImageRow], np.ndarray]) -> None:
    rows = [replace(row, path="a/<b>2.png") if row.path == "a/2.png" else row for row in collection[0]]
    run({}, rows)
    assert "<b>" not in (REPORTS / "copies.html").read_text()
