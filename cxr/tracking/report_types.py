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


class StoredParent(TypedDict):
    """The parent's tags when it was made, and when that was (ms since 1970)."""

    tags: dict[str, str]
    started: int


class RunReport(TypedDict):
    """run.json: the run's ids, and what is needed to make the run anew: the spec, the tags that say from which
    commit and experiment it came, its parent, and when it was (ms since 1970). Files of earlier versions lack the
    parent and the times."""

    run_id: str
    parent_run_id: NotRequired[str]
    parent: NotRequired[StoredParent]
    spec: StoredSpec
    origin: dict[str, str]
    started: NotRequired[int]
    ended: NotRequired[int]


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
