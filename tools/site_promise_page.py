"""The results of `tools.site_promise` as a page and a plot."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from tools.site_promise import CellCounts

COLUMNS = {
    "for_use": "for use",
    "unlikely_certified": "unlikely certified",
    "likely_certified": "likely certified",
    "missed_violated": "missed: limit violated",
    "false_violated": "false: limit violated",
    "sensitivity_violated": "sensitivity missed",
    "for_use_and_violated": "for use and any violated",
    "uncertain": "uncertain, where for use",
}
VIOLATED = {"missed_violated": "missed among unlikely", "false_violated": "false among likely"}


def page(result: Mapping[str, Any]) -> str:
    """In Markdown: the worst numbers first, then every cell."""
    limits, worst, cells = result["limits"], result["worst"], result["cells"]
    sites = cells[0]["sites"]
    lines = [
        "# What commissioning promises, measured on made sites",
        "",
        f"`{result['command']}`, {result['date']}, {result['machine']['processor']}. {len(cells)} cells of "
        f"{sites:,} sites each.",
        "",
        f"Limits: of those called unlikely at most {limits['missed_among_unlikely']:.0%} positive, of those called",
        f"likely at most {limits['false_among_likely']:.0%} negative, sensitivity {limits['sensitivity']:.0%} or more,",
        f"each with {limits['confidence']:.0%} confidence.",
        "A limit is violated where a group was certified whose true share is above it. Every number is a share of all",
        "sites of the cell, but for the last, the mean share of uncertain patients at the sites for use.",
        "",
        "| | highest of all cells | promised |",
        "|---|---|---|",
        f"| missed among unlikely violated | {worst['missed_violated']:.4f} | 0.05 |",
        f"| false among likely violated | {worst['false_violated']:.4f} | 0.05 |",
        f"| sensitivity missed | {worst['sensitivity_violated']:.4f} | 0.05 |",
        f"| a model that does not work is for use | {worst['let_in']:.4f} | 0.05 |",
        "",
        f"The highest of many cells lies above its own truth: at a truth of 0.05 one cell of {sites:,} sites is above",
        f"{_by_chance(sites, 0.05):.3f} once in twenty times, above {_by_chance(sites, 0.001):.3f} once in a thousand.",
        "",
        "| all sites of a population | sites | missed: violated | false: violated | sensitivity missed | for use |",
        "|---|---|---|---|---|---|",
        *_together(cells),
        "",
        "![violated limits and verdicts](site-promise.svg)",
        "",
        f"| population | patients | prevalence | {' | '.join(COLUMNS.values())} |",
        f"|{'---|' * (len(COLUMNS) + 3)}",
        *_rows(cells),
    ]
    return "\n".join(lines) + "\n"


def _by_chance(sites: int, probability: float) -> float:
    """The share of violated sites that is exceeded with this probability where the truth is 0.05."""
    from scipy.stats import binom

    return float(binom.isf(probability, sites, 0.05) / sites)


def _together(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Cells have equally many sites, so their mean is the share of all."""
    for name in dict.fromkeys(cell["population"] for cell in cells):
        members = [cell for cell in cells if cell["population"] == name]
        measures = ("missed_violated", "false_violated", "sensitivity_violated", "for_use")
        shares = (f"{sum(cell[one] for cell in members) / len(members):.4f}" for one in measures)
        yield f"| {name} | {sum(cell['sites'] for cell in members):,} | {' | '.join(shares)} |"


def _rows(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for cell in cells:
        shares = ("–" if cell[name] is None else f"{cell[name]:.3f}" for name in COLUMNS)
        yield f"| {cell['population']} | {cell['patients']} | {cell['prevalence']} | {' | '.join(shares)} |"


def plot(rows: "Sequence[CellCounts]", path: Path) -> None:
    """The share of sites that violate a limit in each cell, and the verdicts by population and size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    violated, verdicts = figure.subplots(1, 2, width_ratios=(3, 2))
    _violated(violated, rows)
    _verdicts(verdicts, rows)
    for panel in (violated, verdicts):
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def _violated(panel: "Axes", rows: "Sequence[CellCounts]") -> None:
    names = list(dict.fromkeys(row.population for row in rows))
    for shift, (measure, title) in zip((-0.15, 0.15), VIOLATED.items(), strict=True):
        places = [names.index(row.population) + shift for row in rows]
        panel.plot([getattr(row, measure) for row in rows], places, "o", markersize=3, alpha=0.6, label=title)
    panel.axvline(0.05, color="black", linewidth=0.8)
    panel.set_yticks(range(len(names)), names, fontsize=7)
    panel.invert_yaxis()
    panel.set(xlabel="share of sites that violate the limit; one dot a size and prevalence", xlim=(-0.002, 0.08))
    panel.set_title("At most 0.05 is promised", fontsize=9)
    panel.legend(fontsize=7)


def _verdicts(panel: "Axes", rows: "Sequence[CellCounts]") -> None:
    share = 0.3
    sizes = sorted({row.patients for row in rows})
    for name in dict.fromkeys(row.population for row in rows):
        found = {row.patients: row.for_use for row in rows if row.population == name and row.prevalence == share}
        panel.plot(sizes, [found[size] for size in sizes], "o-", markersize=3, label=name)
    panel.set(xlabel=f"patients, {share:.0%} of them positive", ylabel="share of sites for use", ylim=(-0.02, 1.02))
    panel.set_title("Verdict: for use", fontsize=9)
    panel.legend(fontsize=6)
