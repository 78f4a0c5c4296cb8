"""Champion, served model, models/champion and the record agree: after every move, and after one that was killed."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bentoml
import pytest

from cxr.common import atomic_files
from cxr.common.errors import CxrError
from cxr.common.paths import CHAMPION
from cxr.promotion import moves
from cxr.promotion.decision import Decision
from cxr.promotion.record import PROMOTIONS
from cxr.tracking import aliases, registry
from serving import store
from tests.promotion.registry_in_memory import RegistryInMemory

MODEL = "covid-cxr"
pytestmark = pytest.mark.usefixtures("versions")


class Killed(BaseException):
    """Stands in for kill -9: nothing of ours expects it."""


def promote(number: int, act: aliases.Act = "promote") -> None:
    moves.promote(registry.find_version(MODEL, number), store, act, "it is better")


def rollback() -> int:
    return moves.rollback(MODEL, store, "it was wrong").number


def answers(versions: dict[int, Path]) -> int:
    """The number of the champion, where everything that names a champion agrees and nothing is half done."""
    champion = registry.champion(MODEL)
    assert champion is not None
    facts = (versions[champion.number] / "model.json").read_bytes()
    assert (store.find(f"{MODEL}:champion") / "model.json").read_bytes() == facts
    assert (CHAMPION / "model.json").read_bytes() == facts
    assert store.champion_tag(MODEL) == f"{MODEL}:v{champion.number}"
    assert aliases.announced(MODEL) is None
    assert not champion.rolled_back
    assert "challenger" not in champion.aliases
    return champion.number


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in PROMOTIONS.read_text().splitlines()]


def test_a_move_says_who_when_why_from_and_to(versions: dict[int, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_WHO", "Ada")
    promote(1)
    promote(2, "automatic")
    assert rollback() == answers(versions) == 1
    assert [(line["act"], line["from"], line["to"]) for line in recorded()] == [
        ("promote", None, 1),
        ("automatic", 1, 2),
        ("rollback", 2, 1),
    ]
    assert {line["who"] for line in recorded()} == {"Ada"}
    tags = registry.find_version(MODEL, 1).tags
    assert (tags["cxr.move.who"], tags["cxr.move.why"], tags["cxr.move.from"]) == ("Ada", "it was wrong", "2")
    assert tags["cxr.move.when"] == recorded()[-1]["when"] == registry.find_version(MODEL, 2).rolled_back


def test_promoting_the_champion_again_puts_its_files_in_place(versions: dict[int, Path]) -> None:
    promote(1)
    atomic_files.remove(CHAMPION)
    store.pointer(MODEL).unlink()
    promote(1)
    assert answers(versions) == 1
    assert len(recorded()) == 1


def test_a_version_that_was_compared_with_an_earlier_champion_does_not_replace_the_present_one(
    versions: dict[int, Path],
) -> None:
    """As where two people register at once: the second waits while the first one's version becomes champion."""
    third = registry.find_version(MODEL, 3)
    for seen, present in ((None, 1), (1, 2)):
        promote(present)
        with pytest.raises(CxrError, match=f"version {present} became champion of covid-cxr meanwhile"):
            moves.promote(third, store, "automatic", "it was better", Decision(True, "it was better", champion=seen))
        assert answers(versions) == present
    moves.promote(third, store, "automatic", "it is better", Decision(True, "it is better", champion=2))
    assert answers(versions) == 3


def test_putting_a_champion_of_before_in_place_takes_nobody_back(versions: dict[int, Path]) -> None:
    promote(1)
    before = registry.find_version(MODEL, 1)
    promote(2)
    moves.put_in_place(before, store)
    assert answers(versions) == 2


def test_files_that_cannot_be_read_or_cannot_answer_move_nothing(versions: dict[int, Path], tmp_path: Path) -> None:
    promote(1)
    promote(2)
    good = versions.pop(1)
    for act in (rollback, lambda: promote(1)):
        with pytest.raises(CxrError, match="version 1 cannot be read"):
            act()
    versions[1] = tmp_path / "empty"
    versions[1].mkdir()
    with pytest.raises(CxrError, match="version 1 cannot answer"):
        rollback()
    assert answers(versions) == 2
    assert not registry.find_version(MODEL, 2).rolled_back
    versions[1] = good
    assert rollback() == answers(versions) == 1


def test_a_rollback_over_half_a_version_goes_one_step_back(versions: dict[int, Path]) -> None:
    for number in (1, 2, 3):
        promote(number)
    (store.home() / "models" / MODEL / "v2" / "model.yaml").unlink()
    assert rollback() == answers(versions) == 2


def cut_short(number: int, act: aliases.Act = "promote", **changes: Any) -> aliases.Move:
    """A move to that version whose process was killed just after the alias had moved."""
    move = aliases.Move.now(act, registry.champion(MODEL), registry.find_version(MODEL, number), "Ada", "it is better")
    move = replace(move, **changes)
    aliases.announce(MODEL, move)
    aliases.move_alias(MODEL, move)
    return move


def test_another_machine_s_move_is_left_alone_while_it_may_go_on(versions: dict[int, Path]) -> None:
    promote(1)
    begun = cut_short(2, owner="elsewhere:1")
    assert moves.settle(MODEL, store) is None
    for act in (rollback, lambda: promote(3)):
        with pytest.raises(CxrError, match=r"Ada moves the champion of covid-cxr to version 2 since .*, on elsewhere"):
            act()
    assert aliases.announced(MODEL) == begun


