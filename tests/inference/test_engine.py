import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError, ModelError
from cxr.inference.engine import BUNDLE_FILES, Engine, Trunk
from cxr.inference.model_facts import REQUIRED, SEALED
from tests.labelled import pictures
from tests.tiny import CHANNELS, GRID, tiny_bundle


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Engine:
    return Engine.load(bundle, threads=1)


@pytest.fixture
def broken(bundle: Path, tmp_path: Path) -> Path:
    """A copy of the model without the manifest that would name each damage first (test_manifest.py)."""
    copied = Path(shutil.copytree(bundle, tmp_path / "broken"))
    (copied / "manifest.json").unlink()
    change_facts(copied, lambda facts: facts.pop(SEALED))
    return copied


def change_facts(directory: Path, change: Callable[[dict], object]) -> None:
    facts = json.loads((directory / "model.json").read_text())
    change(facts)
    (directory / "model.json").write_text(json.dumps(facts))


@pytest.mark.parametrize("name", BUNDLE_FILES)
def test_a_missing_file_is_named(name: str, broken: Path) -> None:
    (broken / name).unlink()
    with pytest.raises(ModelError, match=f"broken lacks {name}; it is not a complete model; run `dvc repro`"):
        Engine.load(broken)


def test_a_missing_folder_is_an_incomplete_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"never lacks trunk\.xml, trunk\.bin, head\.npz, model\.json"):
        Engine.load(tmp_path / "never")


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_fact_is_named(key: str, broken: Path) -> None:
    change_facts(broken, lambda facts: facts.pop(key))
    with pytest.raises(ModelError, match=rf"model\.json lacks {key}; made by another version"):
        Engine.load(broken)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"7"])
def test_facts_that_are_none_are_one_sentence(content: bytes, broken: Path) -> None:
    (broken / "model.json").write_bytes(content)
    with pytest.raises(CxrError, match=r"model\.json"):
        Engine.load(broken)


def test_a_model_of_other_classes_is_refused(broken: Path) -> None:
    change_facts(broken, lambda facts: facts.update(classes=["COVID", "NonCOVID"]))
    with pytest.raises(ModelError, match=r"classes is \['COVID', 'NonCOVID'\]; it must be \['NonCOVID', 'COVID'\]"):
        Engine.load(broken)


@pytest.mark.parametrize(
    ("name", "content"), [("trunk.xml", b"garbage"), ("trunk.xml", b"<net/>"), ("trunk.bin", b""), ("trunk.xml", b"")]
)
def test_a_damaged_trunk_is_a_model_error(name: str, content: bytes, broken: Path) -> None:
    (broken / name).unlink()  # it may be a link to a file that other tests need
    (broken / name).write_bytes(content)
    with pytest.raises(ModelError, match=r"trunk\.xml is not a readable OpenVINO model") as caught:
        Engine.load(broken)
    assert "\n" not in str(caught.value)


def test_parts_that_do_not_fit_together_are_named_with_their_sizes(broken: Path, tmp_path: Path) -> None:
    change_facts(broken, lambda facts: facts.update(side=299))
    with pytest.raises(ModelError, match=r"at image size 32, head takes \(4, 4, 3\), model\.json says 299"):
        Engine.load(broken)


def test_the_feature_map_has_the_orientation_of_the_picture(bundle: Path) -> None:
    trunk = Trunk(bundle / "trunk.xml", threads=1)
    assert (trunk.image_size, trunk.shape) == (32, (GRID, GRID, CHANNELS))
    picture = np.zeros((1, 32, 32), np.uint8)
    picture[0, 8:16, 24:32] = 255  # second row, last column of the grid
    lit = trunk(picture)[0].sum(axis=2) > 0
    assert np.argwhere(lit).tolist() == [[1, 3]]


def test_a_batch_answers_as_its_pictures_one_by_one(engine: Engine) -> None:
    many = pictures(21)
    alone = [engine.predict(picture[None])[0] for picture in many]
    np.testing.assert_allclose(engine.predict(many), alone, rtol=0, atol=1e-6)


