"""The sealed test: once for a registered version and a test set, never in an experiment, and each look is counted."""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cxr.common.atomic_files import read_json
from cxr.common.paths import INDEX, LUNG_MASKS, OTHER_VIEWS, PIXELS, SEALED, SPLIT
from cxr.data.dataset import Dataset
from cxr.data.manifest import ImageRow, LungMask, OtherView, read_rows, write_rows
from cxr.inference.predictor import Predictor
from cxr.promotion.moves import EXPERIMENT
from cxr.report.facts import Registered, read_facts
from cxr.sealed.measurement import SealedParams, measure_into
from cxr.tracking.registry import Version
from stages import sealed
from tests.report.made import SIDE, make_files
from tests.tiny import complete_tiny_bundle

VERSION = Version("covid-cxr", 3, "run", "e" * 64, "2026-01-31", "", (), {})
LOOKS = SEALED / "looks.jsonl"


@dataclass
class TrackingInMemory:
    """What the stage asks of MLflow: `cxr.tracking.sealed`, and the registry's bundle."""

    bundle: Path
    version: Version = VERSION
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    stored: Path | None = None

    def find_version(self, name: str, number: int) -> Version:
        assert (name, number) == ("covid-cxr", 3)
        return self.version

    def fetch_bundle(self, version: Version, folder: Path) -> Path:
        return Path(shutil.copytree(self.bundle, folder))

    def known_looks(self, model: str) -> list[dict[str, Any]]:
        return list(self.looks.values())

    def tell_looks(self, model: str, looks: Iterable[Mapping[str, Any]]) -> None:
        self.looks |= {look["id"]: dict(look) for look in looks}

    def log_sealed(self, version: Version, run_id: str, folder: Path, values: Mapping, facts: Mapping) -> None:
        assert (version, run_id) == (self.version, "run")
        self.values, self.facts = dict(values), dict(facts)

    def fetch_sealed(self, version: Version, folder: Path, must_have: str) -> bool:
        if self.stored is None:
            return False
        shutil.copytree(self.stored, folder)
        return True


