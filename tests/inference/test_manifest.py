"""A model is whole or it does not answer."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ModelError
from cxr.inference import predictor
from cxr.inference.bundle import copy_bundle
from cxr.inference.engine import Engine
from cxr.inference.known_answers import FILE as KNOWN
from cxr.inference.known_answers import KnownAnswers
from cxr.inference.manifest import FILE as MANIFEST
from cxr.inference.manifest import write_manifest
from cxr.inference.model_facts import SEALED
from cxr.inference.predictor import Predictor

TRIALS = 60


@pytest.fixture
def copied(complete_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(complete_bundle, tmp_path / "copied"))


def damage(path: Path, rng: np.random.Generator) -> str:
    """Change the file's bytes in one of the ways in which they rot. Returns which."""
    data = bytearray(path.read_bytes())
    way = str(rng.choice(["flip", "cut", "zeros", "longer", "remove"]))
    if way == "remove":
        path.unlink()
        return way
    at = int(rng.integers(len(data)))
    if way == "flip":
        data[at] ^= 1 << int(rng.integers(8))
    elif way == "cut":
        data = data[:at]
    elif way == "zeros":
        data[at:] = bytes(b ^ 0xFF if b == 0 else 0 for b in data[at:])
    else:
        data += rng.bytes(int(rng.integers(1, 99)))
    path.write_bytes(data)
    return way


def test_random_damage_to_any_file_is_noticed_in_one_sentence(complete_bundle: Path, copied: Path) -> None:
    rng = np.random.default_rng(18)
    names = sorted(path.name for path in complete_bundle.iterdir())
    for trial in range(TRIALS):
        name = names[trial % len(names)]
        way = damage(copied / name, rng)
        with pytest.raises(ModelError) as caught:
            Engine.load(copied)
        assert str(copied) in str(caught.value), (name, way)
        assert "\n" not in str(caught.value)
        shutil.copyfile(complete_bundle / name, copied / name)


@pytest.mark.parametrize("name", ["gate.npz", "lungs.bin", "trunk.bin", KNOWN, MANIFEST])
def test_a_lost_file_is_named(name: str, copied: Path) -> None:
    (copied / name).unlink()
    with pytest.raises(ModelError, match=name):
        Predictor.load(copied)


def test_a_part_that_the_manifest_does_not_know_is_refused(bundle: Path, complete_bundle: Path, tmp_path: Path) -> None:
    copy_bundle(bundle, tmp_path)
    shutil.copyfile(complete_bundle / "gate.npz", tmp_path / "gate.npz")
    with pytest.raises(ModelError, match=r"gate\.npz, which manifest\.json does not list"):
        Predictor.load(tmp_path)


def test_a_model_from_before_manifests_answers_with_a_warning(
    copied: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of our own: BentoML, once it serves in this process, keeps its loggers' records to itself.
    own = logging.getLogger("tests.manifest")
    monkeypatch.setattr(predictor, "logger", own)
    caplog.set_level(logging.WARNING, own.name)
    without_manifest(copied)
    model = Predictor.load(copied)
    assert not model.engine.checked
    assert "has no manifest" in caplog.text


def without_manifest(bundle: Path) -> None:
    (bundle / MANIFEST).unlink()
    facts = json.loads((bundle / "model.json").read_text())
    (bundle / "model.json").write_text(json.dumps({key: facts[key] for key in facts if key != SEALED}))


def test_a_model_that_tells_of_a_gate_has_one(copied: Path) -> None:
    without_manifest(copied)
    facts = json.loads((copied / "model.json").read_text())
    (copied / "model.json").write_text(json.dumps(facts | {"gate": {}}))
    (copied / "gate.npz").unlink()
    with pytest.raises(ModelError, match=r"lacks gate\.npz"):
        Predictor.load(copied)


@pytest.mark.parametrize("off", [1.0, np.nan, np.inf])
def test_other_answers_to_the_known_pictures_are_refused(off: float, copied: Path) -> None:
    known = KnownAnswers.load(copied / KNOWN)
    KnownAnswers(known.pictures, {"f32": known.log_odds["f32"] + off}).save(copied / KNOWN)
    write_manifest(copied, [path.name for path in copied.iterdir() if path.name != MANIFEST])
    with pytest.raises(ModelError, match=r"known (pictures|answers)"):
        Predictor.load(copied)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[" * 100_000, b"9" * 5_000, b"null", b'{"temperature": 1e999}', b""], ids=range(6)
)
@pytest.mark.parametrize("name", ["model.json", MANIFEST])
def test_whatever_a_json_file_holds_is_one_sentence(name: str, content: bytes, copied: Path) -> None:
    without_manifest(copied)
    (copied / name).write_bytes(content)
    with pytest.raises(ModelError):
        Engine.load(copied)
