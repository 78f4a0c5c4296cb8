"""The champion in BentoML's store: whole, the one that was published, whatever lay there before."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import bentoml
import pytest

from cxr.common.errors import ModelError
from cxr.inference.bundle import copy_bundle
from serving import store
from tests.serving.model_store import own_store
from tests.tiny import tiny_bundle

MODEL = "covid-cxr"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with own_store(tmp_path / "bentoml", monkeypatch) as folder:
        yield folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("other") / "bundle", seed=7)


def served() -> bytes:
    return (store.find(f"{MODEL}:champion") / "model.json").read_bytes()


def stored() -> list[str]:
    return sorted(str(model.tag.version) for model in bentoml.models.list(MODEL))


def test_what_is_published_is_served_and_an_earlier_one_stays(home: Path, bundle: Path, other: Path) -> None:
    store.publish(bundle, MODEL, 1)
    store.publish(other, MODEL, 2)
    assert served() == (other / "model.json").read_bytes()
    assert stored() == ["v1", "v2"]
    store.publish(bundle, MODEL, 1)
    assert served() == (bundle / "model.json").read_bytes()
    assert store.champion_tag(MODEL) == "covid-cxr:v1"


def test_the_same_again_writes_nothing(home: Path, bundle: Path) -> None:
    store.publish(bundle, MODEL, 1)
    before = store.find(f"{MODEL}:champion").stat().st_ctime_ns
    store.publish(bundle, MODEL, 1)
    assert store.find(f"{MODEL}:champion").stat().st_ctime_ns == before


def test_a_number_that_another_database_gave_away_too_gets_the_new_content(
    home: Path, bundle: Path, other: Path
) -> None:
    for files in (bundle, other, bundle):
        store.publish(files, MODEL, 1)
        assert served() == (files / "model.json").read_bytes()
        assert len(stored()) == 1


def test_until_the_name_moves_the_old_files_are_served(home: Path, bundle: Path, other: Path) -> None:
    store.publish(bundle, MODEL, 1)
    store.put(other, MODEL, 1)
    assert served() == (bundle / "model.json").read_bytes()


def test_damaged_files_are_stored_anew(home: Path, bundle: Path) -> None:
    store.publish(bundle, MODEL, 1)
    (store.find(f"{MODEL}:champion") / "head.npz").write_bytes(b"x")
    store.publish(bundle, MODEL, 1)
    assert (store.find(f"{MODEL}:champion") / "head.npz").read_bytes() == (bundle / "head.npz").read_bytes()


@pytest.mark.parametrize("half", ["v1", "v2"])
def test_half_a_version_is_recognised_and_made_anew(home: Path, bundle: Path, other: Path, half: str) -> None:
    store.publish(other, MODEL, 3)
    shutil.copytree(bundle, home / "models" / MODEL / half)  # a kill before BentoML wrote its facts
    store.publish(bundle, MODEL, 2)
    assert served() == (bundle / "model.json").read_bytes()
    assert stored() == ["v2", "v3"]


def test_a_folder_with_facts_and_without_files_is_no_model(home: Path, bundle: Path) -> None:
    store.publish(bundle, MODEL, 1)
    (store.find(f"{MODEL}:champion") / "trunk.bin").unlink()
    store.publish(bundle, MODEL, 1)
    assert (store.find(f"{MODEL}:champion") / "trunk.bin").is_file()


def test_a_model_stored_by_hand_is_served_by_its_own_tag_and_the_error_says_so(home: Path, bundle: Path) -> None:
    with bentoml.models.create(f"{MODEL}:mine") as made:
        copy_bundle(bundle, Path(made.path))
    with pytest.raises(ModelError, match=r"has no champion of covid-cxr; .* such as covid-cxr:latest"):
        store.find(f"{MODEL}:champion")
    assert store.find(f"{MODEL}:latest") == store.find(f"{MODEL}:mine")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"another:v1", b"covid-cxr:../x", b"covid-cxr"])
def test_a_name_that_cannot_be_read_is_one_sentence(home: Path, bundle: Path, content: bytes) -> None:
    store.publish(bundle, MODEL, 1)
    store.pointer(MODEL).write_bytes(content)
    with pytest.raises(ModelError, match=r"run `make promote VERSION=…` again"):
        store.find(f"{MODEL}:champion")
    store.publish(bundle, MODEL, 1)
    assert served() == (bundle / "model.json").read_bytes()


@pytest.mark.parametrize("facts", [b"", b"\xff", b"a: [", b"name: x"])
def test_a_stored_model_that_bentoml_cannot_read_is_one_sentence(home: Path, bundle: Path, facts: bytes) -> None:
    store.publish(bundle, MODEL, 1)
    (store.find(f"{MODEL}:champion") / "model.yaml").write_bytes(facts)
    with pytest.raises(ModelError, match="has no model covid-cxr:v1"):
        store.find(f"{MODEL}:champion")
    store.publish(bundle, MODEL, 1)
    assert served() == (bundle / "model.json").read_bytes()


def test_a_version_is_never_taken_for_one_that_begins_alike(home: Path, bundle: Path) -> None:
    store.publish(bundle, MODEL, 10)
    with pytest.raises(ModelError, match="has no model covid-cxr:v1 "):
        store.find(f"{MODEL}:v1")


@pytest.mark.parametrize("tag", ["../x:champion", "a/b:champion", ":champion", "Upper:champion"])
def test_a_name_that_leads_elsewhere_is_refused(home: Path, tag: str) -> None:
    with pytest.raises(ModelError, match="CXR_MODEL"):
        store.find(tag)


def test_a_model_that_cannot_be_read_now_is_not_deleted(
    home: Path, bundle: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish(bundle, MODEL, 1)
    with monkeypatch.context() as broken:

        def no_handles(tag: str) -> None:
            raise OSError(24, "Too many open files")

        broken.setattr(bentoml.models, "get", no_handles)
        with pytest.raises(ModelError, match="cannot be read now"):
            store.put(other, MODEL, 2)
    assert served() == (bundle / "model.json").read_bytes()


def test_a_version_that_a_person_named_stays(home: Path, bundle: Path, other: Path) -> None:
    with bentoml.models.create(f"{MODEL}:v1-mine") as kept:
        copy_bundle(other, Path(kept.path))
    store.publish(bundle, MODEL, 1)
    assert stored() == ["v1", "v1-mine"]


def test_bentoml_shows_what_is_known_of_a_model(home: Path, tmp_path: Path) -> None:
    unseen = {"unseen_auc": {"value": 0.83, "low": 0.78, "high": 0.88}, "says": "on sources left out: 0.83"}
    measured = tiny_bundle(tmp_path / "measured", unseen=unseen, shortcut_flagged=True)
    tags = {"validation_auc": "0.9731", "git_commit": "4d0c0e5", "data_sha256": "ab" * 32, "cxr.move.who": "Ada"}
    info = bentoml.models.get(store.put(measured, MODEL, 7, tags)).info
    assert info.labels.items() >= {"mlflow_version": "7", "shortcut_flagged": "true", "backbone": "tiny"}.items()
    assert info.metadata == {
        "model_version": json.loads((measured / "model.json").read_text())["version"],
        "threshold": 0.5,
        "validation_auc": 0.9731,
        "git_commit": "4d0c0e5",
        "data_sha256": "ab" * 32,
        "unseen_auc": 0.83,
        "unseen_auc_low": 0.78,
        "unseen_auc_high": 0.88,
    }


def test_what_nobody_measured_is_not_shown(home: Path, bundle: Path) -> None:
    assert set(bentoml.models.get(store.put(bundle, MODEL, 1)).info.metadata) == {"model_version", "threshold"}
