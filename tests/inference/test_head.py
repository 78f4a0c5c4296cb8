import pickle
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ModelError
from cxr.inference.head import Head

SHAPE = (3, 4, 50)


def head(kind: str = "flatten") -> Head:
    return Head(kind, np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32), bias=-0.7)  # type: ignore[arg-type]


def maps(count: int = 20) -> np.ndarray:
    """As a trunk gives them: not negative, many zeros, large."""
    return np.maximum(np.random.default_rng(1).normal(0, 40, (count, *SHAPE)), 0).astype(np.float32)


def test_the_shares_and_the_bias_sum_to_the_logit() -> None:
    logits, shares = head().logits(maps()), head().shares(maps())
    assert shares.shape == (20, 3, 4)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)) + head().bias, logits, rtol=1e-6)


def test_the_average_head_sees_the_means_of_channels_alone() -> None:
    same = np.broadcast_to(head().weights[0, 0] / 12, SHAPE).astype(np.float32)
    average = Head("average", same, bias=-0.7)
    seen = average.seen(maps())
    assert seen.shape[1:] == average.seen_shape() == (1, 1, 50)
    np.testing.assert_allclose(average.logits_of(seen), maps().mean(axis=(1, 2)) @ same[0, 0] * 12 - 0.7, rtol=1e-4)
    np.testing.assert_allclose(average.logits(maps()), average.shares(maps()).sum(axis=(1, 2)) - 0.7, rtol=1e-5)


def test_the_flatten_head_sees_everything() -> None:
    assert head().seen_shape() == SHAPE
    np.testing.assert_array_equal(head().seen(maps()), maps())


def test_an_empty_feature_map_has_the_bias_for_its_logit() -> None:
    assert head().logits(np.zeros((1, *SHAPE), np.float32)).tolist() == [-0.7]


def test_a_location_that_shows_nothing_has_no_share() -> None:
    seen = maps(1)
    seen[0, 1, 2] = 0
    shares = head().shares(seen)[0]
    assert shares[1, 2] == 0
    assert (np.delete(shares.ravel(), 1 * 4 + 2) != 0).all()


@pytest.mark.parametrize("kind", ["flatten", "average"])
def test_what_is_saved_is_loaded_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    head(kind).save(tmp_path / "head.npz")
    loaded = Head.load(tmp_path / "head.npz")
    assert (loaded.kind, loaded.bias, loaded.weights.dtype) == (kind, -0.7, np.float32)
    np.testing.assert_array_equal(loaded.weights, head().weights)


def test_a_head_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    head("median").save(tmp_path / "head.npz")
    with pytest.raises(ModelError, match="its kind is median, known are flatten, average"):
        Head.load(tmp_path / "head.npz")


class Evil:
    def __reduce__(self):
        return print, ("code from a model file has run",)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps(Evil()))


def pickled_array(path: Path) -> None:
    with path.open("wb") as handle:
        np.savez(handle, kind="flatten", weights=np.array([Evil()]), bias=0.0)


def garbage(path: Path) -> None:
    path.write_bytes(b"weights of the head")


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    head().save(path)
    path.write_bytes(path.read_bytes()[:-200])


def one_byte_off(path: Path) -> None:
    head().save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def another_table(path: Path) -> None:
    with path.open("wb") as handle:
        np.savez(handle, kind="flatten", bias=0.0)


def plain_array(path: Path) -> None:
    with path.open("wb") as handle:
        np.save(handle, np.zeros(3))


@pytest.mark.parametrize(
    "damage", [pickled, pickled_array, garbage, nothing, cut_off, one_byte_off, another_table, plain_array]
)
def test_a_file_that_is_no_head_is_a_model_error_and_runs_nothing(damage, tmp_path: Path, capsys) -> None:
    damage(tmp_path / "head.npz")
    with pytest.raises(ModelError, match=r"head\.npz is not a readable head .*register the model again"):
        Head.load(tmp_path / "head.npz")
    assert capsys.readouterr().out == ""


def test_a_missing_file_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"head\.npz"):
        Head.load(tmp_path / "head.npz")


def test_a_feature_map_of_another_shape_is_refused_with_both_shapes() -> None:
    with pytest.raises(ModelError, match=r"\(3, 4, 49\).*\(3, 4, 50\)"):
        head().logits(maps()[..., :-1])
