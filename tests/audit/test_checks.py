"""Models with a known shortcut must be found out, and those without must not."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from cxr.audit.checks import (
    Answers,
    AuditImages,
    Finding,
    audit_answers,
    behaviour,
    pairs_of_sources,
    spread,
    unmeasured,
)
from cxr.audit.dataset import audited_answers
from cxr.audit.verdict import ONE_LABEL, as_metrics, carried_facts, flagged, headline, not_cleared, verdict
from cxr.common.labels import COVID, NON_COVID
from tests.audits import INTERVALS, LIMITS, PARAMS, one

SIDE = 40


class LungScorer:
    """Reads the texture of the middle of the picture."""

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        middle = pixels[:, 14:26, 14:26].astype(float)
        return _sigmoid((middle.std(axis=(1, 2)) - 20) / 3)

    def shares(self, pixels: np.ndarray) -> np.ndarray:
        return middles(pixels)[:, 2::4, 2::4].astype(float)


class BorderScorer:
    """Reads the brightness of the outermost pixels."""

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        border = np.concatenate([pixels[:, :2].reshape(len(pixels), -1), pixels[:, -2:].reshape(len(pixels), -1)], 1)
        return _sigmoid((border.mean(axis=1) - 70) / 5)

    def shares(self, pixels: np.ndarray) -> np.ndarray:
        return ~middles(pixels)[:, 2::4, 2::4] * -1.0


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(z, -50, 50)))


def made(per_group: int = 20, seed: int = 0) -> AuditImages:
    """Hospital A has both labels, hospital B others alone. A COVID lung is rough, A's border is bright: what the
    border says is the hospital."""
    rng = np.random.default_rng(seed)
    pixels, labels, sources, patients = [], [], [], []
    for label, source in ((COVID, "a"), (NON_COVID, "a"), (NON_COVID, "b")):
        for i in range(per_group):
            picture = rng.normal(100 if source == "a" else 40, 3, (SIDE, SIDE))
            rough = 35 if label == COVID else 6
            picture[10:30, 10:30] = 100 + np.repeat(np.repeat(rng.normal(0, rough, (10, 10)), 2, 0), 2, 1)
            pixels.append(np.clip(picture, 0, 255))
            labels.append(label)
            sources.append(source)
            patients.append(f"{source}/{label}/{i // 2}")
    stack = np.array(pixels).astype(np.uint8)
    return AuditImages(stack, labels, sources, patients, np.ones(len(stack), bool), middles)


def middles(pixels: np.ndarray) -> np.ndarray:
    """The lungs of `made` pictures."""
    masks = np.zeros(pixels.shape, bool)
    masks[:, 10:30, 10:30] = True
    return masks


def audited(scorer, pictures: AuditImages) -> list[Finding]:
    return audit_answers(Answers(scorer, pictures, scorer.predict(pictures.pixels), 0.5), PARAMS, INTERVALS)


def test_a_model_that_looks_at_the_lungs_holds_every_limit():
    findings = audited(LungScorer(), made())
    assert flagged(findings, LIMITS) == []
    assert one(findings, "same_source", "a").value == pytest.approx(1, abs=0.02)
    assert one(findings, "lungs_blacked_out").value == pytest.approx(0.5)


def test_a_model_that_looks_at_the_border_is_flagged_by_every_arm_that_should_see_it():
    failures = flagged(audited(BorderScorer(), made()), LIMITS)
    arms = {failure.arm for failure in failures}
    assert {"same_source", "lungs_blacked_out", "border_only", "lung_box_blacked_out", "false_positive_rate"} <= arms
    assert "at most 0.10" in str(next(f for f in failures if f.arm == "false_positive_rate"))


def test_a_score_keyed_to_the_source_is_a_coin_within_it():
    found = one(audited(BorderScorer(), made(per_group=60)), "same_source", "a")
    assert found.low < 0.5 < found.high
    assert (found.images, found.patients) == (120, 60)


def test_the_score_probe_says_which_source_scores_higher():
    assert one(audited(BorderScorer(), made()), "score_probe", "NonCOVID: a over b").value == pytest.approx(1)
    inside = one(audited(LungScorer(), made(per_group=60)), "score_probe", "NonCOVID: a over b")
    assert inside.low < 0.5 < inside.high


def test_what_the_data_can_not_tell_is_said_with_its_reason():
    pictures = made()
    only_b = [i for i, source in enumerate(pictures.sources) if source == "b" or pictures.labels[i] == COVID]
    part = replace(
        pictures,
        pixels=pictures.pixels[only_b],
        of_split=pictures.of_split[only_b],
        lungs=None,
        **{name: [getattr(pictures, name)[i] for i in only_b] for name in ("labels", "sources", "patients")},
    )
    findings = audited(LungScorer(), part)
    assert one(findings, "same_source", "a").note == (
        "not measurable: 0 patients on the negative side, at least 5 needed"
    )
    assert one(findings, "score_probe", "COVID: a").note == "not measurable: COVID comes from one source only"
    assert "not measurable" in one(findings, "lung_box_blacked_out").note
    assert one(findings, "lungs_blacked_out").subject == "rectangle"
    assert not_cleared(findings) == ["same_source"]
    outcome = verdict(findings, LIMITS, label_follows_source=False)
    assert outcome["shortcut_flagged"] is True
    assert "same source could not be measured" in outcome["reasons"]


def test_only_the_split_s_patients_are_asked_about_without_lungs():
    pictures = made()
    own = np.array([source == "a" for source in pictures.sources])
    findings = audited(BorderScorer(), replace(pictures, of_split=own))
    assert one(findings, "lungs_blacked_out").images == one(findings, "with_lungs").images == 40
    assert one(findings, "false_positive_rate", "b").images == 20


@pytest.mark.parametrize(("scorer", "inside", "warned"), [(LungScorer(), 1.0, 0.0), (BorderScorer(), 0.0, 1.0)])
def test_the_heat_maps_share_in_the_lungs_stands_beside_the_lungs_area(scorer, inside: float, warned: float):
    found = {(f.subject, f.statistic): f for f in audited(scorer, made()) if f.arm == "lung_share"}
    assert found["heat map", "mean share"].value == pytest.approx(inside, abs=0.2)  # cells at the edge lie half inside
    assert found["heat map", "share of answers warned"].value == warned
    assert found["area of the lungs", "mean share"].value == pytest.approx(20 * 20 / SIDE**2)
    assert found["heat map", "mean share"].images == PARAMS.behaviour_images


def test_without_a_segmenter_the_share_in_the_lungs_is_not_measured():
    found = one(audited(LungScorer(), replace(made(), lungs=None)), "lung_share")
    assert found.note == "not measurable: no lung masks"


def test_behaviour_counts_the_calls_that_turn_over():
    class Brightness:
        def predict(self, pixels: np.ndarray) -> np.ndarray:
            return pixels.mean(axis=(1, 2)) / 255

    pictures = made()
    p = Brightness().predict(pictures.pixels)
    answers = Answers(Brightness(), pictures, p, float(np.median(p)))
    found = list(behaviour(answers, PARAMS, INTERVALS))
    brighter = {f.statistic: f.value for f in found if f.subject == "brighter by 0.05"}
    assert brighter["mean change"] == pytest.approx(13 / 255)
    assert brighter["95th percentile change"] == pytest.approx(13 / 255)
    assert brighter["share of calls turned"] > 0
    mirrored = {f.statistic: f.value for f in found if f.subject == "mirrored"}
    assert set(mirrored.values()) == {0.0}


def test_a_verdict_is_json_with_every_finding_and_every_limit():
    findings = audited(BorderScorer(), made())
    document = json.loads(json.dumps(verdict(findings, LIMITS, label_follows_source=False), allow_nan=False))
    assert document["limits"] == asdict(LIMITS)
    assert len(document["findings"]) == len(findings)
    assert document["shortcut_flagged"] is True


def test_a_source_that_gives_the_label_away_is_a_reason_by_itself():
    findings = audited(LungScorer(), made())
    assert verdict(findings, LIMITS, label_follows_source=False)["reasons"] == []
    outcome = verdict(findings, LIMITS, label_follows_source=True)
    assert outcome["shortcut_flagged"] is True
    assert outcome["reasons"] == [ONE_LABEL]


def test_the_headline_is_the_worst_of_each_kind():
    findings = audited(BorderScorer(), made())
    shown = headline(findings, shortcut_flagged=True)
    rates = {f.subject: f.value for f in findings if f.arm == "false_positive_rate"}
    assert shown["worst_false_positive_rate"] == max(rates.values()) > min(rates.values())
    assert shown["without_lungs_auc"] == one(findings, "lungs_blacked_out").value
    assert shown["border_auc"] == one(findings, "border_only").value
    assert shown["shortcut_flagged"] is True
    nothing = [unmeasured("same_source", "a", "auc", "one label")]
    assert headline(nothing, shortcut_flagged=True)["same_source_auc"] is None


def test_a_model_carries_its_stamp_the_reasons_and_the_numbers_with_their_intervals():
    findings = audited(BorderScorer(), made())
    outcome = verdict(findings, LIMITS, label_follows_source=False)
    facts = carried_facts(json.loads(json.dumps(outcome)))
    assert facts["shortcut_flagged"] is True
    assert facts["audit"]["reasons"] == outcome["reasons"]
    found, carried = one(findings, "same_source", "a"), facts["audit"]["measured"]["same_source"]["a"]
    assert carried == {n: getattr(found, n) for n in ("value", "low", "high", "images", "patients")}
    assert "b" not in facts["audit"]["measured"]["same_source"]


def test_what_was_asked_already_is_not_asked_again():
    pictures = replace(made(), of_split=np.array([source == "a" for source in made().sources]))
    asked = []

    class Counting(LungScorer):
        def predict(self, pixels: np.ndarray, progress=lambda n: None) -> np.ndarray:
            asked.append(len(pixels))
            return super().predict(pixels)

    expected = LungScorer().predict(pictures.pixels)
    assert audited_answers(Counting(), pictures, expected[pictures.of_split]) == pytest.approx(expected)
    assert asked == [20]


def test_metric_names_are_such_as_mlflow_takes():
    names = as_metrics(audited(LungScorer(), made()))
    assert names["same_source/a/auc"] == pytest.approx(1, abs=0.02)
    assert "same_source/a/auc_low" in names
    assert all(name.isascii() and " " not in name and "'" not in name for name in names)


@pytest.mark.parametrize(
    ("value", "low", "high", "sure"), [(0.6, 0.5, 0.65, True), (0.6, 0.5, 0.75, False), (0.8, 0.75, 0.9, None)]
)
def test_a_failure_says_whether_the_interval_leaves_a_doubt(value, low, high, sure):
    failures = flagged([Finding("same_source", "a", "auc", value, low, high, 10, 10)], LIMITS)
    assert [failure.sure for failure in failures] == ([] if sure is None else [sure])


def test_the_images_tried_are_of_both_labels_as_far_as_there_are_any():
    labels = [COVID] * 3 + [NON_COVID] * 30
    chosen = spread(labels, 10, seed=0)
    assert len(chosen) == len(set(chosen.tolist())) == 10
    assert sum(labels[i] == COVID for i in chosen) == 3
    assert len(spread(labels, 100, seed=0)) == 33
    assert list(spread(labels, 10, 0)) == list(spread(labels, 10, 0))


def test_sources_are_paired_within_a_label():
    assert list(pairs_of_sources([COVID, NON_COVID, NON_COVID, NON_COVID], ["a", "a", "b", "c"])) == [
        (NON_COVID, "a", "b"),
        (NON_COVID, "a", "c"),
        (NON_COVID, "b", "c"),
        (COVID, "a", ""),
    ]
