"""Copies among the real X-rays of a mirror (CXR_MIRROR)."""

import os
from pathlib import Path

import pytest

from cxr.copies.projection import Projection
from tools.copies_quality import read_mirror, real_pairs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.mirror,
    pytest.mark.skipif("CXR_MIRROR" not in os.environ, reason="CXR_MIRROR is unset: no mirror of the real X-rays"),
]


def test_the_copies_that_the_records_name_are_found_by_their_pictures(tmp_path: Path) -> None:
    mirror = Path(os.environ["CXR_MIRROR"])
    if not (mirror / "covid-19-image-repository").is_dir():
        pytest.skip("the mirror has no covid-19-image-repository")
    rows, pictures = read_mirror(mirror, tmp_path)
    found = real_pairs(rows, pictures, Projection.learn(pictures, seed=20))
    assert found["named"] >= 80
    assert found["found"] >= 0.95 * found["named"]
