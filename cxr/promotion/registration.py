"""Before a model may answer: it is loaded from where it was registered, asked about known images, compared."""

import tempfile
from pathlib import Path

import numpy as np

from cxr.common.errors import CxrError
from cxr.data.dataset import Split
from cxr.evaluation.settings import EvaluateParams
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import Engine
from cxr.inference.predictor import Predictor
from cxr.promotion.decision import Decision, decide, decide_without_champion, keep_rolled_back
from cxr.tracking import registry

KNOWN_IMAGES = 16  # enough to notice damaged or swapped files
TOLERANCE = 1e-4  # of a probability, between the test stage and the registered files


def check_registered(version: registry.Version, test: Split, p_recorded: np.ndarray) -> None:
    """Fetch the version's files and ask their engine again about some test images, spread over the set.

    Raises CxrError where it cannot be loaded or gives another answer than was recorded.
    """
    some = np.unique(np.linspace(0, len(test.rows) - 1, KNOWN_IMAGES).round().astype(int))
    pixels = np.stack([test.picture(i) for i in some])
    with tempfile.TemporaryDirectory() as folder:
        model = Predictor.load(registry.fetch_bundle(version, Path(folder) / "bundle"))  # its gate and its lungs too
        p_now = model.engine.predict(pixels)
    gap = float(np.abs(p_now - p_recorded[some]).max())
    if not gap <= TOLERANCE:  # NaN is no agreement either
        raise CxrError(
            f"{version} answers otherwise than it was tested: probabilities differ by {gap:.2g}, allowed are "
            f"{TOLERANCE}; delete data/feature_cache/remembered-* and run `dvc repro --force` on its train stage"
        )


def decide_on(
    version: registry.Version, split: str, test: Split, p_challenger: np.ndarray, params: EvaluateParams, memory: Path
) -> Decision:
    """Whether `version` becomes champion: both models answer the same present test images.

    split: `cxr.data.splits.identity` of the present split. A champion of another one has learned from some of the
    present test patients, so its answers about them prove nothing. memory: of the champion's engine
    (cxr/features/cached_engine.py).
    """
    if version.rolled_back:
        return keep_rolled_back(version.rolled_back)
    champion = registry.champion(version.name)
    if champion is None:
        return decide_without_champion()
    if champion.number == version.number:
        return Decision(True, "is the champion already")
    with tempfile.TemporaryDirectory() as folder:
        try:
            engine = Engine.load(registry.fetch_bundle(champion, Path(folder) / "bundle"))
            if engine.facts.split != split:
                raise CxrError("it was trained under another split, so it knows some of the test patients")
            if engine.image_size != test.store.shape[1]:
                raise CxrError(
                    f"it takes pictures of {engine.image_size} pixels, the test pictures have {test.store.shape[1]}"
                )
        except CxrError as fault:
            return decide_without_champion(str(fault))
        # Outside: what goes wrong here is the memory's fault, and no reason to let go of the champion.
        p_champion = cached_engine(engine, memory).predict(test.pixels)
    return decide(test.y, list(test.patients), p_challenger, p_champion, params)
