"""The simulation of the watch at a small size: counts add up, a change is found and named, the page has every row."""

from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import read_json
from cxr.watch.statistics import STATISTICS
from tests.serving.xrays import picture
from tools import watch_promise
from tools.watch_promise import counts_of, delays, false_alarms
from tools.watch_worlds import FILES, drawn, mirror_worlds


def test_counts_of_a_reference_leave_out_what_is_absent() -> None:
    bins = np.array([[[0, -1], [2, 1]]])
    assert counts_of(bins)[0, 0, :3].tolist() == [1, 0, 1]
    assert counts_of(bins)[0, 1].sum() == 1


def test_a_changed_world_is_found_and_named() -> None:
    found = delays(drawn({}), drawn({"png": 1}), (150, 0), 3, np.random.default_rng(0))
    assert found["found"] == 1
    assert found["median"] < 20
    assert set(found["named"]) == {"coding"}


def test_an_unchanged_world_is_counted_per_20000_pictures() -> None:
    found = false_alarms(drawn({}), 150, 3, 50, np.random.default_rng(0))
    assert found == {"reference": 150, "runs": 3, "pictures": 50, "per_20000": 0.0, "sites_with_one": 0.0}


def test_a_mirror_gives_what_its_files_tell(tmp_path: Path) -> None:
    folder = tmp_path / FILES["adult_negatives"]
    folder.mkdir()
    (folder / "a.png").write_bytes(picture())
    (folder / "b.png").write_bytes(b"no picture")
    bins = mirror_worlds(tmp_path)["adult_negatives"](np.random.default_rng(0), (2,))
    assert bins.shape == (2, len(STATISTICS))
    assert bins[0].tolist() == bins[1].tolist()
    assert (bins[0] >= 0).sum() == 5


def test_the_page_has_a_row_for_every_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXR_MIRROR", raising=False)
    monkeypatch.setattr(watch_promise, "FOLLOWED", 5)
    monkeypatch.setattr(watch_promise, "BEFORE", (0,))
    watch_promise.main(tmp_path / "out", runs=2, pictures=3)
    result = read_json(tmp_path / "out.json")
    text = (tmp_path / "out.md").read_text()
    assert all(f"| {title} |" in text for title in [*result["delays"], *result["false_alarms"]])
