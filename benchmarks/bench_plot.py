"""The figures of a run as one small picture: where a training's time goes, and what an image costs among many."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def plot(result: dict[str, Any], path: Path) -> None:
    """Three panels; one whose question was not asked stays empty."""
    figure = Figure(figsize=(11, 3.2), layout="constrained")
    parts, cost, memory = figure.subplots(1, 3)
    if "whole" in result:
        _parts(parts, result["whole"])
    scale = result["questions"].get("scale")
    if scale:
        _cost(cost, scale["figures"]["rows"])
        _memory(memory, scale["figures"]["rows"])
    for panel in (parts, cost, memory):
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_visible(panel.has_data())
    figure.savefig(path, metadata={"Date": None})


def _parts(panel: Axes, whole: dict[str, Any]) -> None:
    names = list(whole["seconds"])
    panel.barh(names[::-1], [whole["seconds"][name] for name in names[::-1]])
    panel.set_xlabel("seconds")
    size = whole["size"]
    panel.set_title(f"A training: {size['training_images']:,} images, {size['epochs']} epochs", fontsize=9)


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
    panel.set_title("Memory that can not be taken back", fontsize=9)
    panel.legend(fontsize=7)
