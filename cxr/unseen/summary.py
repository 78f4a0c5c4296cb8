"""From the answers of all folds to unseen.json: pairs, their mean, calls by source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cxr.common.labels import CLASSES, COVID
from cxr.evaluation.report_types import Measured
from cxr.evaluation.settings import EvaluateParams
from cxr.unseen.abstaining import FoldFamiliarity, abstaining
from cxr.unseen.fold_store import FoldAnswers
from cxr.unseen.intervals import Sampled, SourceAnswers, mean_of
from cxr.unseen.plan import EXTERNAL, Fold, Images, Pair, Plan, too_few_sources
from cxr.unseen.report_types import (
    CarriedUnseen,
    ExternalEntry,
    FoldEntry,
    MatrixRow,
    PairEntry,
    RiskRow,
    UnseenReport,
)

NOT_MEASURED: Measured = {"value": None, "low": None, "high": None}
WORTH = ("warned_known", "wrong_warned", "wrong_familiar")  # of `Abstaining`, the single numbers
SWITCHED_OFF = "the yardstick is switched off (params.yaml: unseen.enabled)"

AllAnswers = Mapping[tuple[str, ...], Sequence[FoldAnswers]]


def summarise(images: Images, plan: Plan, answers: AllAnswers, seeds: int, params: EvaluateParams) -> UnseenReport:
    """answers: by the sources left out, of every seed. params: of the intervals."""
    folds = {fold.left_out: _FoldNumbers(images, fold, answers[fold.left_out], params) for fold in plan.folds}
    aucs = {pair: folds[pair.left_out].auc(pair) for pair in plan.pairs}
    pairs = [folds[pair.left_out].entry(pair, found) for pair, found in aucs.items()]
    called = _called(images, folds)
    rates = {label: mean_of([of[label] for of in called.values() if label in of]) for label in CLASSES}
    sure = params.confidence
    return {
        "unseen_auc": mean_of(list(aucs.values())).measured(sure),
        "why": "" if pairs else _why(images, plan),
        "worst": min(pairs, key=lambda pair: pair["auc"]["value"] or 0.0) if pairs else None,
        "false_positive_rate": rates[CLASSES[0]].measured(sure),
        "sensitivity": rates[COVID].measured(sure),
        "seeds": seeds,
        "pairs": pairs,
        "impossible": [
            {"positive": pair.positive, "negative": pair.negative, "reason": reason}
            for pair, reason in plan.impossible.items()
        ],
        "called": {source: {label: found.rate(sure) for label, found in of.items()} for source, of in called.items()},
        "external": {source: _external(images, source, folds, sure) for source in _asked_external(images, folds)},
        "folds": [found.described() for found in folds.values()],
        "abstaining": abstaining([found.familiarity() for found in folds.values()], params) if folds else None,
    }


def not_measured(why: str) -> UnseenReport:
    """unseen.json where nothing was trained. why: in words."""
    return {
        "unseen_auc": NOT_MEASURED,
        "why": why,
        "worst": None,
        "false_positive_rate": NOT_MEASURED,
        "sensitivity": NOT_MEASURED,
        "seeds": 0,
        "pairs": [],
        "impossible": [],
        "called": {},
        "external": {},
        "folds": [],
        "abstaining": None,
    }


@dataclass(frozen=True)
class _FoldNumbers:
    """What a fold's models say, of the images that they were asked about."""

    images: Images
    fold: Fold
    found: Sequence[FoldAnswers]
    params: EvaluateParams

    @property
    def answers(self) -> SourceAnswers:
        asked = self.fold.asked
        return SourceAnswers(
            self.images.covid[asked],
            self.images.of_source[asked],
            self.images.of_patient[asked],
            np.stack([one.p_covid for one in self.found]),
            np.array([one.threshold for one in self.found]),
        )

    def here(self, source: str, label: str | None = None) -> npt.NDArray[np.bool_]:
        """Of the asked images, those of a source, of one label or of any."""
        asked = self.fold.asked
        of_source = self.images.of_source[asked] == source
        return of_source if label is None else of_source & (self.images.covid[asked] == (label == COVID))

    def auc(self, pair: Pair) -> Sampled:
        here = self.here(pair.positive, COVID) | self.here(pair.negative, CLASSES[0])
        return self.answers.auc(here, self.params)

    def inner_auc(self, source: str) -> Sampled:
        return self.answers.auc(self.here(source), self.params)

    def called(self, source: str, label: str) -> Sampled:
        return self.answers.called(self.here(source, label), self.params)

    def entry(self, pair: Pair, auc: Sampled) -> PairEntry:
        sure = self.params.confidence
        return {
            "positive": pair.positive,
            "negative": pair.negative,
            "auc": auc.rate(sure),
            "by_seed": list(auc.by_seed),
            "positives_called": self.called(pair.positive, COVID).rate(sure),
            "negatives_called": self.called(pair.negative, CLASSES[0]).rate(sure),
        }

    def familiarity(self) -> FoldFamiliarity:
        return FoldFamiliarity(self.images, self.fold, self.answers, self.found, self.params)

    def described(self) -> FoldEntry:
        return {
            "left_out": list(self.fold.left_out),
            "train_images": len(self.fold.train),
            "validation_images": len(self.fold.validation),
            "asked_images": len(self.fold.asked),
            "thresholds": [one.threshold for one in self.found],
        }


Folds = Mapping[tuple[str, ...], _FoldNumbers]


