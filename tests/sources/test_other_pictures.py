"""Folders of pictures that show no chest: what the gate learns from them, and that nothing else does."""

from pathlib import Path

import pytest
from PIL import Image

from cxr.common.errors import CxrError
from cxr.data.manifest import OtherView
from cxr.sources.folder import FolderParams
from cxr.sources.index import build_index
from cxr.sources.settings import DownloadParams
from tests.labelled import pictures

HANDS = FolderParams("folder", "unused: the files are in place", {"XR_HAND": "other"}, r"^(patient\d+)", ())


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    for i, picture in enumerate(pictures(2, image_size=48)):
        file = tmp_path / "mura/XR_HAND" / f"patient{i}_image1.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(file)
    return tmp_path


def test_a_folder_of_other_pictures_is_rejected_and_teaches_the_gate(raw: Path) -> None:
    rows, rejected, views, _ = build_index(DownloadParams(sources={"mura": HANDS}, external={}), raw)
    assert rows == []
    assert [(row.path, row.reason, row.detail) for row in rejected] == [
        ("mura/XR_HAND/patient0_image1.png", "not_chest", "XR_HAND"),
        ("mura/XR_HAND/patient1_image1.png", "not_chest", "XR_HAND"),
    ]
    assert views == [
        OtherView("mura/XR_HAND/patient0_image1.png", "mura", "mura/patient0", "other"),
        OtherView("mura/XR_HAND/patient1_image1.png", "mura", "mura/patient1", "other"),
    ]


def test_another_word_for_a_class_is_an_error() -> None:
    with pytest.raises((ValueError, CxrError), match="other"):
        FolderParams("folder", "somewhere", {"XR_HAND": "hand"}, r"^(\d+)", ())  # type: ignore[dict-item]
