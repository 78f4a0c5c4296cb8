from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from cxr.card.facts import Facts, read_facts
from cxr.card.figures import report_figures
from cxr.card.mistakes import Mistake, mistakes
from cxr.card.page import model_card, report
from cxr.dataset import Dataset
from cxr.engine import Engine
from cxr.layout import INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.lungs import LungSegmenter
from cxr.predictions import read_probabilities
from tests.card.made import MIDDLE, REGISTERED, WINNER, make_files


class MiddleIsLung(LungSegmenter):
    """Takes the middle of every picture for the lungs."""

    def __init__(self) -> None:
        pass

    def masks(self, pixels: np.ndarray, progress: object = None) -> np.ndarray:
        found = np.zeros(pixels.shape, bool)
        found[:, MIDDLE, MIDDLE] = True
        return found


@dataclass(frozen=True)
class Made:
    root: Path
    facts: Facts
    figures: dict[str, Markup]
    mistakes: list[Mistake]
    report: str
    card: str


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report and a card of an audited model. Not to be changed."""
    root = make_files(tmp_path_factory.mktemp("card"))
    facts = read_facts(REGISTERED, root)
    test = Dataset.read(root / INDEX, root / SPLIT, root / PIXELS).side("test")
    p_covid = read_probabilities(root / MODEL_REPORTS / WINNER / "predictions.csv", test)
    wrong = mistakes(
        Engine.load(root / TRAINED / WINNER), test, p_covid, facts.model.metrics["threshold"], MiddleIsLung()
    )
    figures = report_figures(facts)
    return Made(root, facts, figures, wrong, report(facts, figures, wrong), model_card(facts))
