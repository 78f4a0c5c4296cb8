"""A whole bundle as it answers: the engine, and the gate and the lung segmenter where the bundle has them.

The service, the command line and MLflow's pyfunc all load this one, so a picture that one of them refuses the others
refuse too. The stages that measure the classifier load `cxr.inference.engine.Engine` alone.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from cxr.common.errors import ModelError
from cxr.inference.engine import Engine
from cxr.inference.familiarity import FILE as FAMILIARITY_FILE
from cxr.inference.familiarity import Familiarity
from cxr.inference.gate import FILE as GATE_FILE
from cxr.inference.gate import Gate
from cxr.inference.known_answers import FILE as KNOWN_FILE
from cxr.inference.known_answers import KnownAnswers
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.inference.model_facts import ModelFacts
from cxr.inference.precision import Chosen

logger = logging.getLogger("bentoml.covid_cxr")


@dataclass(frozen=True)
class Predictor:
    """gate: None refuses by exposure only. lungs: None tells no share of the heat map inside them. familiarity: None
    knows no picture as unlike those of training."""

    engine: Engine
    gate: Gate | None = None
    lungs: LungSegmenter | None = None
    familiarity: Familiarity | None = None

    @classmethod
    def load(
        cls, directory: Path, *, precision: Chosen = "f32", latency: bool = False, threads: int | None = None
    ) -> "Predictor":
        """precision, latency, threads: as `Engine.load` takes them; the segmenter runs in float32. Raises ModelError
        that names what is missing or damaged."""
        engine = Engine.load(directory, precision=precision, latency=latency, threads=threads)
        if not engine.checked:
            logger.warning(
                "%s has no manifest, so its files are not checked; `dvc repro` makes a model that has", directory
            )
        known = directory / KNOWN_FILE
        if known.is_file():
            answers = KnownAnswers.load(known)
            answers.check(engine.log_odds(answers.pictures), engine.precision, directory)
        gate = directory / GATE_FILE
        return cls(
            engine,
            Gate.load(gate) if gate.is_file() else None,
            LungSegmenter.load_if_trained(directory, latency=latency, threads=threads),
            _familiarity(directory, engine),
        )

    @property
    def facts(self) -> ModelFacts:
        return self.engine.facts


def _familiarity(directory: Path, engine: Engine) -> Familiarity | None:
    """Raises ModelError where it is of another trunk."""
    path = directory / FAMILIARITY_FILE
    if not path.is_file():
        return None
    familiarity = Familiarity.load(path)
    if familiarity.channels != engine.trunk.shape[2]:
        raise ModelError(
            f"{path} is of {familiarity.channels} channels, the trunk gives {engine.trunk.shape[2]}; "
            "register the model again"
        )
    return familiarity
