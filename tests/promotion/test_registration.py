import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import CxrError
from cxr.evaluation.settings import EvaluateParams
from cxr.inference.engine import BUNDLE_FILES, Engine, Trunk
from cxr.inference.head import Head
from cxr.inference.manifest import write_manifest
from cxr.promotion import moves, registration
from cxr.promotion.decision import Decision
from cxr.promotion.registration import act_on, check_registered, decide_on
from cxr.tracking import registry
from cxr.tracking.registry import ROLLED_BACK_TAG, Version
from serving import store
from tests.labelled import labelled_split
from tests.tiny import tiny_bundle

PARAMS = EvaluateParams(resamples=200, confidence=0.95, prevalence=0.1, seed=1)
VALIDATION = labelled_split(40)
SPLIT = "20/0.2/0.15/1f"
FIRST = Version("covid-cxr", 1, "run", "0" * 64, "2026-01-01", "", ("champion",), {})
SECOND = replace(FIRST, number=2, aliases=())


def turned_bundle(folder: Path, source: Path) -> Path:
    """As `source`, but what speaks for COVID there speaks against it here."""
    shutil.copytree(source, folder)
    head = Head.load(folder / "head.npz")
    replace(head, weights=-head.weights, bias=-head.bias).save(folder / "head.npz")
    write_manifest(folder, BUNDLE_FILES)
    return folder


@pytest.fixture
def stored(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[int, Path]:
    """Stands in for the registry's files: version number to bundle. Both are the same good model at first."""
    files = {1: tiny_bundle(tmp_path / "champion", split=SPLIT), 2: bundle}

    def fetch(version: Version, folder: Path) -> Path:
        if version.number not in files:
            raise CxrError(f"the files of {version} cannot be read")
        return Path(shutil.copytree(files[version.number], folder))

    monkeypatch.setattr(registry, "fetch_bundle", fetch)
    return files


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def champion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "champion", lambda name: FIRST)


@pytest.fixture
def answers(bundle: Path) -> np.ndarray:
    return Engine.load(bundle, threads=1).predict(VALIDATION.pixels)


def test_a_model_that_answers_as_it_was_tested_passes(stored: dict[int, Path], answers: np.ndarray) -> None:
    check_registered(SECOND, VALIDATION, answers)


@pytest.mark.parametrize("seen", [0, 39])
@pytest.mark.parametrize("recorded", [0.5, float("nan")])
def test_a_model_that_answers_otherwise_is_stopped(
    seen: int, recorded: float, stored: dict[int, Path], answers: np.ndarray
) -> None:
    """The first and the last image are among those that are asked about."""
    answers[seen] = recorded
    with pytest.raises(CxrError, match="covid-cxr version 2 answers otherwise than it was measured"):
        check_registered(SECOND, VALIDATION, answers)


def test_swapped_files_are_noticed(stored: dict[int, Path], answers: np.ndarray, tmp_path: Path) -> None:
    stored[2] = tiny_bundle(tmp_path / "other", seed=1)
    with pytest.raises(CxrError, match="answers otherwise"):
        check_registered(SECOND, VALIDATION, answers)


def test_a_model_is_checked_on_fewer_images_than_it_would_like(stored: dict[int, Path], bundle: Path) -> None:
    few = labelled_split(2)
    check_registered(SECOND, few, Engine.load(bundle, threads=1).predict(few.pixels))


def test_files_that_can_not_be_loaded_stop_the_registration(
    stored: dict[int, Path], answers: np.ndarray, tmp_path: Path
) -> None:
    stored[2] = Path(shutil.copytree(stored[2], tmp_path / "damaged"))
    (stored[2] / "head.npz").write_bytes(b"")
    with pytest.raises(CxrError, match=r"head\.npz is damaged"):
        check_registered(SECOND, VALIDATION, answers)


def test_the_first_model_becomes_champion(monkeypatch: pytest.MonkeyPatch, answers: np.ndarray, cache: Path) -> None:
    monkeypatch.setattr(registry, "champion", lambda name: None)
    decision = decide_on(FIRST, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert decision.promote
    assert "no champion yet" in decision.reason


@pytest.mark.usefixtures("champion")
def test_the_champion_stays_champion_when_the_pipeline_runs_again(answers: np.ndarray, cache: Path) -> None:
    assert decide_on(FIRST, SPLIT, VALIDATION, PARAMS, cache, answers).promote


@pytest.mark.usefixtures("champion")
def test_a_surely_better_model_may_replace_the_champion_and_no_other(
    stored: dict[int, Path], answers: np.ndarray, cache: Path, tmp_path: Path
) -> None:
    equal = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert not equal.promote
    assert "differs by +0.0000" in equal.reason
    worse = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, 1 - answers)
    assert not worse.promote
    assert "surely below the champion" in worse.reason
    stored[1] = turned_bundle(tmp_path / "turned", stored[1])
    better = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert better.promote
    assert "surely above the champion" in better.reason


@pytest.mark.usefixtures("champion")
def test_a_version_without_recorded_answers_is_asked(
    stored: dict[int, Path], answers: np.ndarray, cache: Path, tmp_path: Path
) -> None:
    stored[2] = turned_bundle(tmp_path / "turned", stored[1])
    decision = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache)
    assert decision == decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, 1 - answers)
    assert "surely below" in decision.reason


@pytest.mark.usefixtures("champion")
def test_a_version_of_another_split_cannot_be_compared(stored: dict[int, Path], cache: Path, tmp_path: Path) -> None:
    stored[2] = tiny_bundle(tmp_path / "other", split="7/0.2/0.15")
    with pytest.raises(CxrError, match="trained under another split"):
        decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache)