class Run:
    run_id = "run"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose version is registered. Not to be changed."""
    root = make_files(tmp_path_factory.mktemp("sealed") / "w")
    shutil.rmtree(root / SEALED)
    write_rows([], OtherView, root / OTHER_VIEWS)
    write_rows([], LungMask, root / LUNG_MASKS)
    complete_tiny_bundle(root.parent / "bundle", SIDE)
    return root


@pytest.fixture(scope="module")
def numbers(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the version's measurement leaves; it takes seconds. Not to be changed."""
    folder = tmp_path_factory.mktemp("numbers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(files)
        patients = sealed.patients_of(Dataset.read(INDEX, SPLIT, PIXELS))
        model = Predictor.load(files.parent / "bundle")
        measure_into(folder, model, patients, SealedParams.load(), tmp_path_factory.mktemp("memory"))
    return folder


@pytest.fixture
def computed(numbers: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were computed, not read."""
    found: list[Path] = []

    def counting(folder: Path, *given: Any) -> None:
        found.append(folder)
        shutil.copytree(numbers, folder, dirs_exist_ok=True)

    monkeypatch.setattr(sealed, "measure_into", counting)
    return found


@pytest.fixture
def tracking(files: Path, tmp_path: Path, computed: list[Path], monkeypatch: pytest.MonkeyPatch) -> TrackingInMemory:
    """The working folder is a copy of the workspace."""
    shutil.copytree(files, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    monkeypatch.delenv(EXPERIMENT, raising=False)
    stub = TrackingInMemory(files.parent / "bundle")
    monkeypatch.setattr(sealed, "registry", stub)
    monkeypatch.setattr(sealed, "sealed", stub)
    monkeypatch.setattr(sealed, "publish", lambda reports: Run())
    return stub


def place() -> dict[str, Any]:
    return read_json(SEALED / "registered.json")


def test_a_version_is_measured_once_and_read_from_then_on(tracking: TrackingInMemory, computed: list[Path]) -> None:
    assert "(measured); looks at this test set: 1, at any: 1" in sealed.main()
    before = {path: path.read_bytes() for path in SEALED.rglob("*") if path.is_file()}
    assert "(read, it was measured before); looks at this test set: 1" in sealed.main()
    assert {path: path.read_bytes() for path in SEALED.rglob("*") if path.is_file()} == before
    assert len(computed) == 1
    folder = SEALED / place()["folder"]
    assert {path.name for path in folder.iterdir()} >= {"metrics.json", "groups.json", "audit.json", "roc.csv"}
    (look,) = map(json.loads, LOOKS.read_text().splitlines())
    assert (look["version"], look["bundle_sha256"], look["test_set"]) == (3, "e" * 64, place()["test_set"])
    facts = read_json(folder / "sealed.json")
    assert facts["when"] == look["when"]
    assert "No choice before that used it" in facts["says"]


def test_mlflow_gets_the_numbers_and_the_count(tracking: TrackingInMemory) -> None:
    sealed.main()
    metrics = read_json(SEALED / place()["folder"] / "metrics.json")
    assert tracking.values["auc"] == metrics["auc"]["value"]
    assert tracking.values["auc_low"] == metrics["auc"]["low"]
    assert tracking.values["images"] == 40
    assert any(name.startswith("audit/lungs_blacked_out/") for name in tracking.values)
    assert tracking.facts["looks"] == "1"
    assert tracking.facts["test_set"] == place()["test_set"]
    assert len(tracking.looks) == 1


def test_another_version_is_another_look_at_the_same_test_set(tracking: TrackingInMemory, computed: list[Path]) -> None:
    sealed.main()
    tracking.version = replace(VERSION, bundle_sha256="f" * 64)
    assert "looks at this test set: 2, at any: 2" in sealed.main()
    assert len(computed) == 2
    assert (place()["looks"], tracking.facts["looks"]) == (2, "2")


def test_more_test_patients_are_another_test_set(tracking: TrackingInMemory, computed: list[Path]) -> None:
    sealed.main()
    rows = read_rows(ImageRow, INDEX)
    write_rows([replace(row, sex="F") for row in rows], ImageRow, INDEX)
    assert "looks at this test set: 1, at any: 2" in sealed.main()
    assert len(computed) == 2


def test_an_experiment_looks_at_nothing_and_writes_nothing(
    tracking: TrackingInMemory, computed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXPERIMENT, "swift-fox")
    assert sealed.main() == sealed.NOT_LOOKED
    assert list(SEALED.iterdir()) == []
    monkeypatch.delenv(EXPERIMENT)
    sealed.main()
    before = {path: path.read_bytes() for path in SEALED.rglob("*") if path.is_file()}
    monkeypatch.setenv(EXPERIMENT, "swift-fox")
    tracking.version = replace(VERSION, bundle_sha256="f" * 64)
    sealed.main()
    assert {path: path.read_bytes() for path in SEALED.rglob("*") if path.is_file()} == before
    assert len(computed) == 1


def test_a_fresh_workspace_reads_what_another_one_told_the_registry(
    tracking: TrackingInMemory, computed: list[Path], tmp_path: Path
) -> None:
    sealed.main()
    tracking.stored = Path(shutil.copytree(SEALED / place()["folder"], tmp_path / "stored"))
    shutil.rmtree(SEALED)
    assert "(read, it was measured before); looks at this test set: 1" in sealed.main()
    assert len(computed) == 1


def test_a_computation_that_fails_leaves_no_numbers(
    tracking: TrackingInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(folder: Path, *given: Any) -> None:
        (folder / "metrics.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr(sealed, "measure_into", half)
    with pytest.raises(KeyboardInterrupt):
        sealed.main()
    assert [path for path in SEALED.rglob("*") if path.is_file()] == []


def test_the_report_finds_what_the_stage_wrote(tracking: TrackingInMemory) -> None:
    sealed.main()
    facts = read_facts(Registered(VERSION.name, 3, "run", VERSION.bundle_sha256, VERSION.created))
    assert facts.sealed is not None
    assert facts.shown.whose == "test"
    assert len(facts.sealed.shown.predictions) == 40
    assert {finding["arm"] for finding in facts.sealed.shown.findings} >= {"lungs_blacked_out", "same_source"}
    assert facts.sealed.gate["refused"]["blank"]["images"] > 0
    assert facts.sealed.lungs["why"] == "no source brings lung masks of test patients"


def test_without_test_patients_it_says_what_to_do(tracking: TrackingInMemory) -> None:
    SPLIT.write_text(SPLIT.read_text().replace(",test\n", ",train\n"))
    with pytest.raises(Exception, match="no image is in test"):
        sealed.main()
