"""Which run a backbone's files are of: run.json, from which any store can be told of the run anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cxr.common.atomic_files import read_json
from cxr.common.errors import CxrError
from cxr.common.report_files import SCHEMA_VERSION, write_report
from cxr.common.schema import require_known_schema
from cxr.tracking.report_types import RunReport
from cxr.tracking.spec import RunSpec, plain

NEEDED = {"run_id", "parent", "spec", "origin", "started", "ended"}


@dataclass(frozen=True)
class ParentFacts:
    """The parent's tags when it was made, and when that was (ms since 1970)."""

    tags: Mapping[str, str]
    started: int


@dataclass(frozen=True)
class RunIdentity:
    """key: the run's id in the store that the training wrote to; in any other store it has another id, and this as a
    tag. parent_run_id: there. origin: tags that say where it came from. started, ended: of training, ms since 1970."""

    key: str
    parent_run_id: str
    parent: ParentFacts
    spec: RunSpec
    origin: Mapping[str, str]
    started: int
    ended: int

    @classmethod
    def read(cls, path: Path) -> "RunIdentity":
        """Raises CxrError where the file is missing, damaged, or of a layout that this program does not know."""
        stored = read_json(path)
        if isinstance(stored, dict):
            require_known_schema(stored, SCHEMA_VERSION, str(path))
        if not isinstance(stored, dict) or not stored.keys() >= NEEDED:
            raise CxrError(f"{path} does not describe a run; run `dvc repro --force train`")
        spec = RunSpec.from_json(stored["spec"], str(path))
        parent = ParentFacts(stored["parent"]["tags"], stored["parent"]["started"])
        parent_run_id = stored.get("parent_run_id", "")
        return cls(stored["run_id"], parent_run_id, parent, spec, stored["origin"], stored["started"], stored["ended"])

    def write(self, path: Path) -> None:
        report: RunReport = {
            "run_id": self.key,
            "parent_run_id": self.parent_run_id,
            "parent": {"tags": dict(self.parent.tags), "started": self.parent.started},
            "spec": plain(self.spec),
            "origin": dict(self.origin),
            "started": self.started,
            "ended": self.ended,
        }
        write_report(report, path)
