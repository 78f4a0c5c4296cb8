"""The report of a commissioning: one HTML file without any address, for the department's own file.

It shows patients' pictures, without names and ids, and stays at the site.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.html import html_template
from cxr.data.manifest import REJECTIONS, RejectedRow
from cxr.inference.familiarity import UNFAMILIAR
from cxr.site.answered import SiteAnswers
from cxr.site.commission import SiteReport
from cxr.site.examples import WrongCall
from cxr.site.parts import PARTS
from cxr.site.power import Power

TEMPLATES = Path(__file__).with_name("templates")
# What the numbers are called, and of whom each is.
NAMES = {
    "auc": ("AUC", "pictures; 0.5 is chance"),
    "sensitivity": ("Sensitivity at the threshold", "positive patients"),
    "specificity": ("Specificity at the threshold", "negative patients"),
    "missed_among_unlikely": ("Positive among those called unlikely", "patients called unlikely"),
    "false_among_likely": ("Negative among those called likely", "patients called likely"),
    "uncertain_share": ("Called uncertain", "patients"),
    "calibration_error": ("Calibration error", "pictures; 0 is best"),
}
SHOWN = ("auc", "sensitivity", "specificity")  # by group
FACTORS = {"view": "View", "sex": "Sex", "age": "Age in years"}


@dataclass(frozen=True)
class PageFacts:
    """What the page is filled with. rejected: files that were not used."""

    report: SiteReport
    answers: SiteAnswers
    power: Power
    rejected: Sequence[RejectedRow]
    wrong: Sequence[WrongCall]
    seed: int


def page(facts: PageFacts) -> str:
    """The HTML."""
    profile = facts.report.profile
    return html_template(TEMPLATES, "site.html.j2").render(
        profile=profile,
        power=facts.power,
        seed=facts.seed,
        whom=list(_whom(facts)),
        numbers=[(NAMES[name], figure) for name, figure in profile.certified.items()],
        groups=list(_groups(facts.report)),
        not_answered=list(_not_answered(facts)),
        asked=facts.answers.asked,
        unfamiliar=_unfamiliar(facts.answers),
        triage=facts.report.decision.triage,
        wrong=facts.wrong,
    )


def _whom(facts: PageFacts) -> Iterator[tuple[str, int, int, int]]:
    """Of each part: its name, and how many pictures, positive and negative patients it has."""
    rows = facts.answers.rows
    y = facts.answers.y
    for part in PARTS:
        members = np.flatnonzero(facts.report.decision.parts == part)
        positive = {rows[i].patient for i in members if y[i]}
        yield part, len(members), len(positive), len({rows[i].patient for i in members} - positive)


def _groups(report: SiteReport) -> Iterator[tuple[str, str, int, list[Mapping[str, Any]]]]:
    """Of each group of the certify patients: factor, name, patients, and its numbers."""
    for factor, groups in report.groups.items():
        for name, group in groups.items():
            yield FACTORS[factor], name, group["patients"], [group["metrics"][metric] for metric in SHOWN]


def _not_answered(facts: PageFacts) -> Iterator[tuple[str, int]]:
    """Why files have no answer, with how many."""
    for reason, count in Counter(row.reason for row in facts.rejected).most_common():
        yield f"not used: {REJECTIONS[reason]}", count
    for code, count in facts.answers.refused.items():
        yield f"refused by the model: {code}", count


def _unfamiliar(answers: SiteAnswers) -> float | None:
    """The share of answers that would warn of an unfamiliar source; None where the model knows no familiarity."""
    known = answers.familiarity[~np.isnan(answers.familiarity)]
    return float((known <= UNFAMILIAR).mean()) if len(known) else None
