"""dvc.yaml's top level: DVC fills no list in there, so tests hold it to the stages and to params.yaml."""

import re
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


def test_no_metric_or_plot_of_dvc_is_of_test_patients() -> None:
    """Their stages never name the split; tests/stages/test_without_test_patients.py runs those of a backbone."""
    for name, stage in PIPELINE["stages"].items():
        shown = named(stage.get("metrics", [])) | named(stage.get("plots", []))
        assert not any(file.startswith("reports/sealed") for file in shown)
        if shown:
            assert not re.search(r"""["']test["']""", (ROOT / f"stages/{name}.py").read_text(encoding="utf-8")), name
    assert "test patients" not in yaml.safe_dump(PIPELINE)


def test_nothing_that_a_model_is_made_of_comes_from_a_stage_with_an_output_out_of_the_cache() -> None:
    """Such a stage runs again in every fresh clone, and its other results could differ on another machine."""
    stages = PIPELINE["stages"]
    needed, waiting = set(), ["register"]
    while waiting:
        deps = [Path(dep) for dep in stages[waiting.pop()]["deps"]]
        for name, stage in stages.items():
            outs = named(stage["outs"]) | named(stage.get("metrics", [])) | named(stage.get("plots", []))
            if name not in needed and any(Path(out).is_relative_to(dep) for out in outs for dep in deps):
                needed.add(name)
                waiting.append(name)
    assert needed >= {"download", "copies", "split", "unseen", "gate"}
    settings = [out for name in needed for out in stages[name]["outs"] if isinstance(out, dict)]
    assert not [out for out in settings for setting in out.values() if setting.get("cache") is False]


def test_the_history_of_looks_outlives_a_repro() -> None:
    (out,) = PIPELINE["stages"]["sealed"]["outs"]
    assert out == {"reports/sealed": {"cache": False, "persist": True}}


def test_the_artifact_is_where_promotion_puts_the_champion() -> None:
    assert PIPELINE["artifacts"]["champion"]["path"] == CHAMPION.as_posix()
