"""Pictures for the service's tests, as bytes and as Base64."""

import base64
import io

import numpy as np
from PIL import Image


def grey(seed: int = 0, shape: tuple[int, int] = (60, 50)) -> np.ndarray:
    """Something with contrast, brighter in the middle for even seeds."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    middle = 255 * np.exp(-2 * (x**2 + y**2))
    base = middle if seed % 2 == 0 else 255 - middle
    return np.clip(base * rng.uniform(0.6, 1) + rng.normal(0, 4, shape), 0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, kind, **options)
        return file.getvalue()


def picture(seed: int = 0, kind: str = "PNG") -> bytes:
    return encoded(grey(seed), kind)


def text_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def from_the_side() -> bytes:
    """Bright on the left: what the gate of tests/tiny.py refuses as lateral."""
    return encoded(np.repeat([[200] * 30 + [20] * 20], 60, axis=0).astype(np.uint8))


BLANK = encoded(np.full((40, 40), 7, np.uint8))
