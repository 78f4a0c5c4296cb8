"""The model that answers is replaced while the service runs, and only by one that can answer."""

import threading
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ModelError
from serving.champion import Champion, public_facts
from tests.serving.xrays import picture, text_of
from tests.tiny import tiny_bundle


class Store:
    """A stand-in for the model store: one folder is the newest."""

    def __init__(self, newest: Path):
        self.newest = newest

    def find(self) -> Path:
        if not self.newest.exists():
            raise ModelError("the store has no such model")
        return self.newest


@pytest.fixture
def store(bundle) -> Store:
    return Store(bundle)


def test_a_new_model_answers_from_then_on(store, serve, tmp_path):
    champion = Champion(store.find)
    with serve(model=champion) as client:
        before = client.post("/predict", json={"image": text_of(picture())}).json()
        store.newest = tiny_bundle(tmp_path / "newer", seed=5)
        assert champion.refresh()
        after = client.post("/predict", json={"image": text_of(picture())}).json()
    assert before["model"]["version"] != after["model"]["version"] == champion.identity["version"]
    assert before["probabilities"] != after["probabilities"]


def test_the_same_model_is_not_loaded_again(store):
    champion = Champion(store.find)
    model = champion.model
    assert not champion.refresh()
    assert champion.model is model


@pytest.mark.parametrize("fault", ["missing", "incomplete", "damaged"])
def test_an_unreadable_model_leaves_the_old_one_answering(store, tmp_path, caplog, fault):
    champion = Champion(store.find)
    old = champion.model
    store.newest = tmp_path / "newer"
    if fault != "missing":
        tiny_bundle(store.newest, seed=5)
        (store.newest / "trunk.xml").write_text("<net") if fault == "damaged" else (store.newest / "head.npz").unlink()
    assert not champion.refresh()
    assert champion.model is old
    assert f"model {old.facts.version} goes on answering" in caplog.text


def test_what_was_unreadable_is_complained_of_once(store, tmp_path, caplog):
    champion = Champion(store.find)
    store.newest = tmp_path / "newer"
    store.newest.mkdir()
    for _ in range(3):
        champion.refresh()
    assert caplog.text.count("goes on answering") == 1


def test_what_was_mended_is_taken(store, tmp_path):
    champion = Champion(store.find)
    store.newest = tiny_bundle(tmp_path / "newer", seed=5)
    sound = (store.newest / "head.npz").read_bytes()
    (store.newest / "head.npz").write_bytes(sound[:-1])
    assert not champion.refresh()
    (store.newest / "head.npz").write_bytes(sound)
    assert champion.refresh()


@pytest.mark.parametrize("fault", [OSError(24, "Too many open files"), UnicodeDecodeError("utf-8", b"", 0, 1, "")])
def test_a_fault_of_any_kind_ends_no_following(store, tmp_path, caplog, fault):
    faults, changed, looks = [fault] * 3, threading.Event(), []

    def find() -> Path:
        if faults and threading.current_thread().name == "follow-model":
            raise faults.pop()
        return store.find()

    champion = Champion(find)
    champion.follow(0.01, changed.set, looks.append)
    store.newest = tiny_bundle(tmp_path / "newer", seed=5)
    assert changed.wait(30)
    champion.stop()
    assert looks[:3] == [False, False, False]
    assert champion.following
    assert caplog.text.count("goes on answering") == 1


def test_three_answers_that_are_none_bring_the_model_before_back(store, tmp_path, serve):
    champion = Champion(store.find)
    old = champion.model
    store.newest = tiny_bundle(tmp_path / "newer", seed=5)
    assert champion.refresh()
    champion.model.engine.head.weights[:] = np.nan  # as if memory were damaged
    with serve(model=champion) as client:
        said = [client.post("/predict", json={"image": text_of(picture())}) for _ in range(4)]
    assert [answer.status_code for answer in said] == [500, 500, 500, 200]
    assert said[0].json()["error"]["code"] == "unsound_answer"
    assert champion.model is old
    assert not champion.refresh()  # it is not taken again at the next look


def test_without_a_model_before_readiness_turns_false_and_a_good_answer_mends_it(store, serve):
    champion = Champion(store.find)
    sound = champion.model.engine.head.weights.copy()
    with serve(model=champion) as client:
        for weights, status in ((np.nan, 503), (sound, 200)):
            champion.model.engine.head.weights[:] = weights
            for _ in range(3):
                client.post("/predict", json={"image": text_of(picture())})
            assert client.get("/readyz").status_code == status
        assert client.get("/metrics").text.count("cxr_unsound_answers_total 3.0") == 1


def test_it_looks_again_by_itself_and_tells_of_the_change(store, tmp_path):
    champion, changed = Champion(store.find), threading.Event()
    champion.follow(0.01, changed.set)
    store.newest = tiny_bundle(tmp_path / "newer", seed=5)
    assert changed.wait(30)
    champion.stop()


def test_without_a_readable_model_there_is_no_service(tmp_path):
    with pytest.raises(ModelError, match="lacks"):
        Champion(lambda: tmp_path)


def test_facts_lose_what_only_this_machine_knows():
    facts = {"a": "/home/x", "b": {"c": "sqlite:///x", "d": [1, "/tmp/y", "z"]}, "e": None}
    assert public_facts(facts) == {"b": {"d": [1, "z"]}, "e": None}
