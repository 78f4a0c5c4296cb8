"""The answers of a fold, kept under the hash of everything that made them: a killed run resumes, and no later one
trains the same fold again."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import TypedDict

from cxr.common.errors import CxrError
from cxr.common.report_files import read_report, write_report

FORMAT = 2  # raise it when the meaning of the stored answers changes


@dataclass(frozen=True)
class FoldAnswers:
    """p_covid, familiarity: float64[n], of the images that the fold asks about, in its order. threshold: of this model.
    known: float64[m], the familiarity of its validation images, as cxr/training/familiarity_fit.py ranks them."""

    p_covid: npt.NDArray[np.float64]
    threshold: float
    familiarity: npt.NDArray[np.float64]
    known: npt.NDArray[np.float64]


class _Stored(TypedDict):
    """facts: what made the answers, in plain words."""

    facts: dict[str, Any]
    p_covid: list[float]
    threshold: float
    familiarity: list[float]
    known: list[float]


def stored_answers(root: Path, facts: Mapping[str, Any], compute: Callable[[], FoldAnswers]) -> FoldAnswers:
    """The answers that `facts` lead to: from the folder `root`, or computed and put there. It can be deleted at any
    time. facts: JSON values. Raises CxrError where the file holds something else than its name says."""
    described: dict[str, Any] = json.loads(json.dumps({**facts, "format": FORMAT}))
    name = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]
    path = root / f"{described['backbone']}-{name}.json"
    if not path.exists():
        answers = compute()
        stored: _Stored = {
            "facts": described,
            "p_covid": answers.p_covid.tolist(),
            "threshold": float(answers.threshold),
            "familiarity": answers.familiarity.tolist(),
            "known": answers.known.tolist(),
        }
        write_report(stored, path)
        return answers
    found = read_report(_Stored, path)
    if found["facts"] != described:
        raise CxrError(f"{path} holds another fold than its name says; delete the file and run again")
    arrays = (np.array(found[name], float) for name in ("familiarity", "known"))
    return FoldAnswers(np.array(found["p_covid"], float), found["threshold"], *arrays)


def digest(*columns: list[str]) -> str:
    """The hash of a table of texts, column by column."""
    return hashlib.sha256(json.dumps(columns).encode()).hexdigest()[:32]
