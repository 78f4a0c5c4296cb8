import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation import metrics, plots
from cxr.evaluation import network_figure as network
from cxr.evaluation.settings import EvaluateParams

PARAMS = EvaluateParams(resamples=100, confidence=0.95, prevalence=0.1, seed=5)
CURVES = {
    "train_loss": [0.7, 0.5, 0.4],
    "train_accuracy": [0.5, 0.7, 0.8],
    "validation_loss": [0.7, 0.6, 0.65],
    "validation_accuracy": [0.5, 0.65, 0.6],
}


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    p = np.clip(0.5 + 0.4 * (y - 0.5) + rng.normal(0, 0.2, 60), 0, 1)
    return y, p, metrics.evaluate(y, p, [f"p{i // 2}" for i in range(60)], 0.5, PARAMS)


def texts(figure) -> str:
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def is_drawn(figure, tmp_path: Path) -> bool:
    """A PNG with a good part of ink, not an empty page."""
    from PIL import Image

    figure.savefig(tmp_path / "figure.png", format="png")
    grey = np.asarray(Image.open(tmp_path / "figure.png").convert("L"))
    return grey.shape[1] > 400 and (grey < 250).mean() > 0.01


def distance(point: np.ndarray, curve: np.ndarray) -> float:
    """From a point to a polyline (n, 2)."""
    start, along = curve[:-1], np.diff(curve, axis=0)
    share = ((point - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
    nearest = start + np.clip(share, 0, 1)[:, None] * along
    return float(np.hypot(*(nearest - point).T).min())


def layer(type_: str, *shape: int) -> dict:
    return {"name": type_.lower(), "type": type_, "output_shape": [None, *shape]}


def residual_network() -> list[dict]:
    stem = [layer("InputLayer", 64, 64, 1), layer("Rescaling", 64, 64, 1), layer("Conv2D", 32, 32, 8)]
    block = [layer("Conv2D", 16, 16, 4), layer("BatchNormalization", 16, 16, 4), layer("Conv2D", 16, 16, 16)]
    blocks = 3 * [*block, layer("Add", 16, 16, 16), layer("Activation", 16, 16, 16)]
    return [*stem, *blocks, layer("Flatten", 4096), layer("Dropout", 4096), layer("Dense", 2)]


def test_titles_carry_the_number_of_images_and_the_interval(scored, tmp_path):
    y, p, evaluation = scored
    for figure, metric in (
        (plots.roc_figure(y, p, evaluation, "mine"), "auc"),
        (plots.pr_figure(y, p, evaluation, "mine"), "average_precision"),
        (plots.reliability_figure(y, p, evaluation, "mine"), "calibration_error"),
    ):
        said = texts(figure)
        assert plots.interval_text(evaluation[metric]) in said
        assert "n = 60 images of 30 patients" in said
        assert is_drawn(figure, tmp_path)


def test_the_operating_point_lies_on_both_curves(scored):
    y, p, evaluation = scored
    for figure, x, height in (
        (plots.roc_figure(y, p, evaluation, ""), (p[y == 0] >= 0.5).mean(), (p[y == 1] >= 0.5).mean()),
        (plots.pr_figure(y, p, evaluation, ""), (p[y == 1] >= 0.5).mean(), y[p >= 0.5].mean()),
    ):
        lines = figure.axes[0].lines
        point = next(line.get_xydata()[0] for line in lines if line.get_marker() == "o")
        assert tuple(point) == pytest.approx((x, height))
        curve = max((line.get_xydata() for line in lines), key=len)
        assert distance(point, curve) < 1e-9


@pytest.mark.parametrize("normalised", [False, True])
def test_the_confusion_matrix_shows_each_cell(scored, tmp_path, normalised):
    y, p, evaluation = scored
    figure = plots.confusion_figure(y, p, 0.5, "mine", normalised=normalised)
    missed = evaluation["counts"]["false_negative"]
    assert (f"{missed / 30:.1%}" if normalised else str(missed)) in texts(figure).split("\n")
    assert is_drawn(figure, tmp_path)


def test_curves_show_the_epoch_that_was_kept(tmp_path):
    figure = plots.history_figure(CURVES, "mine", best_epoch=2)
    assert "kept: epoch 2, 0.600" in texts(figure)
    assert is_drawn(figure, tmp_path)


def test_samples_show_wrong_answers_of_both_classes_first():
    y = np.array([0] * 20 + [1] * 20)
    p = np.where(y == 1, 0.9, 0.1)
    p[[0, 1, 25]] = 1 - p[[0, 1, 25]]
    chosen = plots.sample_indices(y, p, 0.5, np.random.default_rng(0), count=8)
    assert chosen[0] == 25
    assert set(chosen[1:3]) == {0, 1}
    assert len(set(chosen)) == 8


@pytest.mark.parametrize("count", [1, 6])
def test_every_sample_says_label_answer_and_whether_it_is_right(tmp_path, count):
    pictures = np.random.default_rng(0).integers(0, 255, (count, 20, 20)).astype(np.uint8)
    figure = plots.samples_figure(list(pictures), np.ones(count), np.linspace(0.1, 0.9, count), 0.5, "mine")
    said = texts(figure)
    assert "is COVID\ncalled NonCOVID, p = 0.10" in said
    assert said.count("WRONG") == (count + 1) // 2
    assert is_drawn(figure, tmp_path)


def test_an_undefined_metric_is_a_dash():
    assert plots.interval_text({"value": None, "low": None, "high": None}) == "–"


def test_a_network_s_blocks_of_one_shape_are_one_box(tmp_path):
    boxes = network.merged(residual_network())
    assert [(box.shape, box.layers, box.steps) for box in boxes] == [
        ((64, 64, 1), 2, 1),
        ((32, 32, 8), 1, 1),
        ((16, 16, 16), 15, 3),
        ((4096,), 1, 1),
        ((4096,), 1, 1),
        ((2,), 1, 1),
    ]
    figure = network.network_figure(residual_network(), "mine")
    for words in ("21 layers in 6 boxes", "16×16\n16", "3 blocks\n15 layers", "4,096\nvalues", "Branches added"):
        assert words in texts(figure)
    assert is_drawn(figure, tmp_path)


def test_no_layer_gets_lost_in_the_boxes():
    plain = [layer("Conv2D", 8, 8, 4), layer("MaxPooling2D", 4, 4, 4), layer("ZeroPadding2D", 6, 6, 4)]
    nested = [layer("Conv2D", 4, 4, 2), layer("Concatenate", 4, 4, 4), layer("Concatenate", 4, 4, 8)]
    for layers in (plain, [*plain, *nested], [*nested, layer("Activation", 4, 4, 8)], residual_network(), plain[:1]):
        assert sum(box.layers for box in network.merged(layers)) == len(layers)


def test_shapes_with_and_without_the_batch_are_the_same():
    without = [{**item, "output_shape": item["output_shape"][1:]} for item in residual_network()]
    assert network.merged(without) == network.merged(residual_network())


@pytest.mark.parametrize("layers", [[], [{"name": "a", "type": "Conv2D", "output_shape": [None, None, None, 3]}]])
def test_a_network_of_unknown_shape_is_refused(layers):
    with pytest.raises(ValueError, match=r"without layers|is not known"):
        network.network_figure(layers, "mine")


def test_importing_the_figures_does_not_import_matplotlib():
    code = "import sys, cxr.evaluation.plots, cxr.evaluation.network_figure; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_drawing_does_not_touch_pyplot(scored):
    code = (
        "import sys; from cxr.evaluation.plots import history_figure\n"
        f"history_figure({CURVES}, 'mine'); sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
