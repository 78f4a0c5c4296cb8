"""Experiments of every kind in a git workspace: none goes live, none looks at the sealed test, all can be compared.

One of each kind by default; `CXR_EXPERIMENTS=4 python -m pytest tests/pipeline/test_experiments.py` makes twenty.
"""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import LOOKS, Workspace, live, ran, read

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

BEFORE_TRAINING = {"download", "index", "pixels", "copies", "split", "lungs", "features@inceptionv3", "features@vgg16"}
EACH = int(os.environ.get("CXR_EXPERIMENTS", "1"))  # of five kinds


@pytest.fixture
def repository(finished: Workspace, tmp_path: Path) -> Workspace:
    """The finished workspace with a first commit."""
    workspace = finished.copy(tmp_path / "w")
    (workspace.folder / ".gitignore").write_text(
        "/bentoml/\n/matplotlib/\n/mlflow.db*\n/mlartifacts/\n/plots/\n/data/\n/models/\n/reports/\n__pycache__/\n"
    )
    for command in (
        ("git", "init", "-q"),
        ("git", "config", "user.email", "someone@example.org"),
        ("git", "config", "user.name", "Someone"),
        (sys.executable, "-m", "dvc", "config", "--unset", "core.no_scm"),
        ("git", "add", "."),
        ("git", "commit", "-qm", "a baseline"),
    ):
        workspace.run(*command)
    return workspace


def test_an_experiment_trains_again_repeats_nothing_before_and_can_be_compared(repository: Workspace) -> None:
    before = live(repository)
    looks = (repository.folder / LOOKS).read_text()
    stages = ran(repository.dvc("exp", "run", "--name", "less-dropout", "-S", "train.dropout=0.2").stdout)
    assert {"train@inceptionv3", "train@vgg16", "evaluate@vgg16", "audit@vgg16", "register"} <= set(stages)
    assert not BEFORE_TRAINING & set(stages)  # nothing is repeated
    assert live(repository) == before  # although register.promote is better here
    assert (repository.folder / LOOKS).read_text() == looks
    assert "an experiment promotes nothing" in read(repository, "reports/register.json")["reason"]
    table = repository.dvc("exp", "show", "--csv").stdout
    assert "less-dropout" in table
    assert "train.dropout" in table
    assert "reports/models" in repository.dvc("metrics", "diff", "HEAD").stdout


@pytest.fixture
def challengers(repository: Workspace) -> Iterator[list[str]]:
    """Params of experiments, without end. The first wins with another model than the champion; `better` would promote
    it elsewhere."""
    champion = read(repository, "reports/register.json")["winner"]
    (other,) = {"inceptionv3", "vgg16"} - {champion}
    backbones, promote = (f"[{other}]", f"[{champion},{other}]"), ("better", "by_hand")
    return itertools.cycle(
        ["-S", f"train.backbones={some}", "-S", f"register.promote={how}"] for some in backbones for how in promote
    )


def test_no_experiment_of_any_kind_goes_live(repository: Workspace, challengers: Iterator[list[str]]) -> None:
    before = live(repository)
    looks = (repository.folder / LOOKS).read_text()

    def experiment(name: str, *how: str) -> None:
        register = ("exp", "run", "--single-item", "--force", "register")
        repository.dvc(*register, "--name", name, *next(challengers), *how)

    def unchanged() -> bool:
        return live(repository) == before and (repository.folder / LOOKS).read_text() == looks

    for number in range(EACH):
        experiment(f"here-{number}")
        reason = read(repository, "reports/register.json")["reason"]
        assert "an experiment promotes nothing" in reason or "is the champion already" in reason
        assert number or "an experiment promotes nothing" in reason  # the first one is a challenger
    assert unchanged()
    for number in range(EACH):
        experiment(f"apart-{number}", "--temp")
    assert unchanged()
    for number in range(EACH):
        experiment(f"queued-{number}", "--queue")
    repository.dvc("exp", "run", "--run-all")
    shown = repository.dvc("exp", "show", "--csv").stdout
    assert all(f"{kind}-{number}" in shown for kind in ("here", "apart", "queued") for number in range(EACH))
    assert unchanged()
    for number in range(EACH):
        repository.dvc("exp", "apply", f"queued-{number}")
        repository.dvc("exp", "branch", f"apart-{number}", f"branch-{number}")
    assert unchanged()
    repository.run("git", "checkout", "--quiet", "--force", "branch-0")
    repository.dvc("checkout", check=False)  # register.json is no file of DVC's cache
    assert unchanged()
