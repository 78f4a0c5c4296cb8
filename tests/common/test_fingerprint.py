"""What something is recognised by: it changes with everything that could change what is made."""

import numpy as np
import pytest

from cxr.common.fingerprint import fingerprint_of_arrays, fingerprint_of_code, fingerprint_of_libraries


def test_arrays_are_told_apart_by_content_shape_type_and_order():
    a, b = np.arange(6, dtype=np.uint8), np.zeros(6, np.uint8)
    same = fingerprint_of_arrays([a, b])
    assert fingerprint_of_arrays([a.copy(), b.copy()]) == same
    changed = a.copy()
    changed[3] = 9
    others = ([changed, b], [b, a], [a.reshape(2, 3), b], [a.astype(np.int8), b], [a])
    assert len({same, *(fingerprint_of_arrays(other) for other in others)}) == 6


def test_only_the_order_of_the_numbers_counts_not_how_they_lie_in_memory():
    a = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert fingerprint_of_arrays([a.T]) == fingerprint_of_arrays([np.ascontiguousarray(a.T)])


def test_code_is_told_apart_by_its_files():
    assert fingerprint_of_code(["cxr.imaging.decode"]) == fingerprint_of_code(["cxr.imaging.decode"])
    assert fingerprint_of_code(["cxr.imaging.decode"]) != fingerprint_of_code(["cxr.augmentation.strong"])
    with pytest.raises(ImportError, match=r"cxr\.nowhere"):
        fingerprint_of_code(["cxr.nowhere"])


def test_libraries_are_named_with_their_versions_and_keras_backend(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = fingerprint_of_libraries(["numpy", "no-such-library"])
    assert found == f"backend jax, numpy {np.__version__}"
