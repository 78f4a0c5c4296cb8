"""The measures of an ablation's variants on validation patients, and their table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxr.common.labels import COVID
from cxr.data.dataset import Split
from cxr.evaluation.intervals import mean_over_patients
from cxr.evaluation.metrics import evaluate
from cxr.evaluation.settings import EvaluateParams

SAME_SOURCE = "covid_chestxray"  # the one source of both labels
RATE = "false_positive_rate_"
TITLES = {
    "balanced_auc": "balanced AUC",
    "auc": "AUC",
    "lungs_blacked_out_auc": "AUC, lungs blacked out",
    "same_source_auc": "AUC inside",
    "sensitivity": "sensitivity",
}

LEGEND = f"""\
**Validation patients only**: every number is about patients that no variant trained on, and about no test patient.
Each variant's epoch, temperature and threshold were chosen on them, so the numbers are a little too good. In brackets
the 95 % interval over patients. *AUC inside*: COVID against other images of `{SAME_SOURCE}`. Sensitivity and false
positives are at each variant's own threshold. A star: other patients of the source were trained on.
""".split("\n")

Measures = dict[str, dict[str, Any]]


def measures(
    split: Split, p_covid: np.ndarray, p_dark: np.ndarray, threshold: float, params: EvaluateParams
) -> Measures:
    """Each measure as {"value", "low", "high", …}, with its interval over patients, by name.

    p_covid: float64[n], the probabilities of the split's images. p_dark: the same with the lungs blacked out.
    """
    sources = np.array([row.source for row in split.rows])
    covid = split.y == 1
    called = p_covid >= threshold
    patients = split.patients

    def rate(rows: np.ndarray) -> dict[str, Any]:
        return mean_over_patients(called[rows].astype(float), list(patients[rows]), params)

    def area(rows: np.ndarray, p: np.ndarray = p_covid) -> dict[str, Any]:
        return evaluate(split.y[rows], p[rows], list(patients[rows]), threshold, params)["auc"]

    overall = evaluate(split.y, p_covid, list(patients), threshold, params, sources=list(sources))
    inside = sources == SAME_SOURCE
    counts = {"images": int(inside.sum()), "non_covid": int((inside & ~covid).sum())}
    return {
        "balanced_auc": overall["balanced_auc"],
        "auc": overall["auc"],
        "lungs_blacked_out_auc": area(np.ones(len(covid), bool), p_dark),
        "same_source_auc": {**area(inside), **counts},
        "sensitivity": rate(covid),
        **{f"{RATE}{source}": rate(~covid & (sources == source)) for source in sorted(set(sources[~covid]))},
    }


def table(result: Mapping[str, Any]) -> str:
    """The page in Markdown: the command, and one row per variant."""
    rows: dict[str, dict[str, Any]] = result["variants"]
    measured = next(iter(rows.values()))["measures"]
    names = [*TITLES, *sorted(measured.keys() - TITLES.keys())]
    heads = ["variant", *(TITLES.get(name, f"false positives, {name.removeprefix(RATE)}") for name in names)]
    lines = [
        "# What each part of the recipe gives",
        "",
        f"`{result['command']}`, {result['date']}, {result['machine']['processor']}, {result['views']} views an image.",
        "",
        *LEGEND,
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {title} | {' | '.join(_cell(name, row) for name in names)} |" for title, row in rows.items()),
        "",
        f"Images: {_images(next(iter(rows.values()))['measures'])}.",
    ]
    return "\n".join(lines) + "\n"


def _cell(name: str, row: Mapping[str, Any]) -> str:
    measure = row["measures"][name]
    if measure["value"] is None:
        return "–"
    star = "*" if name.startswith(RATE) and f"{name.removeprefix(RATE)}/NonCOVID" in row["trained_on"] else ""
    return f"{measure['value']:.2f}{star} ({measure['low']:.2f}–{measure['high']:.2f})"


def _images(found: Measures) -> str:
    counts = {f"{COVID}": found["sensitivity"]} | {
        name.removeprefix(RATE): measure for name, measure in found.items() if name.startswith(RATE)
    }
    return "; ".join(
        f"{name} {measure['images']} of {measure['patients']} patients" for name, measure in counts.items()
    )
