"""A report of outcomes for people."""

from collections.abc import Mapping
from typing import Any

from cxr.outcomes.report import AT_LEAST

NAMES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "missed_among_unlikely": "positive among unlikely",
    "false_among_likely": "negative among likely",
}


def text_of_report(said: Mapping[str, Any]) -> str:
    """said: as `document_of_report` gives it."""
    setup = said["setup"]
    place = f" at {setup['site']}" if setup["site"] else ", without a site profile"
    lines = [
        f"feedback: {setup['model']}{place}, {said['since']} to {said['last_answer']}",
        _returned("all", said["answers"]),
        *(_returned(name, group) for name, group in (said["by_triage"] | said["by_state"]).items() if group["all"]),
        f"  Each interval holds at all times together with {100 * said['confidence']:g} %.",
        *(_figure(name, figure) for name, figure in said["figures"].items()),
        *_not_corrected(said["figures"]),
    ]
    return "".join(f"{line}\n" for line in lines)


def _returned(name: str, group: Mapping[str, Any]) -> str:
    told = group["positive"] + group["negative"]
    share = f" ({100 * group['share_with_outcome']:.0f} %)" if group["all"] else ""
    return (
        f"  {name}: {group['all']} answers, {told} with an outcome{share}: {group['positive']} positive, "
        f"{group['negative']} negative; {group['unknown']} unknown"
    )


def _figure(name: str, figure: Mapping[str, Any]) -> str:
    limit = ""
    if figure["limit"] is not None:
        bound = "at least" if name in AT_LEAST else "at most"
        limit = f"; limit {bound} {figure['limit']:g}: {figure['standing']}"
    raw = f"{_estimate(figure['raw'])} of {figure['raw']['n']}"
    return f"  {NAMES[name]}: {_estimate(figure['corrected'])}, uncorrected {raw}{limit}"


def _estimate(found: Mapping[str, Any]) -> str:
    value = "not known" if found["value"] is None else f"{found['value']:.3f}"
    return f"{value} ({found['low']:.3f} to {found['high']:.3f})"


def _not_corrected(figures: Mapping[str, Any]) -> list[str]:
    """A sentence for each stratum that no outcome came back from."""
    strata = {one["stratum"]: one["answers"] for figure in figures.values() for one in figure["not_corrected_for"]}
    return [
        f"  No outcome came back for {answers} answers ({stratum}): nothing can be corrected there, and the intervals "
        "allow any share of them."
        for stratum, answers in strata.items()
    ]
