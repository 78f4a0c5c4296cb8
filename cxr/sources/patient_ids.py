"""Patients' ids by a regular expression of params.yaml: its first group is the id."""

import re

from cxr.common.errors import SourceError


def expression_of(pattern: str, source: str) -> re.Pattern[str]:
    """Raises SourceError where it is no regular expression, or has no group."""
    where = f"{source}: patient expression {pattern!r}"
    try:
        expression = re.compile(pattern)
    except re.error as fault:
        raise SourceError(f"{where} is not a regular expression ({fault}); mend it in params.yaml") from None
    if expression.groups < 1:
        raise SourceError(f"{where} has no group; put round brackets around the part that is the patient's id")
    return expression


def patient_in(text: str, expression: re.Pattern[str], what: str) -> str:
    """The id in `text`. what: names the place in the message. Raises SourceError where there is none: were it a
    rejection, one wrong expression would quietly throw most of a hospital's images away."""
    match = expression.search(text)
    if not match or not match[1]:
        raise SourceError(
            f"{what} does not match the patient expression {expression.pattern!r}; "
            "extend the expression in params.yaml and run `dvc repro`, or take the file out of the origin and run "
            "`dvc repro --force --single-item download`, then `dvc repro`"
        )
    return match[1]
