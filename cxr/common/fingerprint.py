"""Fingerprints of what something is made of: pictures, code, libraries. Two are equal only where all of it is.

A segmenter with an unchanged fingerprint is kept instead of trained again, so the fingerprint must cover all that could
change a byte of it.
"""

import hashlib
import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from cxr.common.atomic_files import sha256_of

# Keras trains with one of them; which one, the environment says.
TRAINING_LIBRARIES = ("keras", "tensorflow", "jax", "torch", "openvino", "numpy", "pillow")


def fingerprint_of_arrays(arrays: Iterable[np.ndarray]) -> str:
    """SHA-256 over types, shapes and contents, in this order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def fingerprint_of_code(modules: Iterable[str]) -> str:
    """SHA-256 over the files of these modules, none of which is imported for it. Raises ImportError for an unknown
    one."""
    digest = hashlib.sha256()
    for name in modules:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"there is no module {name}")
        digest.update(sha256_of(Path(spec.origin)).encode())
    return digest.hexdigest()


def fingerprint_of_libraries(names: Iterable[str] = TRAINING_LIBRARIES) -> str:
    """Names and versions of those that are installed, and the backend that Keras was told to take."""
    found = [f"backend {os.environ.get('KERAS_BACKEND', 'default')}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
