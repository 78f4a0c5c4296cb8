"""The registry of warnings and refusals: when each applies, and the sentence that says it.

A warning or a refusal is one entry in cxr/inference/rules.py; its sentence stands in clients/texts.json.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cxr.inference.model_facts import ModelFacts
from cxr.inference.predictor import Predictor
from cxr.inference.site_profile import SiteProfile


@dataclass(frozen=True)
class Remark:
    """A warning or the reason of a refusal: a code for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Case:
    """What a warning may look at. facts: of the model. p_covid: 0 to 1, calibrated. site: None where the model was not
    commissioned for one.

    lung_share: of the heat map's absolute weight, what lies inside the lungs, 0 to 1; None where no heat map was
    asked for or no lungs were found. familiarity: 0 to 1, as cxr/inference/familiarity.py; None where the bundle does
    not know.
    """

    facts: ModelFacts
    p_covid: float
    lung_share: float | None = None
    familiarity: float | None = None
    site: SiteProfile | None = None

    @property
    def threshold(self) -> float:
        """0 to 1: the site's, else the model's."""
        return self.facts.threshold if self.site is None else self.site.threshold


Applies = Callable[[Case], bool]
Refuses = Callable[[Predictor, np.ndarray], str | None]  # pixels: uint8[size, size]; the code, or None


@dataclass(frozen=True)
class _Refusal:
    codes: tuple[str, ...]
    find: Refuses


class Rules:
    """Warnings and refusals in the order in which they are asked."""

    def __init__(self, sentences: Mapping[str, str]):
        """sentences: "warning.<code>" and "refusal.<code>" to what people read, as in clients/texts.json."""
        self._sentences = dict(sentences)
        self._warnings: dict[str, Applies] = {}
        self._refusals: list[_Refusal] = []

    def extended(self, sentences: Mapping[str, str]) -> "Rules":
        """A copy to add entries to; it also knows `sentences`."""
        copy = Rules(self._sentences | dict(sentences))
        copy._warnings = dict(self._warnings)
        copy._refusals = list(self._refusals)
        return copy

    def warning(self, code: str) -> Callable[[Applies], Applies]:
        """Add the decorated function: the warning `code` goes with an answer where it returns True.

        Raises ValueError where the code is taken or has no sentence."""
        self._check_new("warning", code, self._warnings)

        def add(applies: Applies) -> Applies:
            self._warnings[code] = applies
            return applies

        return add

    def refusal(self, *codes: str) -> Callable[[Refuses], Refuses]:
        """Add the decorated function: it returns one of `codes` for a picture that is not to be classified, or None.

        Raises ValueError where a code is taken or has no sentence."""
        for code in codes:
            self._check_new("refusal", code, self.refusal_codes)

        def add(find: Refuses) -> Refuses:
            self._refusals.append(_Refusal(codes, find))
            return find

        return add

    @property
    def warning_codes(self) -> tuple[str, ...]:
        return tuple(self._warnings)

    @property
    def refusal_codes(self) -> tuple[str, ...]:
        return tuple(code for refusal in self._refusals for code in refusal.codes)

    def warnings_of(self, case: Case) -> tuple[Remark, ...]:
        """Every warning that applies."""
        return tuple(self.remark("warning", code) for code, applies in self._warnings.items() if applies(case))

    def refusal_of(self, model: Predictor, pixels: np.ndarray) -> Remark | None:
        """Why uint8[size, size] is not to be classified, or None. The first refusal that finds a reason decides."""
        for refusal in self._refusals:
            code = refusal.find(model, pixels)
            if code is not None:
                return self._refused(code, refusal.codes)
        return None

    def _refused(self, code: str, codes: tuple[str, ...]) -> Remark:
        if code not in codes:
            raise ValueError(f"a refusal gave the code {code!r}, which is not one of {codes}; name it in its decorator")
        return self.remark("refusal", code)

    def remark(self, kind: str, code: str) -> Remark:
        """The code with its sentence. kind: "warning" or "refusal"."""
        return Remark(code, self._sentences[f"{kind}.{code}"])

    def _check_new(self, kind: str, code: str, taken: Mapping[str, object] | tuple[str, ...]) -> None:
        if code in taken:
            raise ValueError(f"the {kind} {code!r} is there already; choose another code")
        if f"{kind}.{code}" not in self._sentences:
            raise ValueError(
                f"the {kind} {code!r} has no sentence; add {kind}.{code} to clients/texts.json and run `make texts`"
            )
