"""run.json and register.json, as later stages read them."""

from typing import NotRequired

from typing_extensions import TypedDict


class Hashes(TypedDict):
    """sha256 of the tables that a run was trained from."""

    index: NotRequired[str]
    split: str


class StoredSpec(TypedDict):
    """A `RunSpec` as run.json has it; what the report reads of it."""

    hashes: Hashes


class RunReport(TypedDict):
    """run.json: the run's ids, and what is needed to make the run anew: the spec, and the tags that say from which
    commit and experiment it came."""

    run_id: str
    parent_run_id: NotRequired[str]
    spec: StoredSpec
    origin: dict[str, str]


class RegisterReport(TypedDict):
    """register.json: the winner and what became of it. why: it won. validation: the metric that it won by, by backbone.
    version: in the registry. reason: why it is champion or not."""

    winner: str
    why: str
    validation: dict[str, float | None]
    version: int
    better: NotRequired[bool]  # files of earlier versions lack it
    promoted: bool
    reason: str
