"""Moving the alias champion. A move is announced in the registry first, so that one that was cut short is known.

The registry may be shared by several machines, and it has no lock. The rule: an announced move belongs to the process
that announced it. Others leave it alone while that process may be at work: as long as it lives on the same machine, and
for `LEASE_S` seconds on another one. After that anybody may finish it or take it back. A move takes seconds.
"""

import calendar
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from cxr.common.errors import CxrError
from cxr.tracking import registry
from cxr.tracking.registry import CHALLENGER, CHAMPION, PREVIOUS, REPLACED_TAG, ROLLED_BACK_TAG, Version
from cxr.tracking.runs import is_alive, this_process
from cxr.tracking.store import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

Act = Literal["promote", "automatic", "rollback", "borrow"]
ANNOUNCED_TAG = "cxr.move"  # of the registered model, while a move goes on
MOVE_TAGS = "cxr.move."  # of the version that became champion: cxr.move.who and so on
LONGEST_WHY = 500  # MLflow's tags are short
LEASE_S = 600
_ISO = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Move:
    """One change of champion. source, target: the versions before and after; source None: there was none. who: a
    person's or an account's name. when: ISO 8601, UTC. why: one sentence. owner: machine:process."""

    id: str
    act: Act
    source: int | None
    target: int
    who: str
    when: str
    why: str
    owner: str = ""

    @classmethod
    def now(cls, act: Act, source: Version | None, target: Version, who: str, why: str) -> "Move":
        before = None if source is None else source.number
        return cls(uuid.uuid4().hex, act, before, target.number, who, now(), why[:LONGEST_WHY], this_process())

    @property
    def record(self) -> dict[str, Any]:
        """As people read it: from and to are no names that Python allows."""
        fields = asdict(self)
        del fields["owner"]
        return {"from": fields.pop("source"), "to": fields.pop("target"), **fields}

    @property
    def is_recent(self) -> bool:
        """Whether it was announced less than `LEASE_S` ago, by a clock that may be ahead of this machine's."""
        return abs(time.time() - calendar.timegm(time.strptime(self.when, _ISO))) < LEASE_S

    @property
    def goes_on(self) -> bool:
        """Whether the process that announced it may still be at work. This one is not: it would hold the lock."""
        return self.is_recent and self.owner not in ("", this_process()) and is_alive(self.owner)

    def busy(self, name: str) -> CxrError:
        return CxrError(
            f"{self.who} moves the champion of {name} to version {self.target} since {self.when}, on "
            f"{self.owner.partition(':')[0]}; run again when that is done, at the latest after {LEASE_S // 60} minutes"
        )


def now() -> str:
    return time.strftime(_ISO, time.gmtime())


def announce(name: str, move: Move) -> None:
    """Raises CxrError where another machine announces one at the same time, or has moved the alias meanwhile: one of
    the two goes on, or none."""
    connect().set_registered_model_tag(name, ANNOUNCED_TAG, json.dumps(asdict(move)))
    stands = announced(name)
    if stands is not None and stands.id != move.id:
        raise stands.busy(name)
    present = registry.champion(name)
    number = None if present is None else present.number
    if number != move.source:
        end(name, move)
        raise CxrError(f"version {number} became champion of {name} meanwhile; run again to compare with it")


def announced(name: str) -> Move | None:
    """The move that was begun and not ended, or None."""
    text = _model_tags(connect(), name).get(ANNOUNCED_TAG)
    return None if text is None else Move(**json.loads(text))


def end(name: str, move: Move) -> None:
    """The move is done, or given up. Another one's announcement stays."""
    stands = announced(name)
    if stands is not None and stands.id == move.id:
        connect().delete_registered_model_tag(name, ANNOUNCED_TAG)


def move_alias(name: str, move: Move) -> None:
    """The one step that decides: before it the old champion answers, after it the new one."""
    connect().set_registered_model_alias(name, CHAMPION, str(move.target))


def tidy(name: str, move: Move) -> Version:
    """Bring the tags and the other aliases behind the moved one; gives the champion. Safe to repeat."""
    client = connect()
    target = str(move.target)
    if move.act == "rollback":
        client.set_model_version_tag(name, str(move.source), ROLLED_BACK_TAG, move.when)
        before = earlier(registry.find_version(name, move.target))
        _set_previous(client, name, None if before is None else before.number)
    else:
        if move.source is not None:
            client.set_model_version_tag(name, target, REPLACED_TAG, str(move.source))
            _set_previous(client, name, move.source)
        if registry.find_version(name, move.target).rolled_back:
            client.delete_model_version_tag(name, target, ROLLED_BACK_TAG)
        if registry.aliases(client, name).get(CHALLENGER) == move.target:
            client.delete_registered_model_alias(name, CHALLENGER)
    for key, value in move.record.items():
        client.set_model_version_tag(name, target, MOVE_TAGS + key, "none" if value is None else str(value))
    return registry.find_version(name, move.target)


def undo(name: str, move: Move) -> None:
    """The alias as it was before the move, and the tags that go with it. Safe to repeat."""
    client = connect()
    if move.source is None:
        client.delete_registered_model_alias(name, CHAMPION)
        return
    if move.act == "rollback":
        if registry.find_version(name, move.source).rolled_back:
            client.delete_model_version_tag(name, str(move.source), ROLLED_BACK_TAG)
    elif REPLACED_TAG in registry.find_version(name, move.target).tags:
        client.delete_model_version_tag(name, str(move.target), REPLACED_TAG)
    before = earlier(registry.find_version(name, move.source))
    _set_previous(client, name, None if before is None else before.number)
    client.set_registered_model_alias(name, CHAMPION, str(move.source))


def set_champion(version: Version, act: Act = "promote", who: str = "", why: str = "") -> Version:
    """Move the alias champion to this version, in the registry alone; the one before stays as previous_champion.

    Safe to repeat.
    """
    present = registry.champion(version.name)
    if present is not None and present.number == version.number:
        return present
    move = Move.now(act, present, version, who, why)
    move_alias(version.name, move)
    return tidy(version.name, move)


def way_back(name: str) -> tuple[Version, Version]:
    """The present champion and the one to go back to. Raises CxrError where there is none."""
    present = registry.champion(name)
    if present is None:
        raise CxrError(f"{name} has no champion; run `dvc repro`, then `make promote VERSION=…`")
    before = earlier(present)
    if before is None:
        raise CxrError(f"{present} is the first champion; there is none to go back to")
    return present, before


def earlier(version: Version) -> Version | None:
    """Back along what replaced what, over versions that were themselves rolled back."""
    seen = {version.number}
    current = version
    while REPLACED_TAG in current.tags and int(current.tags[REPLACED_TAG]) not in seen:
        current = registry.find_version(version.name, int(current.tags[REPLACED_TAG]))
        seen.add(current.number)
        if not current.rolled_back:
            return current
    return None


def _set_previous(client: "MlflowClient", name: str, number: int | None) -> None:
    if number is not None:
        client.set_registered_model_alias(name, PREVIOUS, str(number))
    elif PREVIOUS in registry.aliases(client, name):
        client.delete_registered_model_alias(name, PREVIOUS)


def _model_tags(client: "MlflowClient", name: str) -> Mapping[str, str]:
    from mlflow.exceptions import MlflowException

    try:
        return dict(client.get_registered_model(name).tags)
    except MlflowException as fault:
        if fault.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
