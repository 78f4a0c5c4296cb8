"""The matrix of the yardstick as a figure: sources with COVID by row, sources without by column."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cxr.unseen.report_types import MatrixRow

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def matrix_figure(cells: Sequence[MatrixRow], title: str) -> "Figure":
    """AUC of every pair with its interval, and the share of the images without COVID that are called COVID; an empty
    cell cannot be measured. cells: of `cxr.unseen.summary.matrix`, at least one."""
    from matplotlib.figure import Figure

    rows = sorted({cell.positive for cell in cells})
    columns = sorted({cell.negative for cell in cells})
    values = np.full((len(rows), len(columns)), np.nan)
    figure = Figure(figsize=(3.2 + 1.7 * len(columns), 1.8 + 1.1 * len(rows)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    for cell in cells:
        place = rows.index(cell.positive), columns.index(cell.negative)
        if cell.auc is not None:
            values[place] = cell.auc
        dark = cell.auc is not None and cell.auc > 0.8
        axes.text(place[1], place[0], _words(cell), ha="center", va="center", color="white" if dark else "black")
    picture = axes.imshow(values, cmap="Blues", vmin=0.3, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.set_xlabel("Source of the images without COVID")
    axes.set_ylabel("Source of the COVID images")
    figure.colorbar(picture, ax=axes, label="AUC")
    axes.set_title(f"{title}\nboth sources left out of training", fontsize=10.5, loc="left", linespacing=1.4)
    return figure


def _words(cell: MatrixRow) -> str:
    if cell.auc is None:
        return "not possible"
    return f"{cell.auc:.2f}\n({cell.low:.2f}–{cell.high:.2f})\nFPR {cell.negatives_called:.2f}"
