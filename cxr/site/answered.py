"""A model's answers about a site's pictures, by the code that answers everywhere else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.common.labels import CLASSES, COVID, COVID_INDEX
from cxr.common.parallel import bar
from cxr.data.manifest import ImageRow
from cxr.imaging.decode import decode
from cxr.inference.answer import Answer, answer
from cxr.inference.predictor import Predictor
from cxr.site.labelled import LabelledSite
from cxr.watch.codings import coding_and_device
from cxr.watch.statistics import BY_NAME, Value, values_of

SUREST = 1e-15  # a probability nearer to 0 or 1 has no log odds worth the name


@dataclass(frozen=True)
class SiteAnswers:
    """rows, log_odds: (n,), of the pictures that the model answers, of its calibrated probability. familiarity: (n,) in
    0 to 1, NaN where the model knows none. asked: of all pictures. refused: how many, by the refusal's code. counted,
    counted_refused: what the watch counts of each answered and each refused picture, before the site has a profile."""

    rows: list[ImageRow]
    log_odds: npt.NDArray[np.float64]
    familiarity: npt.NDArray[np.float64]
    asked: int
    refused: Mapping[str, int]
    counted: Sequence[Mapping[str, Value]] = ()
    counted_refused: Sequence[Mapping[str, Value]] = ()

    @property
    def y(self) -> npt.NDArray[np.intp]:
        """(n,), 1 is COVID."""
        return np.array([row.label == COVID for row in self.rows], int)


def ask(model: Predictor, site: LabelledSite) -> SiteAnswers:
    """One picture at a time, so that memory does not grow with the site."""
    answered: list[tuple[ImageRow, Answer]] = []
    refused: Counter[str] = Counter()
    counted: list[Mapping[str, Value]] = []
    counted_refused: list[Mapping[str, Value]] = []
    # Of a converted file the service will see another coding.
    known = BY_NAME.keys() - ({"coding"} if site.converted else set())
    with bar(len(site.rows), "answers") as advance:
        for row in site.rows:
            data = (site.root / row.path).read_bytes()
            picture = decode(data)
            said = answer(model, picture)
            coding, _ = coding_and_device(data)
            values = {name: value for name, value in values_of(coding, picture, said).items() if name in known}
            if said.reason is None:
                answered.append((row, said))
                counted.append(values)
            else:
                refused[said.reason.code] += 1
                counted_refused.append(values)
            advance(1)
    p = np.clip([_p_covid(said) for _, said in answered], SUREST, 1 - SUREST)
    familiarity = [np.nan if said.familiarity is None else said.familiarity for _, said in answered]
    return SiteAnswers(
        [row for row, _ in answered],
        np.log(p) - np.log1p(-p),
        np.array(familiarity, float),
        len(site.rows),
        dict(sorted(refused.items())),
        counted,
        counted_refused,
    )


def _p_covid(said: Answer) -> float:
    assert said.probabilities is not None  # a refusal has a reason, and stands elsewhere
    return said.probabilities[CLASSES[COVID_INDEX]]
