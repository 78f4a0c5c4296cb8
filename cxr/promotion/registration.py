"""Before a model may answer: it is loaded from where it was registered, asked about known images, compared."""

import logging
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cxr.common.errors import CxrError
from cxr.data.dataset import Split
from cxr.evaluation.settings import EvaluateParams
from cxr.features.cached_engine import cached_engine
from cxr.inference.engine import Engine
from cxr.inference.predictor import Predictor
from cxr.promotion import moves
from cxr.promotion.decision import Decision, decide, decide_uncompared, decide_without_champion, keep_rolled_back
from cxr.promotion.moves import ModelStore
from cxr.tracking import registry
from cxr.tracking.registry import Version

logger = logging.getLogger(__name__)
KNOWN_IMAGES = 16  # enough to notice damaged or swapped files
TOLERANCE = 1e-4  # of a probability, between the training stage and the registered files


def check_registered(version: Version, validation: Split, p_recorded: np.ndarray) -> None:
    """Fetch the version's files and ask their engine again about some validation images, spread over
    the set.

    Raises CxrError where it cannot be loaded or gives another answer than was recorded.
    """
    some = np.unique(np.linspace(0, len(validation.rows) - 1, KNOWN_IMAGES).round().astype(int))
    pixels = np.stack([validation.picture(i) for i in some])
    with tempfile.TemporaryDirectory() as folder:
        model = Predictor.load(registry.fetch_bundle(version, Path(folder) / "bundle"))  # its gate and its lungs too
        p_now = model.engine.predict(pixels)
    gap = float(np.abs(p_now - p_recorded[some]).max())
    if not gap <= TOLERANCE:  # NaN is no agreement either
        raise CxrError(
            f"{version} answers otherwise than it was measured: probabilities differ by {gap:.2g}, allowed are "
            f"{TOLERANCE}; delete data/feature_cache/remembered-* and run `dvc repro --force` on its train stage"
        )


def decide_on(
    version: Version,
    split: str,
    validation: Split,
    params: EvaluateParams,
    memory: Path,
    p_challenger: np.ndarray | None = None,
) -> Decision:
    """Whether `version` may become champion: both models answer the same present validation images.

    The test patients decide nothing: they are for the report of a version that was chosen. The validation patients
    have picked the epoch, the calibration and the backbone of both models, so both look a little better than they are;
    the difference suffers from that less than either number.

    split: `cxr.data.splits.split_fingerprint` of the present split. A champion of another one may have learned from
    some of the present validation patients, so its answers about them prove nothing: nothing replaces it then, nor one
    whose files cannot be read, but by a person's will. p_challenger: its recorded probabilities; None:
    it is asked. memory: of the engines (cxr/features/cached_engine.py). Raises CxrError where `version` itself cannot
    be compared.
    """
    if version.rolled_back:
        return keep_rolled_back(version.rolled_back)
    champion = registry.champion(version.name)
    if champion is None:
        return decide_without_champion()
    if champion.number == version.number:
        return Decision(True, "is the champion already", champion=champion.number)
    with tempfile.TemporaryDirectory() as folder:
        if p_challenger is None:
            engine = _engine(version, Path(folder) / "challenger", split, validation)
            p_challenger = cached_engine(engine, memory).predict(validation.pixels)
        try:
            engine = _engine(champion, Path(folder) / "champion", split, validation)
        except CxrError as fault:
            return replace(decide_uncompared(str(fault)), champion=champion.number)
        # Outside: what goes wrong here is the memory's fault, and no reason to let go of the champion.
        p_champion = cached_engine(engine, memory).predict(validation.pixels)
    decision = decide(validation.y, list(validation.patients), p_challenger, p_champion, params)
    return replace(decision, champion=champion.number)


def _engine(version: Version, folder: Path, split: str, validation: Split) -> Engine:
    """Its files are in `folder` then. Raises CxrError where it cannot answer about the present validation images, or
    has learned from them."""
    engine = Engine.load(registry.fetch_bundle(version, folder))
    if engine.facts.split != split:
        raise CxrError("it was trained under another split, so it may know some of the validation patients")
    if engine.image_size != validation.store.shape[1]:
        raise CxrError(
            f"it takes pictures of {engine.image_size} pixels, the present ones have {validation.store.shape[1]}"
        )
    return engine


def _bring(champion: Version, store: ModelStore) -> None:
    """A new machine's store gets the champion, too. One that cannot be read is said so, and the stage goes on."""
    try:
        moves.put_in_place(champion, store)
    except CxrError as fault:
        logger.warning("%s", fault)


@dataclass(frozen=True)
class Outcome:
    """What became of a registered version. said: continues "version 3 …"."""

    promoted: bool
    said: str


def act_on(version: Version, decision: Decision, promote: str, store: ModelStore, experiment: str) -> Outcome:
    """Move what the decision and the settings allow.

    promote: `register.promote`. experiment: DVC's name of the experiment that runs, or "": an experiment moves
    nothing but the alias challenger.
    """
    champion = registry.champion(version.name)
    automatic = promote == "better" and not experiment
    if champion is not None and champion.number == version.number:
        if automatic:
            moves.put_in_place(version, store)
        return Outcome(True, "is the champion already")
    if automatic and decision.promote:
        moves.promote(version, store, "automatic", decision.reason, decision)
        return Outcome(True, f"promoted: {decision.reason}")
    registry.set_challenger(version)
    if automatic:
        if champion is not None:
            _bring(champion, store)
        return Outcome(False, f"stays challenger: {decision.reason}")
    why = "an experiment promotes nothing" if experiment else "register.promote is by_hand"
    word = "for it" if decision.promote else "against it"
    return Outcome(
        False,
        f"stays challenger ({why}; `make promote VERSION={version.number}` or `cxr promote --version {version.number}` "
        f"promotes it); {word}: {decision.reason}",
    )
