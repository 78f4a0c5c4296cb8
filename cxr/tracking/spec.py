"""What a training run is made of and where it ran: the facts that go to MLflow and into run.json."""

import dataclasses
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cxr.common.author import author
from cxr.common.errors import CxrError
from cxr.tracking.store import workspace

# The sections whose values, with the split, make two repros the same one.
GROUP_SECTIONS = ("features", "train")
DVC_VARIABLES = {"DVC_STAGE": "dvc.stage", "DVC_EXP_NAME": "dvc.exp_name", "DVC_EXP_BASELINE_REV": "dvc.exp_baseline"}


@dataclass(frozen=True)
class DataInput:
    """One split, as MLflow's data set input. context: train, validation or test. source: where it
    came from, in words or as an address. digest: of its table, hex; MLflow keeps 36 characters."""

    name: str
    context: str
    source: str
    digest: str
    images: int
    patients: int


@dataclass(frozen=True)
class RunSpec:
    """What a training run is made of; nothing in it depends on how the training goes.

    params: sections of params.yaml (dataclasses or mappings) by name. hashes: sha256 by name; "split" is needed.
    """

    experiment: str
    backbone: str
    params: Mapping[str, Any]
    hashes: Mapping[str, str]
    datasets: Sequence[DataInput] = ()

    @classmethod
    def from_json(cls, stored: Any, where: str) -> "RunSpec":
        """The inverse of `plain(spec)`; where: the file's name, for the error."""
        try:
            return cls(**{**stored, "datasets": [DataInput(**item) for item in stored["datasets"]]})
        except (KeyError, TypeError) as fault:
            raise CxrError(f"{where} does not describe a run ({fault!r}); run `dvc repro --force train`") from None

    @property
    def group(self) -> str:
        """The same for every backbone of one `dvc repro`: 12 hex digits of the split and of what trains on it."""
        params = plain(self.params)
        chosen = {name: params.get(name) for name in GROUP_SECTIONS}
        text = json.dumps({"split": self.hashes["split"], **chosen}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def run_tags(spec: RunSpec) -> dict[str, str]:
    """Where a run comes from: its group, the data's hashes, DVC's and git's names for it, who started what."""
    dvc = {tag: os.environ[name] for name, tag in DVC_VARIABLES.items() if os.environ.get(name)}
    hashes = {f"cxr.{name}_sha256": value for name, value in spec.hashes.items()}
    source = {"mlflow.source.name": f"stages/train.py {spec.backbone}", "mlflow.source.type": "LOCAL"}
    return {"cxr.group": spec.group, **hashes, **dvc, **_git_tags(), **source, "mlflow.user": author()}


def _git_tags() -> dict[str, str]:
    """The commit and whether tracked files differ from it; nothing outside a git repository."""
    commit = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--untracked-files=no")
    if not commit:
        return {}
    branch = _git("symbolic-ref", "--short", "--quiet", "HEAD")  # nothing where a commit is checked out by its hash
    named = {"mlflow.source.git.branch": branch} if branch else {}
    return {"mlflow.source.git.commit": commit, **named, "cxr.git_changed": "true" if changes else "false"}


def _git(*arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(workspace()), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def flattened(value: Any, prefix: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} as {"a.b": 1}; lists stay whole."""
    if not isinstance(value, dict) or not value:
        return {prefix: value} if prefix else {}
    return {
        name: leaf
        for key, item in value.items()
        for name, leaf in flattened(item, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def plain(value: Any) -> Any:
    """Dataclasses and tuples as JSON would have them, so that what is read back compares equal."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
