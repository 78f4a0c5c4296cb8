"""The commands of docs/recovery.md do what the guide says, in a workspace of the test's own."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from cxr.common.errors import CxrError
from cxr.features.row_store import RowStore
from serving.keys import Keys
from tests.recovery.guide import ROOT, blocks, make_workspace, typed

LINES = [line for scripts in blocks().values() for script in scripts for line in script.splitlines()]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "work")


def test_the_guide_has_commands_for_every_case() -> None:
    assert [title for title, scripts in blocks().items() if not scripts] == []


def test_make_has_the_targets_and_dvc_the_stages_that_the_guide_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    stages = set(yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    asked = {line.split()[1] for line in LINES if line.startswith("make ")}
    named = {line.split()[-1] for line in LINES if line.startswith("dvc ") and "--single-item" in line}
    assert asked
    assert asked <= targets
    assert named
    assert named <= stages


def test_a_leaked_key_is_withdrawn_while_the_service_runs(workspace: Path) -> None:
    file = workspace / "keys.txt"
    file.write_text("ward-3:use-a-long-random-text-here\npacs:and-another-one-of-32-letters\n")
    keys = Keys(file=file)
    assert keys.name_of("use-a-long-random-text-here") == "ward-3"
    (script,) = blocks()["A key of the service has leaked"]
    typed(workspace, script)
    assert keys.name_of("use-a-long-random-text-here") is None
    assert keys.name_of("and-another-one-of-32-letters") == "pacs"
    new = file.read_text().split("ward-3-again:")[1].strip()
    assert keys.name_of(new) == "ward-3-again"


def test_the_only_key_can_be_withdrawn_too(workspace: Path) -> None:
    (workspace / "keys.txt").write_text("ward-3:use-a-long-random-text-here\n")
    typed(workspace, blocks()["A key of the service has leaked"][0])
    assert list(Keys(file=workspace / "keys.txt")._keys) == ["ward-3-again"]


def test_a_new_key_of_pseudonyms_is_made_after_the_old_one_is_away(workspace: Path) -> None:
    (workspace.parent / "pseudonyms.key").write_text("old")
    typed(workspace, blocks()["The key of the pseudonyms has leaked or is lost"][0])
    assert not (workspace.parent / "pseudonyms.key").exists()
    asked = (workspace / "dvc.log").read_text().splitlines()
    assert asked == ["dvc repro --force --single-item download", "dvc repro"]


def rows(folder: Path) -> RowStore:
    return RowStore(folder, {}, (2,), np.float32, kind="cache", facts_file="facts.json", values_file="rows.f32")


def test_a_damaged_cache_is_deleted_and_filled_again(workspace: Path) -> None:
    folder = workspace / "data/feature_cache/one"
    store = rows(folder)
    store.add(["a"])
    store.write(["a"], [np.ones(2, np.float32)])
    (folder / "rows.f32").write_bytes(b"cut")
    with pytest.raises(CxrError, match="is damaged"):
        rows(folder)
    typed(workspace, blocks()["A feature cache is damaged"][0])
    assert rows(folder).missing(["a"]) == [0]
    assert (workspace / "dvc.log").read_text() == "dvc repro\n"


def test_a_full_disk_gets_room_and_nothing_is_lost_that_cannot_be_made_again(workspace: Path) -> None:
    gone = ("data/feature_cache/a/x", "data/unseen_cache/x", "data/raw/own.partial/x", "data/pixels.npy.partial")
    kept = ("data/pixels.npy", "models/champion/model.json", "mlflow.db", "mlartifacts/x", "reports/promotions.jsonl")
    for name in (*gone, *kept):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text("x")
    typed(workspace, blocks()["The disk is full"][0])
    assert [name for name in gone if (workspace / name).exists()] == []
    assert [name for name in kept if not (workspace / name).exists()] == []


@pytest.mark.slow
def test_dvc_runs_again_after_its_files_were_cut_short(workspace: Path) -> None:
    (workspace.parent / "commands/dvc").unlink()  # the real one
    (workspace / "dvc.yaml").write_text("stages:\n  one:\n    cmd: echo 1 > out\n    outs: [out]\n")
    typed(workspace, "dvc init --no-scm --quiet && dvc repro --quiet")
    (workspace / ".dvc/tmp/rwlock").write_bytes(b"")
    assert "Unable to read RWLock-file" in typed(workspace, "dvc repro --force", fails=True)
    (workspace / "dvc.lock").write_bytes(b"")
    assert "validation failed" in typed(workspace, "dvc repro", fails=True)
    typed(workspace, blocks()["DVC's own files were cut short"][0])
    assert "one:" in (workspace / "dvc.lock").read_text()
