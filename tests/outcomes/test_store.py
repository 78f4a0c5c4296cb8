"""The store of outcomes: told, corrected, refused, and bounded in size and age."""

import sqlite3
import stat
from collections import Counter
from pathlib import Path

import pytest

from cxr.outcomes.records import NO_BIN, STATES, TRUTHS, Given, Setup, given_of, id_of_text, new_id, text_of_id
from cxr.outcomes.store import DAYS_KEPT, DAYS_OPEN, MOST_ANSWERS, MOST_BYTES, OutcomeStore, StoreError
from cxr.watch.store import Key, Store
from tests.outcomes.made import BARE, NOW, REFUSED, SETUP, fill, said, store_in


def truths(store: OutcomeStore, setup: Setup = SETUP) -> dict[str, int]:
    found: Counter[str] = Counter()
    for cell, answers in store.counts(setup).items():
        found[TRUTHS[cell.truth]] += answers
    return dict(found)


def test_an_id_is_random_has_its_form_and_no_other_text_is_one() -> None:
    ids = {text_of_id(new_id()) for _ in range(100)}
    assert len(ids) == 100
    for text in ids:
        assert text_of_id(id_of_text(text) or b"") == text
    for text in ("", "a" + "0" * 31, "a" + "G" * 32, "b" + "0" * 32, "a" + "0" * 32 + "\n", "a" + "0" * 33):
        assert id_of_text(text) is None


def test_an_outcome_is_taken_once_however_often_it_is_told_and_the_last_one_holds(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    first, second = fill(store, [(said(0.9), None), (said(0.1), None)])
    assert truths(store) == {"none": 2}
    assert store.take([(first, "positive")] * 3 + [(second, "unknown")], NOW) == ["taken"] * 4
    assert truths(store) == {"positive": 1, "unknown": 1}
    assert store.take([(first, "negative"), (second, "positive"), (second, "negative")], NOW) == ["taken"] * 3
    assert truths(store) == {"negative": 2}


def test_an_id_that_was_never_given_and_one_that_is_too_old_are_told_apart(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (number,) = fill(store, [(said(0.9), "positive")])
    later = NOW + 24 * DAYS_OPEN + 1
    assert store.take([(number, "negative"), (new_id(), "negative")], later) == ["expired_id", "unknown_id"]
    assert truths(store) == {"positive": 1}


def test_old_ids_go_and_their_counts_stay(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (number,) = fill(store, [(said(0.9), "positive")])
    fill(store, [(said(0.9), None)], hour=NOW + 24 * DAYS_KEPT)
    store.tidy(NOW + 24 * DAYS_KEPT + 1)
    assert store.take([(number, "negative")], NOW) == ["unknown_id"]
    assert truths(store) == {"positive": 1, "none": 1}
    (used,) = store.setups()
    assert (used.first, used.last) == (NOW, NOW + 24 * DAYS_KEPT)


def test_too_many_ids_lose_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.outcomes.store.MOST_ANSWERS", 4)
    store = store_in(tmp_path)
    ids = [fill(store, [(said(0.9), None)], hour=NOW + hour)[0] for hour in range(6)]
    store.tidy(NOW + 6)
    assert store.take([(number, "positive") for number in ids], NOW + 6) == ["unknown_id"] * 2 + ["taken"] * 4


def test_models_and_profiles_are_kept_apart_and_the_oldest_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxr.outcomes.store.MOST_SETUPS", 2)
    store = store_in(tmp_path)
    setups = [BARE, SETUP, Setup("covid-cxr:4", "St. Somewhere", "0" * 12)]
    for hour, setup in enumerate(setups):
        fill(store, [(said(0.9), "positive")], setup, NOW + hour)
    assert [used.setup for used in store.setups()] == setups[::-1]
    store.tidy(NOW + 3)
    assert [used.setup for used in store.setups()] == setups[:0:-1]
    assert truths(store, BARE) == {}


def test_a_refused_picture_has_an_outcome_too(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    fill(store, [(REFUSED, "positive")])
    ((cell, answers),) = store.counts(SETUP).items()
    assert (STATES[cell.state], cell.bin, answers) == ("Refused", NO_BIN, 1)


def test_the_largest_file_stays_below_its_bound(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    rows = 20_000
    given = given_of(said(0.9), SETUP, NOW)
    for _ in range(4):
        store.add({new_id(): given for _ in range(rows // 4)})
    with sqlite3.connect(store.path) as db:
        (used,) = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    assert used / rows * MOST_ANSWERS < 0.8 * MOST_BYTES < 50 * 2**20
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_store_of_the_watch_is_no_store_of_outcomes_and_the_other_way_round(tmp_path: Path) -> None:
    Store(tmp_path / "watch.db").add({Key(NOW, "", 7, 0): 1})
    with pytest.raises(StoreError, match="another kind"):
        OutcomeStore(tmp_path / "watch.db").setups()
    store = store_in(tmp_path)
    store.make()
    with pytest.raises(StoreError, match="another kind"):
        Store(store.path).unseen()


def test_what_fails_halfway_was_not_written(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (number,) = fill(store, [(said(0.9), None)])
    given = Given(NOW, SETUP, 0, 0, 0)
    with pytest.raises(StoreError):
        store.add({new_id(): given, number: given})  # the second id is there already
    assert truths(store) == {"none": 1}
