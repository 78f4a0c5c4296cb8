from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from cxr.common.paths import INDEX, MODEL_REPORTS, PIXELS, SPLIT, TRAINED
from cxr.data.dataset import Dataset
from cxr.data.predictions import read_probabilities
from cxr.inference.engine import Engine
from cxr.inference.lung_segmenter import LungSegmenter
from cxr.report.facts import ReportFacts, read_facts
from cxr.report.figures import report_figures
from cxr.report.mistakes import Mistake, mistakes
from cxr.report.page import model_card, report
from tests.report.made import MIDDLE, REGISTERED, WINNER, make_files


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
    facts: ReportFacts
    figures: dict[str, Markup]
    mistakes: list[Mistake]
    report: str
    card: str


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A report and a card of an audited model. Not to be changed."""
    root = make_files(tmp_path_factory.mktemp("card"))
    facts = read_facts(REGISTERED, root)
    validation = Dataset.read(root / INDEX, root / SPLIT, root / PIXELS).split("validation")
    p_covid = read_probabilities(root / MODEL_REPORTS / WINNER / "validation.csv", validation)
    wrong = mistakes(
        Engine.load(root / TRAINED / WINNER), validation, p_covid, facts.model.validation["threshold"], MiddleIsLung()
    )
    figures = report_figures(facts)
    return Made(root, facts, figures, wrong, report(facts, figures, wrong), model_card(facts))
