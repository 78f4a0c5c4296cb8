"""Say what counts as the same when two workspaces are compared: the tolerance, and what may differ and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

TOLERANCE = 1e-9


@dataclass(frozen=True)
class LeftOut:
    """A key of JSON objects or a column of tables that may differ. files: a pattern of the files where it may."""

    files: str
    key: str
    reason: str


_RUN = "reports/models/*/run.json"
_REGISTER = "reports/register.json"
LEFT_OUT = (
    LeftOut(_RUN, "run_id", "MLflow draws a new id for every run"),
    LeftOut(_RUN, "parent_run_id", "MLflow draws a new id for every run"),
    LeftOut(_RUN, "mlflow.source.git.commit", "names the commit of the code, and the code is what was changed"),
    LeftOut(_RUN, "cxr.git_changed", "says whether the code was committed when the run began"),
    LeftOut(_RUN, "dvc.exp_name", "DVC makes up a name for every experiment"),
    LeftOut(_RUN, "dvc.exp_baseline", "names the commit that an experiment began at"),
    LeftOut("reports/models/*/precision.json", "times_f32", "is a measured speed, and no two measurements agree"),
    LeftOut("*.json", "schema_version", "says which layout the file has, and earlier files did not say it"),
    LeftOut("reports/sealed/*", "when", "says when the test patients were looked at"),
    LeftOut("reports/sealed/*", "says", "says when the test patients were looked at"),
    LeftOut("reports/sealed/*", "version", "the registry counts the models that this workspace has registered"),
    LeftOut("reports/sealed/registered.json", "looks", "counts what happened in this workspace and its registry"),
    LeftOut("reports/sealed/registered.json", "looks_ever", "counts what happened in this workspace and its registry"),
    LeftOut(_REGISTER, "version", "the registry counts the models that this workspace has registered"),
    LeftOut(_REGISTER, "reason", "speaks of the champion before, which a first run in a workspace does not have"),
)


@dataclass(frozen=True)
class Rules:
    """What counts as the same.

    tolerance: the largest difference between two equal numbers. renamed: keys of before to keys of after. one_sided:
    patterns of files that only one workspace may have.
    """

    tolerance: float = TOLERANCE
    left_out: Sequence[LeftOut] = LEFT_OUT
    renamed: Mapping[str, str] = field(default_factory=dict)
    one_sided: Sequence[str] = ()

    def keys_left_out_of(self, name: str) -> frozenset[str]:
        return frozenset(rule.key for rule in self.left_out if fnmatchcase(name, rule.files))

    def may_be_one_sided(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.one_sided)
