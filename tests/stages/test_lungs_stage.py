"""What the stage leaves where there is nothing to learn from: the demo's phantoms bring no masks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cxr.common.paths import INDEX, LUNG_MASKS, LUNGS, PIXELS, REPORTS, SPLIT
from cxr.data.manifest import ImageRow, LungMask, write_rows
from cxr.data.splits import SplitRow
from cxr.inference.lung_segmenter import LungSegmenter
from stages import lungs
from tests.rows import image_row

ROOT = Path(__file__).parents[2]


def test_without_masks_there_is_a_report_and_no_segmenter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    write_rows([image_row("phantom/a.png", source="phantom")], ImageRow, INDEX)
    write_rows([], LungMask, LUNG_MASKS)
    write_rows([SplitRow("phantom/a.png", "a", "train")], SplitRow, SPLIT)
    np.save(PIXELS, np.zeros((1, 32, 32), np.uint8))
    assert lungs.main() == "no segmenter: no lung masks of train, validation patients"
    assert LungSegmenter.load_if_trained(LUNGS) is None
    assert not json.loads((REPORTS / "lungs.json").read_text())["trained"]
    assert json.loads((REPORTS / "lungs_headline.json").read_text())["dice"] is None


def test_the_headline_is_about_validation_patients() -> None:
    dice = {"validation": {"mean": {"value": 0.9, "low": 0.8, "high": 0.95}}}
    assert lungs.headline({"trained": True, "dice": dice}) == {"dice": 0.9, "dice_low": 0.8, "dice_high": 0.95}