def test_another_machine_s_move_is_finished_when_its_time_is_over(versions: dict[int, Path]) -> None:
    promote(1)
    begun = cut_short(2, owner="elsewhere:1", when="2026-01-01T00:00:00Z")
    assert moves.settle(MODEL, store) == begun
    assert answers(versions) == 2
    assert recorded()[-1]["id"] == begun.id


def test_of_two_machines_that_announce_at_once_one_gives_way(
    versions: dict[int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(1)
    present, other = registry.champion(MODEL), registry.find_version(MODEL, 3)
    theirs = replace(aliases.Move.now("promote", present, other, "Bob", ""), owner="elsewhere:1")
    written = RegistryInMemory.set_registered_model_tag

    def overwritten(self: RegistryInMemory, name: str, key: str, value: str) -> None:
        written(self, name, key, value)
        written(self, name, key, json.dumps(asdict(theirs)))

    with monkeypatch.context() as patch:
        patch.setattr(RegistryInMemory, "set_registered_model_tag", overwritten)
        with pytest.raises(CxrError, match="Bob moves the champion"):
            promote(2)
    assert aliases.announced(MODEL) == theirs
    aliases.end(MODEL, theirs)
    assert answers(versions) == 1


def test_a_move_over_a_champion_that_came_meanwhile_is_given_up(versions: dict[int, Path]) -> None:
    promote(1)
    move = aliases.Move.now("promote", registry.champion(MODEL), registry.find_version(MODEL, 3), "Ada", "")
    promote(2)
    with pytest.raises(CxrError, match="version 2 became champion of covid-cxr meanwhile"):
        aliases.announce(MODEL, move)
    assert answers(versions) == 2


@pytest.mark.parametrize("act", ["promote", "rollback"])
def test_a_champion_whose_files_stay_unreadable_is_taken_back_and_holds_nobody_up(
    act: aliases.Act, versions: dict[int, Path]
) -> None:
    for number in (1, 2):
        promote(number)
    target, source = (3, 2) if act == "promote" else (1, 2)
    good = versions.pop(target)
    young = cut_short(target, act)
    aliases.tidy(MODEL, young)
    with pytest.raises(CxrError, match=f"version {target} cannot be read"):  # its store may be down for a moment
        moves.settle(MODEL, store)
    aliases.connect().set_registered_model_tag(  # as ten minutes later
        MODEL, aliases.ANNOUNCED_TAG, json.dumps(asdict(replace(young, when="2026-01-01T00:00:00Z")))
    )
    assert moves.settle(MODEL, store) is None
    assert answers(versions) == source
    assert (recorded()[-1]["act"], recorded()[-1]["from"], recorded()[-1]["to"]) == ("undone", target, source)
    versions[target] = good
    assert rollback() == answers(versions) == 1


def test_where_both_champions_are_unreadable_the_next_promotion_goes_on(versions: dict[int, Path]) -> None:
    promote(1)
    cut_short(2, when="2026-01-01T00:00:00Z")
    del versions[1], versions[2]
    promote(3)
    assert answers(versions) == 3


def steps() -> list[tuple[Any, str]]:
    """Everything that a move changes outside this process goes through one of these."""
    changing = [name for name in vars(RegistryInMemory) if name.startswith(("set_", "delete_"))]
    return [
        *((RegistryInMemory, name) for name in changing),
        (bentoml.models, "create"),
        (store, "copy_bundle"),
        (store, "write_text"),
        (moves, "_copy"),
        (os, "write"),
    ]


def killed_at(number: int, act: Callable[[], Any]) -> bool:
    """Whether `act` had as many steps, and so was killed before that one."""
    left = number

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0:  # dead processes do nothing more
                raise Killed
            return step(*arguments, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in steps():
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            act()
        except Killed:
            return True
    return False


def test_a_promotion_that_is_killed_at_any_step_has_happened_or_not(versions: dict[int, Path]) -> None:
    promote(1)
    seen = set()
    step = 1
    while killed_at(step, lambda: promote(2)):
        moves.settle(MODEL, store)
        seen.add(number := answers(versions))
        assert len(recorded()) == len({line["id"] for line in recorded()})
        assert recorded()[-1]["to"] == number
        promote(1)
        step += 1
    assert seen == {1, 2}
    assert answers(versions) == 2


def test_the_first_promotion_may_be_killed_too_and_is_made_by_the_next_try(versions: dict[int, Path]) -> None:
    step = 1
    while killed_at(step, lambda: promote(1)):
        step += 1
    assert step > 5
    assert answers(versions) == 1
    assert [line["to"] for line in recorded()] == [1]


def test_a_rollback_that_is_killed_at_any_step_goes_one_step_back_and_no_further(versions: dict[int, Path]) -> None:
    promote(1)
    promote(2)
    promote(3)
    step = 1
    while killed_at(step, rollback):
        assert rollback() == answers(versions) == 2
        assert registry.find_version(MODEL, 3).rolled_back
        assert "previous_champion" in registry.find_version(MODEL, 1).aliases
        promote(3)
        step += 1
    assert step > 5
    assert answers(versions) == 2
