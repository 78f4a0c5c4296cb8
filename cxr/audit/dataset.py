"""The images that the audit asks about, their lungs, and a stand-in for the head that can be trained in a second."""

from collections.abc import Callable, Sequence

import numpy as np

from cxr.audit.checks import AuditImages
from cxr.audit.feature_checks import FeatureExamples, Fit
from cxr.audit.probes import Array, ridge
from cxr.audit.settings import AuditParams
from cxr.common.labels import COVID
from cxr.data.dataset import Dataset, Split
from cxr.data.splits import HELD_OUT
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.training.head_training import costs

CELLS = 4  # a flattened map is averaged to 4 by 4 places first: what the stand-in may know of a finding's place
_BATCH = 64


def audited_images(data: Dataset, lungs: LungSegmenter | None, split: str, *beside: str) -> AuditImages:
    """The images of `split`, which every headline is about, and those of `beside`, such as HELD_OUT. Where the answers
    decide, data is without test patients (`Dataset.without_test_patients`)."""
    asked = data.split(split, *beside)
    labels, sources, patients = _columns(asked)
    of_split = np.array([data.split_of[row.path] == split for row in asked.rows])
    return AuditImages(asked.pixels, labels, sources, patients, of_split, None if lungs is None else lungs.masks)


def audited_answers(
    engine: Engine, pictures: AuditImages, p_split: Array, progress: Callable[[int], object] = lambda n: None
) -> Array:
    """(n,): the engine's answer to each picture. p_split: (s,), those about the split's images, which were asked
    already; both stand in the index's order. progress: called with images done."""
    answers = np.empty(len(pictures.labels))
    answers[pictures.of_split] = p_split
    others = ~pictures.of_split
    if others.any():
        answers[others] = engine.predict(pictures.pixels[others], progress)
    return answers


def feature_examples(data: Dataset, params: AuditParams) -> tuple[Split, FeatureExamples]:
    """Training, validation and never-trained-on images, at most `images_per_source` of each source and label.

    Not the test patients: these arms may guide the choice of a recipe. HELD_OUT may hold images of some, so data is
    without them (`Dataset.without_test_patients`).
    """
    split = data.split("train", "validation", HELD_OUT)
    labels, sources, _ = _columns(split)
    kept = _sampled([f"{a}/{b}" for a, b in zip(sources, labels, strict=True)], params.images_per_source, params.seed)
    chosen = Split([split.rows[i] for i in kept], split.positions[kept], split.store)
    trainable = np.array([data.split_of[row.path] != HELD_OUT for row in chosen.rows])
    return chosen, FeatureExamples(*_columns(chosen), trainable)


def pooled_features(engine: Engine, split: Split, progress: Callable[[int], object] = lambda n: None) -> np.ndarray:
    """float32[n, d] of what the engine's kind of head sees: channels averaged over all locations, or over CELLS by
    CELLS places of a map."""
    found = []
    for start in range(0, len(split.rows), _BATCH):
        pixels = split.store[split.positions[start : start + _BATCH]]
        found += [averaged(seen) for seen in engine.seen(pixels, progress)]
    return np.concatenate(found)


def averaged(maps: np.ndarray) -> np.ndarray:
    """float32[n, h, w, c] to float32[n, k * k * c] of CELLS by CELLS places, fewer where a map is smaller; sizes need
    not divide."""
    rows, columns = (np.array_split(np.arange(size), min(CELLS, size)) for size in maps.shape[1:3])
    places = [maps[:, r[:, None], c].mean(axis=(1, 2)) for r in rows for c in columns]
    return np.concatenate(places, axis=1)


def surrogate_head(products: Array, examples: FeatureExamples, weighting: str) -> Fit:
    """Ridge on these features, weighted as the head's training is. products: of `cxr.audit.probes.gram`."""
    labels = np.array(examples.labels)
    sources = np.array(examples.sources)

    def fit(trained_on: np.ndarray) -> Array:
        cost = costs(list(labels[trained_on]), list(sources[trained_on]), weighting)
        targets = np.where(labels[trained_on] == COVID, 1.0, -1.0)
        return ridge(products, trained_on, targets, cost.astype(np.float64))

    return fit


def _columns(split: Split) -> tuple[list[str], list[str], list[str]]:
    """Labels, sources, patients."""
    return [r.label for r in split.rows], [r.source for r in split.rows], [r.patient for r in split.rows]


def _sampled(groups: Sequence[str], most: int, seed: int) -> np.ndarray:
    """Sorted indices of at most `most` images of each group."""
    rng = np.random.default_rng(seed)
    of = np.array(groups)
    kept = [rng.permutation(np.flatnonzero(of == group))[:most] for group in sorted(set(groups))]
    return np.sort(np.concatenate(kept))
