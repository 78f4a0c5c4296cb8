"""What a model's familiarity is worth: how often it warns of known and of unknown sources, whether it errs more where
it warns, and how the errors fall as it answers less."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.evaluation.settings import EvaluateParams
from cxr.evaluation.weighted_metrics import ratio
from cxr.inference.familiarity import UNFAMILIAR
from cxr.unseen.fold_store import FoldAnswers
from cxr.unseen.intervals import Drawing, Sampled, SourceAnswers, mean_of
from cxr.unseen.plan import Fold, Images
from cxr.unseen.report_types import Abstaining, RiskPoint

_COVERAGES = np.linspace(0.05, 1, 20)  # the shares of pictures that are answered, along the curves

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FoldFamiliarity:
    """What a fold's models say of images that they were asked about, and how familiar these are. answers: about the
    asked images. found: of every training."""

    images: Images
    fold: Fold
    answers: SourceAnswers
    found: Sequence[FoldAnswers]
    params: EvaluateParams

    @property
    def familiarity(self) -> Array:
        """(seeds, n), of the asked images."""
        return np.stack([one.familiarity for one in self.found])

    @property
    def warned(self) -> Mask:
        return self.familiarity <= UNFAMILIAR

    @property
    def wrong(self) -> Mask:
        return self.answers.calls != self.answers.y

    @property
    def left_out(self) -> Mask:
        return np.isin(self.answers.sources, self.fold.left_out)

    def warned_known(self) -> Sampled:
        """Of the validation images, the share that is warned of."""
        validation = self.fold.validation
        flags = np.stack([one.known for one in self.found]) <= UNFAMILIAR
        drawing = Drawing(self.images.of_source[validation], self.images.of_patient[validation], len(self.found))
        return drawing.share(flags, np.ones(len(validation), bool), self.params)

    def warned_of(self, source: str) -> Sampled:
        return self.answers.drawing.share(self.warned, self.answers.sources == source, self.params)

    def errors(self, *, warned: bool) -> Sampled:
        """Of the images of sources left out that are warned of, or are not, the share that is called wrongly."""
        here = self.left_out
        among = (self.warned == warned)[:, here]
        wrong = self.wrong[:, here]

        def rate(seed: int, weights: Array) -> Array:
            return ratio(weights @ (wrong & among)[seed].astype(float), weights @ among[seed].astype(float))

        return self.answers.drawing.sampled(rate, here, self.params)

    def risks(self) -> dict[str, Array]:
        """By the number that decides which images are answered first, the share called wrongly at each coverage."""
        here = self.left_out
        margin = np.abs(_log_odds(self.answers.p_covid) - _log_odds(self.answers.thresholds)[:, None])
        ordered = {"familiarity": self.familiarity, "margin": margin}
        return {name: _risk(values[:, here], self.wrong[:, here]) for name, values in ordered.items()}


def abstaining(folds: Sequence[FoldFamiliarity], params: EvaluateParams) -> Abstaining:
    """Means over folds, and over trainings. folds: at least one."""
    sure = params.confidence
    sources = sorted({source for fold in folds for source in fold.fold.left_out})
    return {
        "warned_known": mean_of([fold.warned_known() for fold in folds]).measured(sure),
        "warned_unseen": {
            source: mean_of([fold.warned_of(source) for fold in folds if source in fold.fold.left_out]).rate(sure)
            for source in sources
        },
        "wrong_warned": mean_of([fold.errors(warned=True) for fold in folds]).measured(sure),
        "wrong_familiar": mean_of([fold.errors(warned=False) for fold in folds]).measured(sure),
        "risk": list(_curves(folds)),
    }


def _curves(folds: Sequence[FoldFamiliarity]) -> Iterator[RiskPoint]:
    risks = [fold.risks() for fold in folds]
    for by in risks[0]:
        mean = np.mean([risk[by] for risk in risks], axis=0)
        for coverage, value in zip(_COVERAGES, mean, strict=True):
            yield {"by": by, "coverage": round(float(coverage), 2), "risk": float(value)}


def _risk(values: Array, wrong: Mask) -> Array:
    """Of the images of largest value the share called wrongly, (coverages,), over trainings. Both (seeds, n).

    Images of equal value count alike: familiarity is a rank, and all that are farther than every known image share the
    lowest one."""
    kept = _COVERAGES * values.shape[1]
    found = []
    for value, errors in zip(values, wrong, strict=True):
        _, block = np.unique(-value, return_inverse=True)
        images, called = np.bincount(block), np.bincount(block, weights=errors)
        ends = np.concatenate([[0], np.cumsum(images)])
        found.append(np.interp(kept, ends, np.concatenate([[0], np.cumsum(called)])) / kept)
    return np.mean(found, axis=0)


def _log_odds(probability: Array) -> Array:
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.log(inside / (1 - inside))