@pytest.mark.usefixtures("champion")
def test_a_model_that_a_person_took_back_is_not_promoted_again(answers: np.ndarray, cache: Path) -> None:
    taken_back = replace(SECOND, tags={ROLLED_BACK_TAG: "2026-11-01T08:00:00Z"})
    decision = decide_on(taken_back, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert not decision.promote
    assert "2026-11-01T08:00:00Z" in decision.reason


@pytest.mark.usefixtures("champion")
def test_a_champion_whose_files_are_gone_gives_way_to_nobody_and_the_reason_says_so(
    stored: dict[int, Path], answers: np.ndarray, cache: Path
) -> None:
    del stored[1]
    decision = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert not decision.promote
    assert "the files of covid-cxr version 1 cannot be read" in decision.reason


@pytest.mark.usefixtures("champion", "stored")
def test_what_the_champion_said_is_remembered_until_the_next_comparison(
    answers: np.ndarray, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    monkeypatch.setattr(Trunk, "stream", lambda trunk, batches: pytest.fail("the trunk was asked again"))
    assert decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers) == first


@pytest.mark.usefixtures("champion", "stored")
def test_a_damaged_memory_stops_the_comparison_and_does_not_cost_the_champion_its_place(
    answers: np.ndarray, cache: Path
) -> None:
    decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    (remembered,) = cache.glob("*/seen.f32")
    remembered.write_bytes(b"")
    with pytest.raises(CxrError, match=r"is damaged: seen\.f32"):
        decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)


@pytest.mark.usefixtures("champion")
def test_a_champion_for_pictures_of_another_size_is_not_compared(
    stored: dict[int, Path], answers: np.ndarray, cache: Path, tmp_path: Path
) -> None:
    stored[1] = tiny_bundle(tmp_path / "large", image_size=64, split=SPLIT)
    decision = decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers)
    assert not decision.promote
    assert "takes pictures of 64 pixels, the present ones have 32" in decision.reason


@pytest.mark.usefixtures("champion")
def test_a_champion_of_another_split_is_not_compared(stored: dict[int, Path], answers: np.ndarray, cache: Path) -> None:
    decision = decide_on(SECOND, "21/0.2/0.15", VALIDATION, PARAMS, cache, 1 - answers)
    assert not decision.promote
    assert "trained under another split" in decision.reason


@pytest.mark.usefixtures("champion")
def test_with_better_a_champion_whose_files_are_gone_stays_and_the_stage_goes_on(
    stored: dict[int, Path],
    answers: np.ndarray,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    del stored[1]

    def unreadable(version: Version, store: object) -> None:
        raise CxrError("the files of covid-cxr version 1 cannot be read")

    # A logger of our own: other tests of this process configure the rest.
    own = logging.getLogger("tests.registration")
    monkeypatch.setattr(registration, "logger", own)
    caplog.set_level(logging.WARNING, own.name)
    done = Moves(monkeypatch, FIRST)
    monkeypatch.setattr(moves, "put_in_place", unreadable)
    outcome = act_on(SECOND, decide_on(SECOND, SPLIT, VALIDATION, PARAMS, cache, answers), "better", store, "")
    assert (outcome.promoted, done.promoted, done.challenger) == (False, [], [2])
    assert "FORCE=1 promotes it uncompared" in outcome.said
    assert "version 1 cannot be read" in caplog.text


class Moves:
    """Stands in for cxr.promotion.moves: remembers what was promoted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, champion: Version | None):
        self.promoted: list[int] = []
        self.challenger: list[int] = []
        self.placed: list[int] = []
        monkeypatch.setattr(registry, "champion", lambda name: champion)
        monkeypatch.setattr(registry, "set_challenger", lambda version: self.challenger.append(version.number))
        monkeypatch.setattr(moves, "promote", lambda version, *rest: self.promoted.append(version.number))
        monkeypatch.setattr(moves, "put_in_place", lambda version, store: self.placed.append(version.number))


BETTER = Decision(True, "surely above the champion")
WORSE = Decision(False, "not to be told from the champion")


@pytest.mark.parametrize("present", [None, FIRST])
@pytest.mark.parametrize(
    ("promote", "experiment"), [("by_hand", ""), ("better", "swift-fox"), ("by_hand", "swift-fox")]
)
@pytest.mark.parametrize("decision", [BETTER, WORSE])
def test_by_hand_and_in_an_experiment_a_version_stays_challenger_however_good_it_is(
    present: Version | None, promote: str, experiment: str, decision: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = Moves(monkeypatch, present)
    outcome = act_on(SECOND, decision, promote, store, experiment)
    assert (done.promoted, done.challenger, outcome.promoted) == ([], [2], False)
    assert "`make promote VERSION=2`" in outcome.said
    assert decision.reason in outcome.said


def test_the_champion_trained_again_stays_champion_and_is_no_challenger(monkeypatch: pytest.MonkeyPatch) -> None:
    done = Moves(monkeypatch, FIRST)
    assert act_on(FIRST, BETTER, "by_hand", store, "").said == "is the champion already"
    assert (done.promoted, done.challenger) == ([], [])


def test_with_better_a_surely_better_version_is_promoted_and_another_leaves_the_champion_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = Moves(monkeypatch, FIRST)
    assert act_on(SECOND, BETTER, "better", store, "").promoted
    assert (done.promoted, done.challenger) == ([2], [])
    assert not act_on(SECOND, WORSE, "better", store, "").promoted
    assert (done.promoted, done.challenger, done.placed) == ([2], [2], [1])
