"""dvc.yaml's top level: DVC fills no list in there, so tests hold it to the stages and to params.yaml."""

from pathlib import Path
from typing import Any

import yaml

from cxr.common.paths import CHAMPION

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
BACKBONES = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["train"]["backbones"]


def named(entries: list[Any]) -> set[str]:
    """The paths of a stage's outs or plots, which stand alone or with settings."""
    return {next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries}


def plots_of_stages() -> set[str]:
    files = set()
    for stage in PIPELINE["stages"].values():
        files |= named(stage.get("plots", []))
    return files


def test_a_plot_of_all_backbones_has_the_curve_of_each() -> None:
    assert PIPELINE["plots"]
    for plot in PIPELINE["plots"]:
        (settings,) = plot.values()
        files = list(settings["y"])
        patterns = {file.replace(f"/{name}/", "/${item.backbone}/") for file in files for name in BACKBONES} - set(
            files
        )
        assert len(patterns) == 1
        assert patterns <= plots_of_stages()
        assert len(files) == len(BACKBONES)
        assert (ROOT / ".dvc/plots" / f"{settings['template']}.json").is_file()


def test_the_artifact_is_where_promotion_puts_the_champion() -> None:
    assert PIPELINE["artifacts"]["champion"]["path"] == CHAMPION.as_posix()
