"""Everything that the report and the model card say in numbers, read from the files that the stages wrote."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from cxr.common.atomic_files import read_json, sha256_of
from cxr.common.config import PARAMS_FILE
from cxr.common.errors import CxrError
from cxr.common.paths import INDEX, MODEL_REPORTS, REPORTS, SPLIT, TRAINED
from cxr.data.manifest import ImageRow, read_rows
from cxr.data.predictions import PredictionRow
from cxr.data.splits import SplitRow
from cxr.evaluation.curves import read_history
from cxr.report.cohort import cohort

PACKAGES = ("numpy", "openvino", "tensorflow", "keras", "numba", "pillow", "pydicom", "mlflow", "dvc", "bentoml")


@dataclass(frozen=True)
class Registered:
    """The version in MLflow's registry. run_id: of the run that trained it. bundle_sha256: of its files. created: when,
    ISO 8601 date."""

    name: str
    number: int
    run_id: str
    bundle_sha256: str
    created: str


@dataclass(frozen=True)
class ModelFacts:
    """One backbone's files."""

    metrics: Mapping[str, Any]
    validation: Mapping[str, Any]
    groups: Mapping[str, Any]
    history: Mapping[str, Sequence[float]]
    run: Mapping[str, Any]
    facts: Mapping[str, Any]
    audit: Mapping[str, Any]

    @property
    def best_epoch(self) -> int:
        """The epoch that was kept, from 1: the first with the lowest validation loss."""
        losses = list(self.history["validation_loss"])
        return losses.index(min(losses)) + 1


@dataclass(frozen=True)
class ReportFacts:
    """params: of params.yaml, as plain values. register, index, split, lungs, gate: the reports of those stages.
    files: sha256 of all that was read, by path. software: versions by name."""

    registered: Registered
    params: Mapping[str, Any]
    register: Mapping[str, Any]
    models: Mapping[str, ModelFacts]
    predictions: Sequence[PredictionRow]
    index: Mapping[str, Any]
    split: Mapping[str, Any]
    cohort: Mapping[str, Any]
    lungs: Mapping[str, Any]
    gate: Mapping[str, Any]
    files: Mapping[str, str]
    software: Mapping[str, str] = field(default_factory=dict)

    @property
    def winner(self) -> str:
        return self.register["winner"]

    @property
    def model(self) -> ModelFacts:
        return self.models[self.winner]


def read_facts(registered: Registered, root: Path = Path()) -> ReportFacts:
    """The facts of the winner of the present `dvc repro`. Raises CxrError that names a missing file."""
    files = _Files(root)
    register = files.json(REPORTS / "register.json")
    if registered.number != register["version"]:
        raise CxrError(f"{registered.name} version {registered.number} is not {register['version']}, as register.json")
    index, split = files.rows(ImageRow, INDEX), files.rows(SplitRow, SPLIT)
    return ReportFacts(
        registered=registered,
        params=yaml.safe_load((root / PARAMS_FILE).read_text(encoding="utf-8")),
        register=register,
        models={name: _model(files, name) for name in register["validation"]},
        predictions=files.rows(PredictionRow, MODEL_REPORTS / register["winner"] / "predictions.csv"),
        index=files.json(REPORTS / "index.json"),
        split=files.json(REPORTS / "split.json"),
        cohort=cohort(index, {row.path: row.split for row in split}),
        lungs=files.json(REPORTS / "lungs.json"),
        gate=files.json(REPORTS / "gate.json"),
        files=files.hashes,
        software=software(),
    )


def software() -> dict[str, str]:
    """Versions of Python and of those of PACKAGES that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class _Files:
    """Reads files below a folder and remembers the hash of each."""

    def __init__(self, root: Path):
        self.root, self.hashes = root, dict[str, str]()

    def json(self, path: Path) -> Any:
        value = read_json(self.root / path)
        self._remember(path)
        return value

    def rows(self, row_type: type, path: Path) -> list[Any]:
        rows: list[Any] = read_rows(row_type, self.root / path)
        self._remember(path)
        return rows

    def history(self, path: Path) -> dict[str, list[float]]:
        curves = read_history(self.root / path)
        self._remember(path)
        return curves

    def _remember(self, path: Path) -> None:
        self.hashes[path.as_posix()] = sha256_of(self.root / path)


def _model(files: _Files, backbone: str) -> ModelFacts:
    reports = MODEL_REPORTS / backbone
    return ModelFacts(
        metrics=files.json(reports / "metrics.json"),
        validation=files.json(reports / "validation.json"),
        groups=files.json(reports / "groups.json"),
        history=files.history(reports / "history.csv"),
        run=files.json(reports / "run.json"),
        facts=files.json(TRAINED / backbone / "model.json"),
        audit=files.json(reports / "audit.json"),
    )
