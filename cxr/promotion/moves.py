"""Moving the champion: the registry's alias, the model that the service finds, the copy under models/champion.

One order for every move: fetch and check the files, store them where the service will look, announce the move, move
the alias, and then let all else follow. A move that is cut short before the alias moved has not happened; after it,
`settle` finishes it at the next start, or takes it back where the new champion's files stay unreadable.
cxr/tracking/aliases.py has the rule by which machines that share a registry leave each other's moves alone.
"""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from cxr.common.atomic_files import replace_when_complete
from cxr.common.author import author
from cxr.common.errors import CxrError
from cxr.common.paths import CHAMPION
from cxr.inference.predictor import Predictor
from cxr.promotion.decision import Decision
from cxr.promotion.record import append_once
from cxr.tracking import aliases, registry
from cxr.tracking.aliases import Act, Move
from cxr.tracking.registry import Version

logger = logging.getLogger(__name__)
EXPERIMENT = "DVC_EXP_NAME"  # DVC sets it for every stage of `dvc exp run`, with --temp and --queue too


class ModelStore(Protocol):
    """Where the service finds models: the module serving.store."""

    def put(self, bundle: Path, model: str, number: int, tags: Mapping[str, str]) -> str: ...

    def point(self, model: str, tag: str) -> None: ...

    def pointer(self, model: str) -> Path: ...


def promote(version: Version, store: ModelStore, act: Act, why: str, over: Decision | None = None) -> Version:
    """Make `version` the champion. Of the champion itself: put its files in place again.

    over: the decision that speaks for it. Raises CxrError where another version became champion since: nobody has
    compared the two.
    """
    with _alone(version.name, store):
        _settle(version.name, store)
        present = registry.champion(version.name)
        if present is not None and present.number == version.number:
            _put_in_place(version, store)
            return version
        number = None if present is None else present.number
        if over is not None and over.champion != number:
            raise CxrError(
                f"version {number} became champion of {version.name} meanwhile; run again to compare with it"
            )
        return _move(Move.now(act, present, version, author(), why), version, store)


def put_in_place(version: Version, store: ModelStore) -> None:
    """Put the champion's files where the service looks, as on a new machine. Of any other version: nothing."""
    settle(version.name, store)
    with _alone(version.name, store):
        present = registry.champion(version.name)
        if present is not None and present.number == version.number:
            _put_in_place(version, store)


def rollback(model: str, store: ModelStore, why: str) -> Version:
    """Make the champion before the present one the champion again; mark the present one, so that no stage promotes it.

    Repeated, it goes further back. A rollback that was cut short is finished instead. Raises CxrError where there is
    nothing to go back to, or where the earlier files cannot be used; then nothing has moved.
    """
    with _alone(model, store):
        finished = _settle(model, store)
        if finished is not None and finished.act == "rollback":
            return registry.find_version(model, finished.target)
        present, earlier = aliases.way_back(model)
        return _move(Move.now("rollback", present, earlier, author(), why), earlier, store)


def settle(model: str, store: ModelStore) -> Move | None:
    """Finish a move whose alias has moved, forget one whose alias has not; the finished move, or None.

    A move that goes on, on another machine, is left alone.
    """
    move = aliases.announced(model)
    if move is None or move.goes_on:
        return None
    with _alone(model, store):
        return _settle(model, store)


def _settle(model: str, store: ModelStore) -> Move | None:
    """As `settle`; raises CxrError where the move goes on."""
    move = aliases.announced(model)
    if move is None:
        return None
    if move.goes_on:
        raise move.busy(model)
    champion = registry.champion(model)
    if champion is None or champion.number != move.target:
        aliases.end(model, move)
        return None
    with contextlib.ExitStack() as opened:
        try:
            bundle = opened.enter_context(_checked(champion))
        except CxrError as fault:
            if move.is_recent:  # its store may be down for a moment
                raise
            _take_back(move, champion, str(fault), store)
            return None
        _follow(move, champion, bundle, store.put(bundle, model, champion.number, champion.tags), store)
    return move


def _take_back(move: Move, champion: Version, fault: str, store: ModelStore) -> None:
    """A move that was cut short and whose new champion stays unreadable: as if it had not happened.

    Where the one before is unreadable too, all stays as it is, so that the next promotion is not held up.
    """
    model = champion.name
    try:
        if move.source is not None:
            _put_in_place(registry.find_version(model, move.source), store)
    except CxrError as fault_before:
        logger.warning("%s stays champion although %s: %s", champion, fault, fault_before)
        aliases.end(model, move)
        return
    aliases.undo(model, move)
    facts = {"from": move.target, "to": move.source, "who": author(), "when": aliases.now(), "why": fault}
    append_once({"model": model, "id": f"{move.id}-undone", "act": "undone", **facts})
    aliases.end(model, move)
    before = "no version" if move.source is None else f"version {move.source}"
    logger.warning("%s is champion of %s again: %s", before, model, fault)


def _move(move: Move, target: Version, store: ModelStore) -> Version:
    with _checked(target) as bundle:
        tag = store.put(bundle, target.name, target.number, target.tags)
        aliases.announce(target.name, move)
        aliases.move_alias(target.name, move)
        return _follow(move, target, bundle, tag, store)


def _follow(move: Move, target: Version, bundle: Path, tag: str, store: ModelStore) -> Version:
    """What comes after the alias. Each step is safe to repeat."""
    version = aliases.tidy(target.name, move)
    store.point(target.name, tag)
    _copy(bundle)
    append_once({"model": target.name, **move.record})
    aliases.end(target.name, move)
    return version


def _put_in_place(version: Version, store: ModelStore) -> None:
    with _checked(version) as bundle:
        store.point(version.name, store.put(bundle, version.name, version.number, version.tags))
        _copy(bundle)


@contextlib.contextmanager
def _checked(version: Version) -> Iterator[Path]:
    """The version's bundle in a temporary folder: as it was registered, and one that loads. Raises CxrError."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = registry.fetch_bundle(version, Path(folder) / "bundle")
        try:
            Predictor.load(bundle)
        except CxrError as fault:
            raise CxrError(f"{version} cannot answer ({fault}); nothing has moved") from None
        yield bundle


def _copy(bundle: Path) -> None:
    with replace_when_complete(CHAMPION) as partial:
        shutil.copytree(bundle, partial)


@contextlib.contextmanager
def _alone(model: str, store: ModelStore) -> Iterator[None]:
    """One move at a time of all processes that share the model store."""
    from filelock import FileLock

    path = store.pointer(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock")):  # the system frees it even when the process is killed
        yield
