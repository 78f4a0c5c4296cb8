"""A workspace that was moved, renamed or copied: its runs' files are found where they are now."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.tracking.rehoming import ADDRESSES, rehome
from tests.tracking.specs import ROOT, bundle_at, some_spec
from tools.workspace_repair import command, repair


def made_database(folder: Path, home: str) -> Path:
    """MLflow's tables as far as they keep addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mlflow.db"
    with sqlite3.connect(file) as connection:
        for table in {table for table, _ in ADDRESSES}:
            columns = ", ".join(column for other, column in ADDRESSES if other == table)
            connection.execute(f"CREATE TABLE {table} ({columns})")
        connection.execute("INSERT INTO experiments VALUES (?), (?), (?)", (home, "s3://bucket/mlartifacts", None))
        connection.execute("INSERT INTO runs VALUES (?), (?)", (f"{home}/1/artifacts", f"{home}-else/1/artifacts"))
        connection.execute("INSERT INTO model_versions VALUES (?, ?)", ("models:/m-1", f"{home}/models/m-1/artifacts"))
    connection.close()
    return file


def addresses(file: Path) -> dict[str, list[str]]:
    with sqlite3.connect(file) as connection:
        rows = {f"{t}.{c}": connection.execute(f"SELECT {c} FROM {t}").fetchall() for t, c in ADDRESSES}
    connection.close()
    return {name: [value for (value,) in found] for name, found in rows.items()}


def test_addresses_are_set_to_where_the_files_are_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "new/mlartifacts").mkdir(parents=True)
    file = made_database(tmp_path / "new", "file:///old/mlartifacts")
    done = rehome(file)
    now = (tmp_path / "new/mlartifacts").as_uri()
    assert done is not None
    assert (done.before, done.now) == (("file:///old/mlartifacts",), now)
    found = addresses(file)
    assert found["experiments.artifact_location"] == [now, "s3://bucket/mlartifacts", None]
    assert found["runs.artifact_uri"] == [f"{now}/1/artifacts", "file:///old/mlartifacts-else/1/artifacts"]
    assert found["model_versions.source"] == ["models:/m-1"]
    assert found["model_versions.storage_location"] == [f"{now}/models/m-1/artifacts"]
    assert rehome(file) is None


def test_a_copied_database_alone_goes_on_using_the_files_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "old/mlartifacts").mkdir(parents=True)
    file = made_database(tmp_path / "new", (tmp_path / "old/mlartifacts").as_uri())
    assert rehome(file) is None
    shutil.rmtree(tmp_path / "old")
    assert rehome(file) is not None


RUN = "1/artifacts/model.xml"


def kept_at(home: Path) -> Path:
    """A folder of artifacts that holds the run's files."""
    (home / RUN).parent.mkdir(parents=True)
    (home / RUN).write_text("weights")
    return home


@pytest.mark.parametrize("of_its_own", ["", "other runs", "the run's empty folder"])
def test_files_that_are_there_and_not_here_stay_where_they_are(tmp_path: Path, of_its_own: str) -> None:
    """The workspace has a folder of its own, of runs before MLFLOW_DEFAULT_ARTIFACT_ROOT named another."""
    shared = kept_at(tmp_path / "shared/mlartifacts")
    file = made_database(tmp_path / "work", shared.as_uri())
    if of_its_own:
        folder = {"other runs": "mlartifacts/2/artifacts", "the run's empty folder": "mlartifacts/1/artifacts"}
        (tmp_path / "work" / folder[of_its_own]).mkdir(parents=True)
    before = addresses(file)
    assert rehome(file) is None
    assert addresses(file) == before
    shutil.rmtree(tmp_path / "work/mlartifacts", ignore_errors=True)
    kept_at(tmp_path / "work/mlartifacts")
    assert rehome(file) is not None


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("spelt", [Path.as_uri, str])
def test_the_folder_that_the_variable_names_is_the_right_one_even_while_it_is_not_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, slash: str, spelt: Callable[[Path], str]
) -> None:
    shared = tmp_path / "shared place/mlartifacts"
    file = made_database(tmp_path / "work", shared.as_uri())
    kept_at(tmp_path / "work/mlartifacts")
    if there:
        kept_at(shared)
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", spelt(shared) + slash)
    assert rehome(file) is None
    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", str(tmp_path / "another"))
    assert rehome(file) is not None


def test_what_is_no_database_or_not_mlflow_s_is_left_to_mlflow(tmp_path: Path) -> None:
    assert rehome(tmp_path / "mlflow.db") is None
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    assert rehome(tmp_path / "mlflow.db") is None
    sqlite3.connect(tmp_path / "other.db").close()
    assert rehome(tmp_path / "other.db") is None


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_database(tmp_path, "file:///old/mlartifacts")
    assert command(["repair", str(tmp_path)]) == command(["repair", str(tmp_path)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(
        "workspace: the workspace was moved or copied: MLflow's files were looked for at file:///old"
    )
    assert second == "workspace: nothing to repair: MLflow looks for its files where they are"
    with pytest.raises(CxrError, match="is no workspace, or its runs are on a server"):
        repair(tmp_path / "nowhere")


# In a process of its own, as a person has it: MLflow remembers for a process where a run's files are.
AFTERWARDS = """
import sys
from pathlib import Path
from cxr.tracking.publishing import recorded
from cxr.tracking.registry import fetch_bundle, find_version
from cxr.tracking.store import connect
root = Path(sys.argv[1])
fetch_bundle(find_version("covid-cxr", 1), root / "fetched")
with recorded(root / "reports", "evaluate") as record:
    record.log_text("b.txt", "two")
print(record.run_id, *sorted(item.path for item in connect().list_artifacts(record.run_id)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["copied", "moved, with a file in its place"])
def test_a_workspace_in_another_place_reads_and_writes_its_files_there(
    client, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cxr.tracking.registry import register_model
    from cxr.tracking.training_run import start_run

    old, new = tmp_path / "old work", tmp_path / "new work"
    old.mkdir()
    (tmp_path / "mlflow.db").rename(old / "mlflow.db")
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DVC_ROOT", str(old))
    with start_run(some_spec(), tmp_path / "reports") as record:
        record.log_text("a.txt", "one")
    register_model("covid-cxr", bundle_at(tmp_path / "bundle"), record.run_id, "", {})
    shutil.copytree(old, new)
    if how != "copied":
        shutil.rmtree(old)
        old.write_text("")
    before = sorted(old.rglob("*"))

    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    command = [sys.executable, "-c", AFTERWARDS, str(tmp_path)]
    where = {"DVC_ROOT": str(new), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment | where, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [record.run_id, "a.txt", "b.txt"], done.stderr
    assert "the workspace was moved or copied" in done.stderr
    assert sorted(old.rglob("*")) == before  # neither resurrected nor written to
