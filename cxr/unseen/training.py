"""Trains the recipe without some sources, through the functions of the stage train, and asks that model about them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.fingerprint import TRAINING_LIBRARIES, fingerprint_of_code, fingerprint_of_libraries
from cxr.common.parallel import bar
from cxr.data.dataset import Dataset, Split
from cxr.data.splits import HELD_OUT
from cxr.features.feature_cache import FeatureCache
from cxr.features.filling import filled_caches
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.inference.engine import Engine, Trunk, trunk_file
from cxr.inference.familiarity import channel_means
from cxr.networks.registry import Backbone
from cxr.training.familiarity_fit import blocks_of, fit_familiarity
from cxr.training.head_training import TrainingExamples, costs, pooled, train_head
from cxr.training.pipeline import calibrated_engine, examples_of, fine_tuned
from cxr.training.settings import TrainParams
from cxr.unseen.fold_store import FoldAnswers, digest, stored_answers
from cxr.unseen.plan import EXTERNAL, PARTS, Fold, Images, Indices

# What a fold's answers depend on beside the recipe: a change of one of these files trains every fold again.
_CODE = (
    "cxr.inference.calibration",
    "cxr.inference.familiarity",
    "cxr.inference.head",
    "cxr.training.alignment",
    "cxr.training.batches",
    "cxr.training.calibration_fit",
    "cxr.training.familiarity_fit",
    "cxr.training.fine_tuning",
    "cxr.training.head_training",
    "cxr.training.kernels",
    "cxr.training.pipeline",
    "cxr.unseen.training",
)


@dataclass(frozen=True)
class FoldPictures:
    """Every image that takes part, with its pixels. columns: of the same images, in the same order."""

    split: Split
    columns: Images


def fold_pictures(data: Dataset) -> FoldPictures:
    """Training and validation images, and those of sources that are never trained on; no test image is among them.

    An external image of a patient who is trained on, as a copy is, is left out.
    """
    asked = data.split(*PARTS, HELD_OUT)
    held_out = np.array([data.split_of[row.path] == HELD_OUT for row in asked.rows])
    sources = np.array([row.source for row in asked.rows])
    known = np.isin(sources, sources[~held_out]) | np.isin(asked.patients, asked.patients[~held_out])
    split = asked.only(np.flatnonzero(~(held_out & known)))
    parts = [data.split_of[row.path] for row in split.rows]
    columns = Images(
        [row.label for row in split.rows],
        [row.source for row in split.rows],
        [str(patient) for patient in split.patients],
        [EXTERNAL if part == HELD_OUT else part for part in parts],
    )
    return FoldPictures(split, columns)


@dataclass(frozen=True)
class FoldTrainer:
    """trunk: the exported trunk's folder. caches: augmented views of all training images, plain ones of all validation
    images. memory: of the engines (cxr/features/cached_engine.py). kept: the folder of finished folds."""

    backbone: Backbone
    pictures: FoldPictures
    trunk: Path
    caches: tuple[FeatureCache, FeatureCache]
    params: TrainParams
    features: FeaturesParams
    memory: Path
    kept: Path

    @classmethod
    def open(
        cls,
        backbone: Backbone,
        data: Dataset,
        trunk: Path,
        recipe: tuple[TrainParams, FeaturesParams],
        memory: Path,
        kept: Path,
    ) -> "FoldTrainer":
        """Complete the caches first, as every stage does that needs them."""
        params, features = recipe
        augmented, plain, _ = filled_caches(trunk, data.split("train"), data.split("validation"), features, memory)
        return cls(backbone, fold_pictures(data), trunk, (augmented, plain), params, features, memory, kept)

    def all_answers(self, folds: Sequence[Fold], seeds: int) -> dict[tuple[str, ...], list[FoldAnswers]]:
        """By the sources left out, the answers of every seed. One training after another; each is kept once it is
        done, and none depends on another, so that several machines may share them out."""
        with bar(len(folds) * seeds, f"unseen {self.backbone}", "training") as advance:
            return {fold.left_out: [self._counted(fold, seed, advance) for seed in range(seeds)] for fold in folds}

    def answers(self, fold: Fold, seed: int) -> FoldAnswers:
        """The answers of the fold's model, trained now or before. seed: how far above `train.seed`."""
        params = replace(self.params, seed=self.params.seed + seed)
        return stored_answers(self.kept, self._facts(fold, params), lambda: self._trained(fold, params))

    def _counted(self, fold: Fold, seed: int, advance: Callable[[int], object]) -> FoldAnswers:
        answers = self.answers(fold, seed)
        advance(1)
        return answers

    def _trained(self, fold: Fold, params: TrainParams) -> FoldAnswers:
        train, validation = (self.pictures.split.only(kept) for kept in (fold.train, fold.validation))
        examples = [self._examples(part, kept) for part, kept in zip(PARTS, (fold.train, fold.validation), strict=True)]
        trained = train_head(examples[0], examples[1], self.caches[0].shape, params)
        facts: dict[str, Any] = {
            "name": "unseen",
            "backbone": self.backbone,
            "side": self.caches[0].spec.image_size,
        }
        recipe = (params, self.features)
        tuning = fine_tuned(self.backbone, self.trunk, trained, (train, validation), *recipe, eight_bits=False)
        with tuning as (trunk, trained):
            if trunk != self.trunk:
                facts["fine_tuned_blocks"] = params.fine_tune
            compiled = self._compiled if trunk == self.trunk else Trunk(trunk_file(trunk, "f32"))
            engine, _ = calibrated_engine(compiled, trained, validation, facts, params.sensitivity, self.memory)
            familiar, known = fit_familiarity(engine, train, validation)
            p_covid, means = _asked(engine, self.pictures.split.only(fold.asked))
            return FoldAnswers(p_covid, engine.facts.threshold, familiar.of(means), known)

    @cached_property
    def _compiled(self) -> Trunk:
        return Trunk(trunk_file(self.trunk, "f32"))

    @cached_property
    def _all_examples(self) -> dict[str, tuple[Indices, TrainingExamples]]:
        """By part, the places of its images and their examples. Maps are pooled once for all folds."""
        found = {}
        for part, cache in zip(PARTS, self.caches, strict=True):
            places = np.flatnonzero(self.pictures.columns.of_part == part)
            examples = examples_of(cache, self.pictures.split.only(places), self.params.weighting)
            found[part] = places, pooled(examples, cache.shape) if self.params.head == "average" else examples
        return found

    def _examples(self, part: str, kept: Indices) -> TrainingExamples:
        """The examples of these images, weighed among themselves."""
        places, examples = self._all_examples[part]
        of_part = np.searchsorted(places, kept)
        columns = self.pictures.columns
        cost = costs([columns.labels[i] for i in kept], [columns.sources[i] for i in kept], self.params.weighting)
        return replace(
            examples,
            rows=examples.rows[of_part],
            y=examples.y[of_part],
            cost=cost,
            source=examples.source[of_part],
        )

    def _facts(self, fold: Fold, params: TrainParams) -> dict[str, Any]:
        """Everything that the fold's answers depend on, as JSON values."""
        recipe = asdict(params)
        del recipe["backbones"]
        return {
            **self._facts_of_all,
            "recipe": recipe,
            "left_out": list(fold.left_out),
            "train": self._digest(fold.train),
            "validation": self._digest(fold.validation),
            "asked": self._digest(fold.asked),
        }

    @cached_property
    def _facts_of_all(self) -> dict[str, Any]:
        return {
            "backbone": self.backbone,
            "caches": [asdict(cache.spec) for cache in self.caches],
            "trunk": self._compiled.identity(),
            "code": fingerprint_of_code(_CODE),
            "libraries": fingerprint_of_libraries((*TRAINING_LIBRARIES, "numba", "scipy")),
        }

    @cached_property
    def _keys(self) -> list[str]:
        split = self.pictures.split
        return pixel_keys(split.picture, len(split.rows))

    def _digest(self, kept: Indices) -> str:
        """Of pictures, labels, sources and patients, in their order; of the paths too, which draw the views of
        fine-tuning. How familiar a validation picture is, is ranked among other patients'."""
        columns = self.pictures.columns
        rows = self.pictures.split.rows
        return digest(
            [self._keys[i] for i in kept],
            [columns.labels[i] for i in kept],
            [columns.sources[i] for i in kept],
            [columns.patients[i] for i in kept],
            [rows[i].path for i in kept],
        )


def _asked(engine: Engine, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities float64[n] and channel means float32[n, c] of a split's images, in one pass."""
    logits, means = [], []
    for pixels in blocks_of(split):
        for seen in engine.seen(pixels):
            logits.append(engine.head.logits_of(seen))
            means.append(channel_means(seen))
    return engine.probabilities(np.concatenate(logits)), np.concatenate(means)
