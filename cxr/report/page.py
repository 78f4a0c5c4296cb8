"""The templates filled in: facts to HTML, facts to Markdown. A value that is missing or blank is an error."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_eval_context, select_autoescape
from jinja2.nodes import EvalContext
from markupsafe import Markup

from cxr.evaluation.subgroups import AGE_BANDS, MIN_PATIENTS
from cxr.report import presentation, words
from cxr.report.facts import ReportFacts
from cxr.report.mistakes import Mistake
from cxr.report.origin import origin_note
from cxr.unseen.summary import sentence

TEMPLATES = Path(__file__).with_name("templates")
# What Markdown takes for the end of a cell, of a line, or for HTML.
_MARKDOWN = {"<": "&lt;", ">": "&gt;", "|": "&#124;", "\n": " "}


def report(facts: ReportFacts, figures: Mapping[str, Markup], mistakes: Sequence[Mistake]) -> str:
    """The HTML page. figures: of `cxr.report.figures.report_figures`."""
    return _rendered("report.html.j2", facts, figures=figures, mistakes=mistakes)


def model_card(facts: ReportFacts) -> str:
    """Markdown in the form of Mitchell et al. 2019, with the checklist CLAIM (Mongan, Moy, Kahn 2020)."""
    return _rendered("model_card.md.j2", facts)


def _rendered(template: str, facts: ReportFacts, **more: Any) -> str:
    environment = _environment()
    shown = {
        "facts": facts,
        "model": facts.model,
        "whose": facts.shown.whose,
        "metrics": facts.shown.metrics,
        "groups": facts.shown.groups,
        "measured": presentation.measured(facts),
        "audit": facts.model.audit,
        "unseen": facts.model.unseen,
        "unseen_says": sentence(facts.model.unseen),
        "without_lungs": presentation.without_lungs(facts.shown.findings),
        "without_lungs_validation": presentation.without_lungs(facts.audit_findings),
        "arms": presentation.audit_arms(facts),
        "sealed_arms": presentation.sealed_arms(facts),
        "sources": list(presentation.data_sources(facts)),
        "rejected": presentation.rejected(facts),
        "dropped": presentation.dropped(facts),
        "settings": presentation.settings(facts),
        "commit": presentation.commit(facts),
        "single_label": presentation.single_label(facts),
        "trunk": presentation.trunk(facts),
        "age_bands": list(AGE_BANDS),
        "min_patients": MIN_PATIENTS,
        "names": words,
        "origin_note": Markup(origin_note(facts.files)),  # noqa: S704 - paths and hashes only
        **more,
    }
    return environment.get_template(template).render(shown).strip() + "\n"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html.j2", "css")),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (
        words.interval,
        words.bounds,
        words.of_group,
        words.percent,
        words.count,
        words.number,
        words.counted,
        words.years,
    ):
        environment.filters[function.__name__] = function
    environment.filters |= {"spaced": words.spaced, "setting": words.setting, "per_hundred": presentation.per_hundred}
    return environment


@pass_eval_context
def _finalize(context: EvalContext, value: Any) -> Any:
    """Every value on its way into the text. Refuses what would leave a blank or a "None" in it."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)) or not str(value).strip():
        raise ValueError(f"a template would print {value!r}; its number is missing from the metrics files")
    if context.autoescape or isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(_MARKDOWN.get(character, character) for character in value)
