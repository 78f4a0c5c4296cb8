"""Moving the alias champion. A move is announced in the registry first, so that one that was cut short is known."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from cxr.common.errors import CxrError
from cxr.tracking import registry
from cxr.tracking.registry import CHALLENGER, CHAMPION, PREVIOUS, REPLACED_TAG, ROLLED_BACK_TAG, Version
from cxr.tracking.store import connect

if TYPE_CHECKING:
    from mlflow import MlflowClient

Act = Literal["promote", "automatic", "rollback", "borrow"]
ANNOUNCED_TAG = "cxr.move"  # of the registered model, while a move goes on
MOVE_TAGS = "cxr.move."  # of the version that became champion: cxr.move.who and so on
LONGEST_WHY = 500  # MLflow's tags are short


@dataclass(frozen=True)
class Move:
    """One change of champion. source, target: the versions before and after; source None: there was none. who: a
    person's or an account's name. when: ISO 8601, UTC. why: one sentence."""

    id: str
    act: Act
    source: int | None
    target: int
    who: str
    when: str
    why: str

    @classmethod
    def now(cls, act: Act, source: Version | None, target: Version, who: str, why: str) -> "Move":
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        before = None if source is None else source.number
        return cls(uuid.uuid4().hex, act, before, target.number, who, when, why[:LONGEST_WHY])

    @property
    def record(self) -> dict[str, Any]:
        """As people read it: from and to are no names that Python allows."""
        fields = asdict(self)
        return {"from": fields.pop("source"), "to": fields.pop("target"), **fields}


def announce(name: str, move: Move) -> None:
    connect().set_registered_model_tag(name, ANNOUNCED_TAG, json.dumps(asdict(move)))


def announced(name: str) -> Move | None:
    """The move that was begun and not ended, or None."""
    text = _model_tags(connect(), name).get(ANNOUNCED_TAG)
    return None if text is None else Move(**json.loads(text))


def end(name: str) -> None:
    """The announced move is done, or given up."""
    client = connect()
    if ANNOUNCED_TAG in _model_tags(client, name):
        client.delete_registered_model_tag(name, ANNOUNCED_TAG)


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
