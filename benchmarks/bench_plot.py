"""Draw the figures of a run as one small picture: the pipeline's time by stage, and the cost of an image among many."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def plot(result: dict[str, Any], path: Path) -> None:
    """Three panels; a panel whose question was not asked stays empty."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    stages, cost, memory = figure.subplots(1, 3)
    pipeline = result["questions"].get("pipeline")
    if pipeline:
        _stages(stages, pipeline["figures"])
    scale = result["questions"].get("scale")
    if scale:
        _cost(cost, scale["figures"]["rows"])
        _memory(memory, scale["figures"]["rows"])
    for panel in (stages, cost, memory):
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_visible(panel.has_data())
    figure.savefig(path, metadata={"Date": None})


def _stages(panel: Axes, pipeline: dict[str, Any]) -> None:
    """Two bars a stage: from nothing, and after a tenth more patients."""
    runs = {"from nothing": pipeline["from_nothing"], "10 % more patients": pipeline["growth"]}
    by_stage = {name: _summed(run["seconds_by_stage"]) for name, run in runs.items()}
    stages = list(by_stage["from nothing"])
    for row, (name, seconds) in enumerate(by_stage.items()):
        places = [number + 0.4 * (row - 0.5) for number in range(len(stages))]
        panel.barh(places, [seconds.get(stage, 0.0) for stage in stages], height=0.4, label=name)
    panel.set_yticks(range(len(stages)), stages, fontsize=7)
    panel.invert_yaxis()
    panel.set_xlabel("seconds")
    size = pipeline["size"]
    panel.set_title(f"{size['training_images']:,} training images, {size['epochs']} epochs", fontsize=9)
    panel.legend(fontsize=7)


def _summed(parts: dict[str, dict[str, float]]) -> dict[str, float]:
    """Seconds by stage, summed over the parts of the pipeline: each part has seconds of DVC itself."""
    summed: dict[str, float] = {}
    for stages in parts.values():
        for stage, seconds in stages.items():
            summed[stage] = summed.get(stage, 0.0) + seconds
    return summed


def _cost(panel: Axes, rows: list[dict[str, Any]]) -> None:
    for step in rows[0]["cpu_ms_per_image"]:
        panel.plot([row["images"] for row in rows], [row["cpu_ms_per_image"][step] for row in rows], "o-", label=step)
    panel.set(xscale="log", yscale="log", xlabel="images", ylabel="ms of processor time an image")
    panel.set_title("Cost of an image among many", fontsize=9)
    panel.legend(fontsize=7)


def _memory(panel: Axes, rows: list[dict[str, Any]]) -> None:
    for part in rows[0]["peak_mib"]:
        panel.plot([row["images"] for row in rows], [row["peak_mib"][part] for row in rows], "o-", label=part)
    panel.set(xscale="log", xlabel="images", ylabel="MiB at the peak", ylim=(0, None))
    panel.set_title("Memory that cannot be taken back", fontsize=9)
    panel.legend(fontsize=7)
