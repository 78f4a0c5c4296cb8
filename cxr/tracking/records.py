"""What a stage tells MLflow of a run, kept as files: all numbers with their steps, tags, figures and tables.

A stage writes its record beside its reports, and `cxr.tracking.publishing` brings records to a store. So a store that
has never heard of the run is told the same as the one that stood beside the training.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cxr.common.atomic_files import read_json, replace_when_complete, sha256_of, write_json
from cxr.common.errors import CxrError
from cxr.common.report_files import SCHEMA_VERSION
from cxr.common.schema import KEY, require_known_schema
from cxr.tracking.spec import flattened, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "record"  # beside run.json: one folder a stage
CONTENT = "record.json"
ARTIFACTS = "artifacts"
EPOCHS = "train"  # the group of what training saw, epoch by epoch


class Point(NamedTuple):
    """One number. time: ms since 1970, or None for the run's end, so that the same results make the same record."""

    name: str
    value: float
    step: int
    time: int | None = None


class Log:
    """What a run can be told. Names of numbers: a group, "/", a name, such as validation/auc; one meaning each."""

    def log_curves(self, curves: Mapping[str, Sequence[float]]) -> None:
        """Values by epoch, from epoch 1: train_loss becomes train/loss, validation_loss train/validation_loss.

        Those of the validation patients stand under train/ too: they are the uncalibrated head's, under its weights.
        """
        self._log_points(
            [
                Point(f"{EPOCHS}/{name.removeprefix('train_')}", value, epoch)
                for name, row in curves.items()
                for epoch, value in enumerate(row, 1)
            ]
        )

    def log_metrics(self, values: Mapping[str, float], group: str = "") -> None:
        before = f"{group}/" if group else ""
        self._log_points([Point(before + name, value, 0) for name, value in values.items()])

    def log_evaluation(self, evaluation: Mapping[str, Any], group: str) -> None:
        """What `cxr.evaluation.metrics.evaluate` gives, as <group>/auc, <group>/auc_low, …; undefined ones are left
        out."""
        self.log_metrics(evaluation_values(evaluation), group)

    def log_figures(self, figures: "Mapping[str, Figure]") -> None:
        """By file name without ending, into figures/."""
        for name, figure in figures.items():
            self._log_artifact(f"figures/{name}.png", figure.savefig)

    def log_json(self, name: str, value: Any) -> None:
        self.log_text(name, json.dumps(value, indent=2, sort_keys=True) + "\n")

    def log_text(self, name: str, text: str) -> None:
        self._log_artifact(name, lambda path: path.write_text(text, encoding="utf-8"))

    def log_file(self, path: Path, folder: str = "") -> None:
        """A file of the workspace, under its own name."""
        raise NotImplementedError

    def tag(self, **tags: str) -> None:
        """Tags of ours, named cxr.<name>."""
        raise NotImplementedError

    def _log_points(self, points: Sequence[Point]) -> None:
        raise NotImplementedError

    def _log_artifact(self, name: str, write: Callable[[Path], Any]) -> None:
        """`write` makes the file that is kept as `name`."""
        raise NotImplementedError


class StageRecord(Log):
    """A record being written into `folder`. Files of the workspace are named in it, not copied.

    run_id, parent_run_id: in the store that it was told to; "" until it was.
    """

    def __init__(self, folder: Path, run_id: str = "", parent_run_id: str = ""):
        self.run_id = run_id
        self.parent_run_id = parent_run_id
        self._folder = folder
        self._points: list[Point] = []
        self._tags: dict[str, str] = {}
        self._files: dict[str, str] = {}

    def log_file(self, path: Path, folder: str = "") -> None:
        self._files[f"{folder}/{path.name}" if folder else path.name] = path.as_posix()

    def tag(self, **tags: str) -> None:
        self._tags |= {f"cxr.{name}": value for name, value in tags.items()}

    def add(self, points: Sequence[Point]) -> None:
        self._log_points(points)

    def close(self) -> None:
        content = {"metrics": self._points, "tags": self._tags, "files": self._files, KEY: SCHEMA_VERSION}
        write_json(content, self._folder / CONTENT)

    def _log_points(self, points: Sequence[Point]) -> None:
        self._points += [Point(name, float(value), step, time) for name, value, step, time in points]

    def _log_artifact(self, name: str, write: Callable[[Path], Any]) -> None:
        path = self._folder / ARTIFACTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)


@contextlib.contextmanager
def written_record(reports: Path, stage: str) -> Iterator[StageRecord]:
    """The stage's record beside the backbone's reports: whole after the block, or as it was before."""
    with replace_when_complete(record_folder(reports, stage)) as partial:
        partial.mkdir()
        record = StageRecord(partial)
        yield record
        record.close()


def record_folder(reports: Path, stage: str) -> Path:
    return reports / FOLDER / stage


@dataclass(frozen=True)
class StoredRecord:
    """A stage's record as it was read. files: by artifact path. digest: the same where all of it is the same."""

    stage: str
    points: Sequence[Point]
    tags: Mapping[str, str]
    files: Mapping[str, Path]
    digest: str


def read_records(reports: Path, stages: Sequence[str] | None = None) -> list[StoredRecord]:
    """The records that are there, of the named stages or of all. Raises CxrError where one is damaged."""
    folder = reports / FOLDER
    present = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    # "<stage>.partial" is what a killed stage leaves.
    wanted = [name for name in present if not name.endswith(".partial") and (stages is None or name in stages)]
    return [_read_record(folder / name) for name in wanted]


def _read_record(folder: Path) -> StoredRecord:
    where = folder / CONTENT
    content = read_json(where)
    require_known_schema(content, SCHEMA_VERSION, str(where))
    own = folder / ARTIFACTS
    try:
        points = [Point(*entry) for entry in content["metrics"]]
        tags = dict(content["tags"])
        files = {name: Path(path) for name, path in content["files"].items()}
    except (KeyError, TypeError, AttributeError) as fault:
        raise CxrError(f"{where} is no record of a stage ({fault!r}); run `dvc repro --force` on the stage") from None
    files |= {path.relative_to(own).as_posix(): path for path in sorted(own.rglob("*")) if path.is_file()}
    missing = [str(path) for path in files.values() if not path.is_file()]
    if missing:
        raise CxrError(f"{where} names {missing[0]}, which is missing; `dvc pull` or `dvc repro` brings it")
    return StoredRecord(folder.name, points, tags, files, _digest(points, tags, files))


def _digest(points: Sequence[Point], tags: Mapping[str, str], files: Mapping[str, Path]) -> str:
    hashes = {name: sha256_of(path) for name, path in files.items()}
    return hashlib.sha256(json.dumps([points, tags, hashes], sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def temporary_file(name: str) -> Iterator[Path]:
    """A path to write to, of this name; gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / os.path.basename(name)


def evaluation_values(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Everything numeric of it: intervals as three, the rest under its own name."""
    flat = flattened(plain(evaluation))
    names = {key: key.removeprefix("counts.").removesuffix(".value").replace(".", "_") for key in flat}
    return {names[key]: value for key, value in flat.items() if isinstance(value, int | float)}
