import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import BUNDLE_FILES, Engine, Trunk, trunk_file
from cxr.inference.head import Head
from cxr.inference.manifest import write_manifest
from tests.labelled import pictures
from tests.tiny import tiny_bundle

Asked = list[bytes]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Every picture that a trunk is asked about, however it is loaded."""
    found: Asked = []
    stream = Trunk.stream

    def watched(self: Trunk, batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        def seen() -> Iterator[np.ndarray]:
            for batch in batches:
                found.extend(picture.tobytes() for picture in batch)
                yield batch

        return stream(self, seen())

    monkeypatch.setattr(Trunk, "stream", watched)
    return found


def engine_of(bundle: Path, root: Path) -> Engine:
    return cached_engine(Engine.load(bundle, threads=1), root)


def with_head(bundle: Path, root: Path, kind: str) -> Engine:
    engine = Engine.load(bundle, threads=1)
    height, width, channels = engine.trunk.shape
    weights = np.random.default_rng(3).normal(0, 1, channels).astype(np.float32)
    head = Head(kind, np.tile(weights, (height, width, 1)) / (height * width), bias=0.3)  # type: ignore[arg-type]
    return cached_engine(Engine(engine.trunk, head, engine.facts), root)


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_it_answers_as_the_engine_does(kind: str, bundle: Path, tmp_path: Path) -> None:
    engine = with_head(bundle, tmp_path, kind)
    expected = Engine(engine.trunk, engine.head, engine.facts).predict(pictures(21))
    for _ in range(2):  # asked, and remembered
        np.testing.assert_allclose(engine.predict(pictures(21)), expected, atol=1e-6)


def test_no_picture_is_asked_about_twice(bundle: Path, tmp_path: Path, asked: Asked) -> None:
    shown, done = pictures(30), list[int]()
    engine_of(bundle, tmp_path).predict(shown[:20])
    assert len(asked) == 20
    found = engine_of(bundle, tmp_path).predict(shown[::-1], done.append)  # ten are new, in another order
    assert len(asked) == sum(done) == 30
    assert len(set(asked)) == 30
    np.testing.assert_allclose(found, Engine.load(bundle).predict(shown[::-1]), atol=1e-6)


def test_another_head_of_the_same_kind_asks_nothing(bundle: Path, tmp_path: Path, asked: Asked) -> None:
    engine_of(bundle, tmp_path / "cache").predict(pictures(8))
    other = Path(shutil.copytree(bundle, tmp_path / "other"))
    old = Head.load(other / "head.npz")
    Head(old.kind, old.weights * 2, old.bias).save(other / "head.npz")
    write_manifest(other, BUNDLE_FILES)
    found = engine_of(other, tmp_path / "cache").logits(pictures(8))
    assert len(asked) == 8
    np.testing.assert_allclose(found, Engine.load(other).logits(pictures(8)), rtol=1e-5)


def another_trunk(folder: Path) -> Path:
    return tiny_bundle(folder, image_size=64)


def another_weight(folder: Path) -> Path:
    bundle = tiny_bundle(folder)
    file = trunk_file(bundle, "f32").with_suffix(".bin")
    file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()[:1]) + file.read_bytes()[1:])
    write_manifest(bundle, BUNDLE_FILES)
    return bundle


@pytest.mark.parametrize("other", [another_trunk, another_weight])
def test_another_trunk_is_asked_anew(other: Callable[[Path], Path], bundle: Path, tmp_path: Path, asked: Asked) -> None:
    engine_of(bundle, tmp_path / "cache").predict(pictures(4))
    engine = engine_of(other(tmp_path / "other"), tmp_path / "cache")
    engine.predict(pictures(4, image_size=engine.image_size))
    assert len(asked) == 8


def test_another_kind_of_head_sees_something_else(bundle: Path, tmp_path: Path, asked: Asked) -> None:
    for kind in ("flatten", "average"):
        with_head(bundle, tmp_path, kind).predict(pictures(4))
    assert len(asked) == 8


def test_a_stopped_run_goes_on_where_it_was(bundle: Path, tmp_path: Path, asked: Asked) -> None:
    done: list[int] = []

    def stop(images: int) -> None:
        done.append(images)
        if sum(done) >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_of(bundle, tmp_path).predict(pictures(40), stop)
    asked.clear()
    found = engine_of(bundle, tmp_path).predict(pictures(40))
    assert len(asked) == 40 - 16
    np.testing.assert_allclose(found, Engine.load(bundle).predict(pictures(40)), atol=1e-6)


def test_a_picture_that_comes_twice_is_asked_about_once(bundle: Path, tmp_path: Path, asked: Asked) -> None:
    twice = np.concatenate([pictures(5), pictures(5)])
    found = engine_of(bundle, tmp_path).predict(twice)
    assert len(asked) == 5
    np.testing.assert_array_equal(found[:5], found[5:])


def test_a_fine_tuned_trunk_is_no_other_models_and_leaves_nothing(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.load(bundle)
    engine.facts = replace(engine.facts, fine_tuned_blocks=2)
    cached_engine(engine, tmp_path).predict(pictures(4))
    assert not list(tmp_path.iterdir())


def test_only_float32_is_remembered(bundle: Path, tmp_path: Path) -> None:
    engine = Engine.load(bundle)
    with pytest.raises(ValueError, match="runs in bf16; only float32's"):
        cached_engine(Engine(engine.trunk, engine.head, engine.facts, "bf16"), tmp_path)


def test_no_pictures_need_nothing(bundle: Path, tmp_path: Path) -> None:
    assert engine_of(bundle, tmp_path).predict(pictures(0)).shape == (0,)


def test_a_damaged_memory_is_named(bundle: Path, tmp_path: Path) -> None:
    engine_of(bundle, tmp_path).predict(pictures(4))
    (stored,) = tmp_path.glob("*/seen.f32")
    stored.write_bytes(stored.read_bytes()[:-1])
    with pytest.raises(CxrError, match=r"the memory .* is damaged: seen.f32 .*delete the folder and run again"):
        engine_of(bundle, tmp_path)


def test_pictures_of_another_size_are_refused_before_anything_is_stored(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the trunk takes"):
        engine_of(bundle, tmp_path).predict(pictures(2, image_size=16))
    assert not list(tmp_path.glob("*/seen.f32"))
