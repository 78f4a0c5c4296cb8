"""From caches to a calibrated bundle: the head is trained, perhaps the trunk's end with it, then the bundle's
probabilities and its threshold are set.

Bias, temperature and threshold are chosen on the validation patients' answers of the very engine that will serve.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cxr.common.errors import ParamsError
from cxr.common.labels import CLASSES
from cxr.common.parallel import bar
from cxr.data.dataset import Split
from cxr.features.cached_engine import cached_engine
from cxr.features.feature_cache import FeatureCache
from cxr.features.filling import ensure_eight_bits
from cxr.features.row_store import pixel_keys
from cxr.features.settings import FeaturesParams
from cxr.inference.bundle import write_bundle
from cxr.inference.calibration import calibrated
from cxr.inference.engine import Engine, Trunk, trunk_file
from cxr.inference.head import Head
from cxr.inference.model_facts import ModelFacts
from cxr.networks.registry import Backbone
from cxr.training.calibration_fit import fit_calibration, operating_threshold
from cxr.training.familiarity_fit import fit_familiarity, fitted_to
from cxr.training.head_training import TrainedHead, TrainingExamples, costs, train_head
from cxr.training.settings import TrainParams


def train_on_caches(
    train: Split,
    validation: Split,
    caches: tuple[FeatureCache, FeatureCache],
    params: TrainParams,
) -> TrainedHead:
    """Train on the cache of augmented views, keep the best epoch by the cache of plain ones."""
    augmented, plain = caches
    examples = examples_of(augmented, train, params.weighting)
    held_back = examples_of(plain, validation, params.weighting)
    with bar(params.epochs, f"train {augmented.spec.backbone}", "epoch") as advance:
        return train_head(examples, held_back, augmented.shape, params, lambda epoch: advance(1))


def examples_of(cache: FeatureCache, split: Split, weighting: str) -> TrainingExamples:
    """The cached views of a split's images, and what each weighs. Raises CxrError where the cache lacks one."""
    rows = cache.rows(pixel_keys(split.picture, len(split.rows)))
    sources = [row.source for row in split.rows]
    cost = costs([row.label for row in split.rows], sources, weighting)
    _, source = np.unique(sources, return_inverse=True)
    y = split.y.astype(np.float32)
    return TrainingExamples(cache.features(), rows, y, cost, source, cache.scales(), cache.offsets())


def require_tunable(backbone: Backbone, params: TrainParams, features: FeaturesParams) -> None:
    """Raises ParamsError where the backbone is to be fine-tuned and comes as a file, which is frozen."""
    if params.fine_tune and features.exported_of(backbone):
        raise ParamsError(
            f"train.fine_tune is {params.fine_tune}, and {backbone} is an exported backbone, whose layers are frozen; "
            f"set train.fine_tune to 0, or take {backbone} out of train.backbones"
        )


@contextlib.contextmanager
def fine_tuned(
    backbone: Backbone,
    frozen: Path,
    trained: TrainedHead,
    splits: tuple[Split, Split],
    params: TrainParams,
    features: FeaturesParams,
    *,
    eight_bits: bool = True,
) -> Iterator[tuple[Path, TrainedHead]]:
    """The folder of an exported trunk, for as long as the block runs, and the head that goes with it: fine-tuned ones
    as `params.fine_tune` says, or the frozen trunk and `trained` where none of it did better on validation.

    splits: of training and of validation. eight_bits: whether the trunk may get its twin in eight-bit integers.
    """
    if not params.fine_tune:
        yield frozen, trained
        return
    from cxr.networks.keras_export import export_trunk
    from cxr.training.fine_tuning import fine_tune

    tuned = fine_tune(backbone, trained, *splits, params, features)
    if tuned.trunk is None:
        yield frozen, tuned.trained
        return
    with tempfile.TemporaryDirectory() as name:
        export_trunk(tuned.trunk, Path(name))
        if eight_bits:
            ensure_eight_bits(Path(name), *splits, features)
        yield Path(name), tuned.trained


def calibrated_bundle(
    directory: Path,
    trunk: Path,
    trained: TrainedHead,
    splits: tuple[Split, Split],
    facts: Mapping[str, Any],
    sensitivity: float,
    memory: Path,
) -> np.ndarray:
    """Ask the engine about the validation patients, set the head's bias, temperature and threshold, find out what is
    familiar to it, write the bundle.

    Returns the calibrated probabilities float64[n] of the validation images. splits: of training and of validation.
    facts: name, backbone, side and what
    else the bundle is to say of itself. memory: of the engine (cxr/features/cached_engine.py).
    """
    train, validation = splits
    with bar(len(validation.rows), f"validate {facts['backbone']}") as advance:
        compiled = Trunk(trunk_file(trunk, "f32"))
        engine, p_covid = calibrated_engine(compiled, trained, validation, facts, sensitivity, memory, advance)
    with bar(fitted_to(train), f"familiar to {facts['backbone']}") as advance:
        familiarity, _ = fit_familiarity(engine, train, validation, advance)
    write_bundle(directory, trunk, engine.head, engine.facts.document, familiarity)
    return p_covid


def calibrated_engine(
    trunk: Trunk,
    trained: TrainedHead,
    validation: Split,
    facts: Mapping[str, Any],
    sensitivity: float,
    memory: Path,
    advance: Callable[[int], object] = lambda images: None,
) -> tuple[Engine, np.ndarray]:
    """The engine whose bias, temperature and threshold are set by its answers about the validation patients, and those
    answers, calibrated probabilities float64[n].

    trunk: in float32. Other arguments as of `calibrated_bundle`; its version is none yet.
    """
    neutral = {**facts, "classes": list(CLASSES), "temperature": 1.0, "threshold": 0.5, "head": trained.head.kind}

    def engine_with(head: Head, **changes: float) -> Engine:
        described = ModelFacts.of({**neutral, **changes, "version": "no bundle yet"}, "the model in training")
        return cached_engine(Engine(trunk, head, described), memory)

    logits = engine_with(trained.head).logits(validation.pixels, advance)
    shift, temperature = fit_calibration(validation.y, logits)
    p_covid = calibrated(logits + shift, temperature)
    threshold = operating_threshold(validation.y, p_covid, sensitivity)
    head = replace(trained.head, bias=trained.head.bias + shift)
    return engine_with(head, temperature=temperature, threshold=threshold), p_covid
