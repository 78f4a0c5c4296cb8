"""`make promote` and `cxr promote`: what they compare, refuse and say."""

from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from cxr.cli import program
from cxr.common.errors import CxrError
from cxr.data.manifest import ImageRow, write_rows
from cxr.data.splits import SplitRow
from cxr.tracking import registry
from serving import store
from tests.common.params_files import written
from tests.labelled import labelled_split
from tools.promote import promote

MODEL = "covid-cxr"


@pytest.fixture(autouse=True)
def project(versions: dict[int, Path], workspace: Path) -> Path:
    """A workspace with params.yaml and validation pictures."""
    written(workspace, {"evaluate": {"resamples": 100}})
    images = labelled_split(40)
    (workspace / "data").mkdir()
    write_rows(images.rows, ImageRow, workspace / "data/index.csv")
    splits = [SplitRow(row.path, row.patient, "validation") for row in images.rows]
    write_rows(splits, SplitRow, workspace / "data/split.csv")
    np.save(workspace / "data/pixels.npy", images.store)
    return workspace


def served() -> str:
    return store.champion_tag(MODEL)


def command(*words: str, monkeypatch: pytest.MonkeyPatch, value: str = "tools.promote:command") -> int:
    """`cxr …` with the entry point as pyproject.toml has it; its exit status."""
    found = [EntryPoint("promote", value, program.ADDED)]
    monkeypatch.setattr(program, "entry_points", lambda group: found)
    with pytest.raises(SystemExit) as ended:
        program.main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_first_version_is_promoted_and_an_equal_one_only_by_force() -> None:
    assert promote(1) == (
        True,
        "covid-cxr version 1 is the champion now, there is no champion yet; a service on :champion follows by itself",
    )
    moved, said = promote(2)
    assert not moved
    assert "covid-cxr version 2 stays as it is: AUC on the validation patients differs" in said
    assert served() == "covid-cxr:v1"
    assert promote(2, force=True)[0]
    assert served() == "covid-cxr:v2"
    assert "by force, although: AUC" in registry.find_version(MODEL, 2).tags["cxr.move.why"]


def test_without_the_pictures_only_force_promotes(project: Path) -> None:
    promote(1)
    (project / "data/index.csv").unlink()
    with pytest.raises(CxrError, match=r"version 2 cannot be compared \(.*index.csv.*\); FORCE=1 promotes it"):
        promote(2)
    assert served() == "covid-cxr:v1"
    assert promote(2, force=True)[0]


def test_the_command_line_has_it_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("promote", "--version", "1", monkeypatch=monkeypatch) == 0
    assert command("promote", "--version", "2", monkeypatch=monkeypatch) == 1
    assert command("--help", monkeypatch=monkeypatch) == 0
    said = capsys.readouterr().out
    assert "promote: covid-cxr version 1 is the champion now" in said
    assert "`cxr promote --help` says more" in said


def test_the_command_line_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("promote", monkeypatch=monkeypatch, value="no_such_package:command") == 2
    assert "needs the project's checkout with the extras train and serve" in capsys.readouterr().err