def test_the_order_is_kept_over_many_batches(bundle: Path) -> None:
    """Each picture is a shade brighter than the one before, so that the features tell their number."""
    engine = Engine.load(bundle)
    ramp = np.repeat(np.arange(250, dtype=np.uint8), 32 * 32).reshape(-1, 32, 32)
    done: list[int] = []
    maps = np.concatenate(list(engine.seen(ramp, done.append)))
    assert (np.diff(maps[:, 0, 0, 0]) > 0).all()
    assert sum(done) == 250
    np.testing.assert_allclose(engine.logits(ramp), engine.head.logits(maps), atol=1e-6)


def test_no_pictures_have_no_answers(engine: Engine) -> None:
    assert engine.predict(pictures(0)).shape == (0,)


def test_threads_do_not_get_each_others_answers(engine: Engine) -> None:
    many = pictures(40)
    expected = engine.predict(many)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda i: engine.head.logits(engine.trunk(many[i : i + 1]))[0], range(40)))
    np.testing.assert_allclose(engine.probabilities(np.array(found)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("pixels", "came"),
    [
        (np.zeros((2, 32, 32), np.float32), r"float32\(2, 32, 32\)"),
        (np.zeros((2, 32, 31), np.uint8), r"uint8\(2, 32, 31\)"),
        (np.zeros((32, 32), np.uint8), r"uint8\(32, 32\)"),
        (np.zeros((2, 32, 32, 1), np.uint8), r"uint8\(2, 32, 32, 1\)"),
    ],
)
def test_pixels_of_another_shape_or_type_are_refused_with_both(pixels: np.ndarray, came: str, engine: Engine) -> None:
    for ask in (engine.predict, engine.trunk, engine.trunk.feature_maps):
        with pytest.raises(ValueError, match=rf"{came}, the trunk takes uint8\[n, s, s\] with s = 32"):
            ask(pixels)


def test_probabilities_are_those_of_the_logit_divided_by_the_temperature(tmp_path: Path) -> None:
    hot, plain = (Engine.load(tiny_bundle(tmp_path / str(t), temperature=t), threads=1) for t in (2.5, 1.0))
    p_hot, p_plain = hot.predict(pictures(9)), plain.predict(pictures(9))
    np.testing.assert_allclose(np.log(p_hot / (1 - p_hot)) * 2.5, np.log(p_plain / (1 - p_plain)), rtol=1e-9)
    np.testing.assert_allclose(np.log(p_plain / (1 - p_plain)), plain.logits(pictures(9)), rtol=1e-9)


def test_brighter_in_the_middle_speaks_for_covid(engine: Engine) -> None:
    centre = np.full((1, 32, 32), 40, np.uint8)
    centre[0, 8:24, 8:24] = 200
    edge = 240 - centre
    assert engine.predict(centre)[0] > 0.5 > engine.predict(edge)[0]


@pytest.mark.slow
def test_threads_that_ask_first_and_at_once_do_not_wait_for_each_other(bundle: Path) -> None:
    script = f"""
import threading, numpy as np
from pathlib import Path
from cxr.inference.engine import Trunk
trunk = Trunk(Path({str(bundle / "trunk.xml")!r}))
start = threading.Barrier(8)
def ask():
    start.wait()
    trunk(np.zeros((1, trunk.image_size, trunk.image_size), np.uint8))
threads = [threading.Thread(target=ask) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    for _ in range(5):  # a hang ends in TimeoutExpired
        subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_requests_are_used_again_and_answers_stay_as_they_were(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request ever made keeps memory of OpenVINO's, so a service must not make one for each answer."""
    dark, bright = np.zeros((1, 32, 32), np.uint8), np.full((1, 32, 32), 255, np.uint8)
    first = engine.trunk(dark)
    kept = first.copy()

    def no_more() -> None:
        raise AssertionError("a new request was made")

    monkeypatch.setattr(engine.trunk, "_model", type("Made", (), {"create_infer_request": staticmethod(no_more)}))
    second = engine.trunk(bright)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, kept)
