"""What something is recognised by: it changes with everything that could change what is made."""

import numpy as np
import pytest

from cxr.lungs.fingerprint import identity_of_arrays, identity_of_code, identity_of_libraries


def test_arrays_are_told_apart_by_content_shape_type_and_order():
    a, b = np.arange(6, dtype=np.uint8), np.zeros(6, np.uint8)
    same = identity_of_arrays([a, b])
    assert identity_of_arrays([a.copy(), b.copy()]) == same
    changed = a.copy()
    changed[3] = 9
    others = ([changed, b], [b, a], [a.reshape(2, 3), b], [a.astype(np.int8), b], [a])
    assert len({same, *(identity_of_arrays(other) for other in others)}) == 6


def test_only_the_order_of_the_numbers_counts_not_how_they_lie_in_memory():
    a = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert identity_of_arrays([a.T]) == identity_of_arrays([np.ascontiguousarray(a.T)])


def test_code_is_told_apart_by_its_files():
    assert identity_of_code(["cxr.imaging.decode"]) == identity_of_code(["cxr.imaging.decode"])
    assert identity_of_code(["cxr.imaging.decode"]) != identity_of_code(["cxr.augmentation.strong"])
    with pytest.raises(ImportError, match=r"cxr\.nowhere"):
        identity_of_code(["cxr.nowhere"])


def test_libraries_are_named_with_their_versions_and_keras_backend(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    found = identity_of_libraries(["numpy", "no-such-library"])
    assert found == f"backend jax, numpy {np.__version__}"