def _called(images: Images, folds: Folds) -> dict[str, dict[str, Sampled]]:
    """By source and label, the mean share called COVID over the folds that leave the source out."""
    found: dict[str, dict[str, Sampled]] = {}
    for source in images.trainable_sources():
        without = [fold for left_out, fold in folds.items() if source in left_out]
        labels = [label for label in CLASSES if without and without[0].here(source, label).any()]
        if labels:
            found[source] = {label: mean_of([fold.called(source, label) for fold in without]) for label in labels}
    return found


def _asked_external(images: Images, folds: Folds) -> list[str]:
    return sorted({str(s) for s in images.of_source[images.of_part == EXTERNAL]}) if folds else []


def _external(images: Images, source: str, folds: Folds, sure: float) -> ExternalEntry:
    every = list(folds.values())
    labels = [label for label in CLASSES if every[0].here(source, label).any()]
    called = {label: mean_of([fold.called(source, label) for fold in every]).rate(sure) for label in labels}
    if len(labels) < len(CLASSES):
        return {"called": called}
    return {"auc": mean_of([fold.inner_auc(source) for fold in every]).rate(sure), "called": called}


def _why(images: Images, plan: Plan) -> str:
    few = too_few_sources(images)
    return few or f"of every pair, {next(iter(plan.impossible.values()), 'nothing is left')}"


def headline(report: UnseenReport) -> dict[str, float | None]:
    """The few numbers that fit a line of `dvc metrics show`."""
    found = report["unseen_auc"]
    worst = report["worst"]
    return {
        "unseen_auc": found["value"],
        "unseen_auc_low": found["low"],
        "unseen_auc_high": found["high"],
        "worst_pair_auc": worst["auc"]["value"] if worst else None,
        "false_positive_rate": report["false_positive_rate"]["value"],
        "sensitivity": report["sensitivity"]["value"],
    }


def as_metrics(report: UnseenReport) -> dict[str, float]:
    """What was measured under names that MLflow takes: unseen/auc, unseen/auc_low, unseen/pairs/<P>/<N>/auc, …"""
    found: dict[str, Measured] = {
        "auc": report["unseen_auc"],
        "false_positive_rate": report["false_positive_rate"],
        "sensitivity": report["sensitivity"],
    }
    worth = report.get("abstaining")
    if worth is not None:
        found |= {f"familiarity/{name}": worth[name] for name in WORTH}  # type: ignore[literal-required]
        found |= {f"familiarity/warned/{source}": rate for source, rate in worth["warned_unseen"].items()}
    for pair in report["pairs"]:
        name = f"pairs/{pair['positive']}/{pair['negative']}"
        found |= {
            f"{name}/auc": pair["auc"],
            f"{name}/positives_called": pair["positives_called"],
            f"{name}/negatives_called": pair["negatives_called"],
        }
    endings = {"": "value", "_low": "low", "_high": "high"}
    return {
        f"unseen/{name}{ending}": value[key]  # type: ignore[literal-required]
        for name, value in found.items()
        for ending, key in endings.items()
        if value["value"] is not None
    }


def matrix(report: UnseenReport) -> list[MatrixRow]:
    """Sources by sources, what was measured first."""
    measured = [
        MatrixRow(
            pair["positive"],
            pair["negative"],
            pair["auc"]["value"],
            pair["auc"]["low"],
            pair["auc"]["high"],
            pair["positives_called"]["value"],
            pair["negatives_called"]["value"],
            pair["auc"]["images"],
            pair["auc"]["patients"],
        )
        for pair in report["pairs"]
    ]
    empty = (None, None, None, None, None, 0, 0)
    return measured + [
        MatrixRow(one["positive"], one["negative"], *empty, one["reason"]) for one in report["impossible"]
    ]


def risk_curve(report: UnseenReport) -> list[RiskRow]:
    """The share called wrongly at each share that is answered."""
    worth = report.get("abstaining")
    return [] if worth is None else [RiskRow(**point) for point in worth["risk"]]


def carried_facts(report: UnseenReport) -> CarriedUnseen:
    """What model.json says."""
    carried: CarriedUnseen = {
        "unseen_auc": report["unseen_auc"],
        "false_positive_rate": report["false_positive_rate"],
        "sensitivity": report["sensitivity"],
        "pairs": len(report["pairs"]),
        "seeds": report["seeds"],
        "says": sentence(report),
    }
    worth = report.get("abstaining")
    if worth is not None:
        carried["familiarity"] = {name: worth[name] for name in WORTH}  # type: ignore[literal-required]
    return carried


def sentence(report: UnseenReport) -> str:
    """What the report, the model card and the registry say first."""
    calls = _calls(report["false_positive_rate"])
    if report["unseen_auc"]["value"] is None:
        known = f" What is known: {calls}." if calls else ""
        return f"Nothing is known about how it tells COVID in other hospitals: {report['why']}.{known}"
    also = f"; {calls}" if calls else ""
    pairs = len(report["pairs"])
    return (
        f"In sources that it has never seen its AUC is {_words(report['unseen_auc'])}: the mean over "
        f"{pairs} pair{'s' * (pairs > 1)} of sources that training left out, {report['seeds']} "
        f"training{'s' * (report['seeds'] > 1)} each{also}."
    )


def _calls(rate: Measured) -> str:
    return "" if rate["value"] is None else f"of their images without COVID it calls a share of {_words(rate)} COVID"


def _words(found: Measured) -> str:
    return "{value:.2f} ({low:.2f} to {high:.2f})".format(**found)
