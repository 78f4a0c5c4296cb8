import numpy as np
import pytest

from cxr.evaluation.figures import evaluation_figures, head_layers, training_figures
from cxr.evaluation.metrics import evaluate
from cxr.evaluation.settings import EvaluateParams
from tests.labelled import labelled_split

LAYERS = [
    {"name": "grey", "type": "InputLayer", "output_shape": [32, 32, 1]},
    {"name": "conv", "type": "Conv2D", "output_shape": [4, 4, 8]},
]


@pytest.mark.parametrize(
    ("kind", "first", "inputs"), [("flatten", "Flatten", 4 * 4 * 8), ("average", "GlobalAveragePooling2D", 8)]
)
def test_the_head_is_listed_as_what_stands_behind_the_trunk(kind: str, first: str, inputs: int) -> None:
    rows = head_layers(kind, (4, 4, 8))
    assert [row["type"] for row in rows] == [first, "Dropout", "Dense"]
    assert [row["output_shape"] for row in rows] == [[inputs], [inputs], [2]]


def test_a_run_shows_every_figure_that_was_promised() -> None:
    curves = {f"{split}_{name}": [0.7, 0.5] for split in ("train", "validation") for name in ("loss", "accuracy")}
    layers = [*LAYERS, *head_layers("flatten", (4, 4, 8))]
    assert set(training_figures("tiny", curves, 2, layers)) == {"history", "network"}
    test = labelled_split(20)
    p_covid = np.random.default_rng(0).uniform(0, 1, 20)
    params = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=1)
    metrics = evaluate(test.y, p_covid, list(test.patients), 0.5, params)
    shown = {"confusion", "confusion_normalised", "roc", "precision_recall", "reliability", "samples"}
    assert set(evaluation_figures("tiny", test, p_covid, metrics, "test")) == shown
