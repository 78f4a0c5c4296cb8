import importlib
from dataclasses import asdict
from pathlib import Path

import pytest

from cxr.common.atomic_files import write_json
from cxr.common.errors import CxrError
from cxr.features.trunks import TrunkSpec, ensure_trunk, read_trunk_spec

WHOLE, CUT = TrunkSpec("vgg16", 75, "random-3"), TrunkSpec("vgg16", 75, "random-3", "block4_pool")


class TrunkBuiltError(Exception):
    """Raised in place of starting Keras."""


@pytest.fixture(autouse=True)
def no_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise TrunkBuiltError(*arguments)

    monkeypatch.setattr(importlib.import_module("cxr.networks.backbones"), "build_trunk", refuse)


def stored(folder: Path, facts: dict) -> Path:
    write_json(facts, folder / "trunk.json")
    (folder / "trunk.bin").touch()
    return folder


def test_a_trunk_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    ensure_trunk(CUT, "random", 3, stored(tmp_path, asdict(CUT)))
    assert read_trunk_spec(tmp_path) == CUT


@pytest.mark.parametrize("facts", [asdict(CUT), {"backbone": "vgg16", "image_size": 75, "weights": "random-3"}])
def test_another_trunk_and_one_from_before_cutting_are_built_anew(facts: dict, tmp_path: Path) -> None:
    with pytest.raises(TrunkBuiltError) as caught:
        ensure_trunk(WHOLE, "random", 3, stored(tmp_path, facts))
    assert caught.value.args == ("vgg16", 75, "random", 3, "", None)


def test_a_trunk_from_before_cutting_is_not_taken_for_one_of_today(tmp_path: Path) -> None:
    folder = stored(tmp_path, {"backbone": "vgg16", "image_size": 75, "weights": "random-3"})
    with pytest.raises(CxrError, match=r"trunk\.json is of another version; run `dvc repro`"):
        read_trunk_spec(folder)
