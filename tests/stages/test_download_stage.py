"""The stage as a person runs it: what it says, what it leaves behind, how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cxr.common.config import load_params
from cxr.data.manifest import count_by
from cxr.sources import SOURCES
from cxr.sources.settings import DownloadParams

ROOT = Path(__file__).parents[2]
PHANTOM = {
    "kind": "phantom",
    "patients": 4,
    "image_size": 32,
    "covid_fraction": 0.5,
    "seed": 1,
    "train_on": ["COVID", "NonCOVID"],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's root with class folders of one's own in mine/."""
    for name in ("mine/covid/1.png", "mine/healthy/2.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def own(origin: str = "mine") -> dict:
    classes = {"covid": "COVID", "healthy": "NonCOVID"}
    return {"kind": "folder", "origin": origin, "classes": classes, "patient": r"^(\d+)", "train_on": ["COVID"]}


def run(project: Path, sources: dict, external: dict | None = None) -> subprocess.CompletedProcess[str]:
    text = yaml.safe_dump({"download": {"sources": sources, "external": external or {}}})
    (project / "params.yaml").write_text(text)
    command = [sys.executable, "-m", "stages.download"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_all_sources_are_brought_and_one_line_says_so(project: Path):
    done = run(project, {"made": PHANTOM}, {"own": own()})
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert "fetched made, own" in line
    configured = load_params(DownloadParams, project / "params.yaml").all()
    for name, params in configured.items():
        listing = SOURCES[params.kind].list_images(params, project / "data/raw" / name, name)
        assert set(count_by(listing.candidates, "label")) == {"COVID", "NonCOVID"}


def test_a_source_that_is_no_longer_configured_is_removed_and_the_other_kept(project: Path):
    run(project, {"made": PHANTOM, "own": own()})
    done = run(project, {"made": PHANTOM})
    assert "already there: made" in done.stdout
    assert [path.name for path in (project / "data/raw").iterdir()] == ["made"]


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"own": own("nowhere")}, "own: origin nowhere is not a directory"),
        ({"own": own("public")}, "has no public origin"),
        ({"own": {**own(), "patient": "("}}, "not a regular expression"),
        ({"own": {**own(), "extra": 1}}, "unknown key 'extra'"),
        ({"../own": own()}, "is not a folder's name"),
    ],
)
def test_a_fault_is_one_sentence_on_standard_error_and_a_bad_status(project: Path, sources: dict, words: str):
    done = run(project, sources)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert words in line
    assert not (project / "data/raw/own").exists()
