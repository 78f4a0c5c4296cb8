"""Everything that the report and the model card say in numbers, read from the files that the stages wrote."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import yaml

from cxr.audit.report_types import AuditReport, FindingEntry
from cxr.audit.verdict import ASKED
from cxr.common.atomic_files import sha256_of
from cxr.common.config import PARAMS_FILE
from cxr.common.errors import CxrError
from cxr.common.paths import INDEX, MODEL_REPORTS, REPORTS, SEALED, SPLIT, TRAINED
from cxr.common.report_files import read_report
from cxr.data.manifest import ImageRow, read_rows
from cxr.data.predictions import PredictionRow
from cxr.data.report_types import IndexReport, SplitReport
from cxr.data.splits import SplitRow
from cxr.evaluation.curves import read_history
from cxr.evaluation.report_types import GateReport, GroupsReport, LungsReport, MetricsReport
from cxr.inference.model_facts import ModelFacts
from cxr.report.cohort import Described, cohort
from cxr.sealed.report_types import SealedAudit, SealedFacts, SealedGate, SealedLungs, SealedPlace
from cxr.tracking.report_types import RegisterReport, RunReport
from cxr.unseen.report_types import UnseenReport

PACKAGES = ("numpy", "openvino", "tensorflow", "keras", "numba", "pillow", "pydicom", "mlflow", "dvc", "bentoml")

Report = TypeVar("Report")


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
class ModelFiles:
    """One backbone's files. All that is measured is on validation patients."""

    validation: MetricsReport
    groups: GroupsReport  # of the validation patients
    history: Mapping[str, Sequence[float]]
    run: RunReport
    facts: Mapping[str, Any]  # of model.json, as it stands there
    audit: AuditReport
    unseen: UnseenReport

    @property
    def best_epoch(self) -> int:
        """The epoch that was kept, from 1: the first with the lowest validation loss."""
        losses = list(self.history["validation_loss"])
        return losses.index(min(losses)) + 1


@dataclass(frozen=True)
class Shown:
    """The numbers that stand first, and whose they are. whose: "test" or "validation". findings: the audit's about the
    same patients."""

    whose: str
    metrics: MetricsReport
    groups: GroupsReport
    predictions: Sequence[PredictionRow]
    findings: Sequence[FindingEntry]


@dataclass(frozen=True)
class Sealed:
    """The registered version on test patients. about: when and why it was measured. looks: at this test set, and at
    any. gate: the shares refused. lungs: the segmenter's Dice, where masks of test patients are known."""

    shown: Shown
    about: SealedFacts
    looks: int
    looks_ever: int
    gate: SealedGate
    lungs: SealedLungs


@dataclass(frozen=True)
class ReportFacts:
    """params: of params.yaml, as plain values. register, index, split, lungs, gate: the reports of those stages.
    predictions: of the winner, on validation patients. sealed: None where nobody looked at the test patients.
    files: sha256 of all that was read, by path. software: versions by name."""

    registered: Registered
    params: Mapping[str, Any]
    register: RegisterReport
    models: Mapping[str, ModelFiles]
    predictions: Sequence[PredictionRow]
    sealed: Sealed | None
    index: IndexReport
    split: SplitReport
    cohort: Mapping[str, Described]
    lungs: LungsReport
    gate: GateReport
    files: Mapping[str, str]
    software: Mapping[str, str] = field(default_factory=dict)

    @property
    def winner(self) -> str:
        return self.register["winner"]

    @property
    def model(self) -> ModelFiles:
        return self.models[self.winner]

    @property
    def shown(self) -> Shown:
        """The sealed test where it was taken, else the validation patients."""
        if self.sealed is not None:
            return self.sealed.shown
        return Shown("validation", self.model.validation, self.model.groups, self.predictions, self.audit_findings)

    @property
    def audit_findings(self) -> Sequence[FindingEntry]:
        return self.model.audit["findings"]


def read_facts(registered: Registered, root: Path = Path()) -> ReportFacts:
    """The facts of the winner of the present `dvc repro`. Raises CxrError that names a missing file."""
    files = _Files(root)
    register = files.report(RegisterReport, REPORTS / "register.json")
    if registered.number != register["version"]:
        raise CxrError(f"{registered.name} version {registered.number} is not {register['version']}, as register.json")
    index = files.rows(ImageRow, INDEX)
    split = files.rows(SplitRow, SPLIT)
    return ReportFacts(
        registered=registered,
        params=yaml.safe_load((root / PARAMS_FILE).read_text(encoding="utf-8")),
        register=register,
        models={name: _model(files, name) for name in register["validation"]},
        predictions=files.rows(PredictionRow, MODEL_REPORTS / register["winner"] / "validation.csv"),
        sealed=_sealed(files, registered),
        index=files.report(IndexReport, REPORTS / "index.json"),
        split=files.report(SplitReport, REPORTS / "split.json"),
        cohort=cohort(index, {row.path: row.split for row in split}),
        lungs=files.report(LungsReport, REPORTS / "lungs.json"),
        gate=files.report(GateReport, REPORTS / "gate.json"),
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
        self.root = root
        self.hashes = dict[str, str]()

    def report(self, kind: type[Report], path: Path) -> Report:
        report = read_report(kind, self.root / path)
        self._remember(path)
        return report

    def model(self, path: Path) -> Mapping[str, Any]:
        facts = ModelFacts.read(self.root / path)
        self._remember(path)
        return facts.document

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


def _model(files: _Files, backbone: str) -> ModelFiles:
    reports = MODEL_REPORTS / backbone
    return ModelFiles(
        validation=files.report(MetricsReport, reports / "validation.json"),
        groups=files.report(GroupsReport, reports / "validation_groups.json"),
        history=files.history(reports / "history.csv"),
        run=files.report(RunReport, reports / "run.json"),
        facts=files.model(TRAINED / backbone / "model.json"),
        audit=_audit(files, reports / "audit.json"),
        unseen=files.report(UnseenReport, reports / "unseen.json"),
    )


def _audit(files: _Files, path: Path) -> AuditReport:
    audit = files.report(AuditReport, path)
    if audit.get("asked") != ASKED:
        raise CxrError(f"{path} was made on test patients by an earlier version; run `dvc repro`")
    return audit


def _sealed(files: _Files, registered: Registered) -> Sealed | None:
    """None where the stage `sealed` has not measured this version, as in an experiment."""
    if not (files.root / SEALED / "registered.json").is_file():
        return None
    place = files.report(SealedPlace, SEALED / "registered.json")
    if place["bundle_sha256"] != registered.bundle_sha256:
        return None
    folder = SEALED / place["folder"]
    shown = Shown(
        whose="test",
        metrics=files.report(MetricsReport, folder / "metrics.json"),
        groups=files.report(GroupsReport, folder / "groups.json"),
        predictions=files.rows(PredictionRow, folder / "predictions.csv"),
        findings=files.report(SealedAudit, folder / "audit.json")["findings"],
    )
    return Sealed(
        shown=shown,
        about=files.report(SealedFacts, folder / "sealed.json"),
        looks=place["looks"],
        looks_ever=place["looks_ever"],
        gate=files.report(SealedGate, folder / "gate.json"),
        lungs=files.report(SealedLungs, folder / "lungs.json"),
    )
