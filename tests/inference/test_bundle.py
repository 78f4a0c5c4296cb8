import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from cxr.common.atomic_files import read_json
from cxr.common.errors import ModelError
from cxr.inference.bundle import complete_bundle, copy_bundle, write_bundle
from cxr.inference.engine import BUNDLE_FILES, Engine
from cxr.inference.manifest import FILE as MANIFEST
from cxr.inference.model_facts import SCHEMA_VERSION, SEALED
from tests.tiny import tiny_bundle, tiny_head

FACTS = {
    "name": "covid-cxr",
    "backbone": "tiny",
    "side": 32,
    "classes": ["NonCOVID", "COVID"],
    "temperature": 1.0,
    "threshold": 0.5,
}


@pytest.fixture
def trunk(bundle: Path) -> Path:
    return bundle.with_name(bundle.name + ".trunk")


def version(directory: Path) -> str:
    return read_json(directory / "model.json")["version"]


def no_links(source: Path, target: Path) -> None:
    raise OSError


def test_a_bundle_is_complete_and_keeps_the_facts(trunk: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", trunk, tiny_head(), FACTS | {"note": "kept"})
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == sorted([*BUNDLE_FILES, MANIFEST])
    facts = Engine.load(tmp_path / "bundle").facts
    assert facts.document == FACTS | {
        "note": "kept",
        "version": facts.version,
        "schema_version": SCHEMA_VERSION,
        SEALED: True,
    }


def test_a_bundle_takes_the_place_of_an_older_one(trunk: Path, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", trunk, tiny_head(), FACTS)
    (tmp_path / "bundle" / "left over").touch()
    write_bundle(tmp_path / "bundle", trunk, tiny_head(), FACTS | {"threshold": 0.25})
    assert sorted(path.name for path in (tmp_path / "bundle").iterdir()) == sorted([*BUNDLE_FILES, MANIFEST])
    assert Engine.load(tmp_path / "bundle").facts.threshold == 0.25


def test_facts_that_lack_something_leave_no_bundle(trunk: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"bundle.*/model\.json lacks threshold"):
        write_bundle(tmp_path / "bundle", trunk, tiny_head(), {k: v for k, v in FACTS.items() if k != "threshold"})
    assert list(tmp_path.iterdir()) == []


def test_equal_models_have_equal_versions(trunk: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        write_bundle(tmp_path / name, trunk, tiny_head(), FACTS)
    assert version(tmp_path / "first") == version(tmp_path / "second")


def test_whatever_changes_an_answer_changes_the_version(trunk: Path, tmp_path: Path) -> None:
    head = tiny_head()
    heads = [
        head,
        dataclasses.replace(head, bias=1e-9),
        dataclasses.replace(head, weights=np.nextafter(head.weights, np.float32(1))),
    ]
    changes = [{}, {"temperature": 1.5}, {"threshold": 0.4}]
    models = [(head, change) for change in changes] + [(other, {}) for other in heads[1:]]
    for i, (other, change) in enumerate(models):
        write_bundle(tmp_path / str(i), trunk, other, FACTS | change)
    another_trunk = tiny_bundle(tmp_path / "trunk", seed=1).with_name("trunk.trunk")
    write_bundle(tmp_path / "5", another_trunk, head, FACTS)
    assert len({version(tmp_path / str(i)) for i in range(6)}) == 6


@pytest.mark.parametrize("linking", [True, False])
def test_a_copied_bundle_answers_alike(
    linking: bool, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not linking:
        monkeypatch.setattr(os, "link", no_links)  # as between two file systems
    copy_bundle(bundle, tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32), np.uint8)
    assert Engine.load(tmp_path).predict(picture) == Engine.load(bundle).predict(picture)
    assert os.path.samefile(bundle / "trunk.bin", tmp_path / "trunk.bin") == linking


def test_copying_over_a_linked_bundle_leaves_the_first_one_as_it_was(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_bundle(bundle, tmp_path)
    before = {name: (bundle / name).read_bytes() for name in BUNDLE_FILES}
    other = tiny_bundle(tmp_path / "other", seed=1)
    monkeypatch.setattr(os, "link", no_links)
    copy_bundle(other, tmp_path)
    assert {name: (bundle / name).read_bytes() for name in BUNDLE_FILES} == before
    assert version(tmp_path) == version(other)


def test_a_completed_bundle_answers_as_before_and_says_more(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "gate").write_bytes(b"gate")
    before = (bundle / "model.json").read_bytes()
    complete_bundle(tmp_path / "complete", bundle, {"shortcut_flagged": True}, {"gate.npz": tmp_path / "gate"})
    facts = Engine.load(tmp_path / "complete").facts
    assert facts.shortcut_flagged is True
    assert facts.version != version(bundle)
    assert (bundle / "model.json").read_bytes() == before
    copied = tmp_path / "copied"
    copied.mkdir()
    copy_bundle(tmp_path / "complete", copied)
    assert (copied / "gate.npz").read_bytes() == b"gate"


def test_parts_decide_the_version_and_facts_do_not(bundle: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"gate{number}").write_text(str(number))
        complete_bundle(tmp_path / str(number), bundle, {"note": number}, {"gate.npz": tmp_path / f"gate{number}"})
        complete_bundle(tmp_path / f"bare{number}", bundle, {"note": number}, {})
    assert version(tmp_path / "1") != version(tmp_path / "2")
    assert version(tmp_path / "bare1") == version(tmp_path / "bare2") == version(bundle)


def test_a_part_that_no_bundle_has_is_refused(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gates"):
        complete_bundle(tmp_path / "complete", bundle, {}, {"gates.npz": tmp_path / "gate"})
    assert not (tmp_path / "complete").exists()
