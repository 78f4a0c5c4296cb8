"""Which sources are left out together, which pairs are impossible and why, and what no fold may learn from."""

from dataclasses import replace

import numpy as np
import pytest

from cxr.common.labels import COVID, NON_COVID
from cxr.unseen.plan import EXTERNAL, Images, Pair, fold_of, plan_folds, too_few_sources
from tests.unseen.made import BOTH, columns

FOUR = columns({"a": BOTH, "b": (COVID,), "c": (NON_COVID,), "d": (NON_COVID,)})


def test_every_pair_is_measured_whose_other_sources_have_both_labels() -> None:
    plan = plan_folds(FOUR)
    assert plan.pairs == (Pair("a", "a"), Pair("a", "c"), Pair("a", "d"), Pair("b", "c"), Pair("b", "d"))
    assert plan.impossible == {Pair("b", "a"): "the other sources have no COVID image in train"}


def test_there_is_one_fold_for_each_set_of_sources_left_out() -> None:
    both = plan_folds(columns({"a": BOTH, "b": BOTH, "c": BOTH}))
    assert len(both.pairs) == 9
    assert [fold.left_out for fold in both.folds] == [("a",), ("a", "b"), ("a", "c"), ("b",), ("b", "c"), ("c",)]


def test_a_source_of_both_labels_is_a_pair_by_itself() -> None:
    plan = plan_folds(columns({"a": BOTH, "b": BOTH}))
    assert plan.pairs == (Pair("a", "a"), Pair("b", "b"))
    assert [str(pair) for pair in plan.pairs] == ["a", "b"]


def test_with_one_source_of_a_label_no_pair_is_possible_and_the_others_are_left_out_alone() -> None:
    images = columns({"a": BOTH, "c": (NON_COVID,), "d": (NON_COVID,)})
    plan = plan_folds(images)
    assert plan.pairs == ()
    assert set(plan.impossible) == {Pair("a", "a"), Pair("a", "c"), Pair("a", "d")}
    assert [fold.left_out for fold in plan.folds] == [("c",), ("d",)]
    assert too_few_sources(images) == "the COVID images come from one source only, a"
    assert too_few_sources(FOUR) == ""


def test_of_one_source_nothing_can_be_left_out() -> None:
    plan = plan_folds(columns({"a": BOTH}))
    assert (plan.pairs, plan.folds) == ((), ())


def test_a_source_with_too_few_patients_of_a_label_is_no_pair() -> None:
    images = columns({"a": BOTH, "b": BOTH})
    one_patient = ["b/x" if source == "b" else own for source, own in zip(images.sources, images.patients, strict=True)]
    plan = plan_folds(replace(images, patients=one_patient))
    assert plan.impossible[Pair("b", "b")] == "b has 1 patients with COVID images, fewer than 5"


def test_a_label_that_is_missing_in_validation_alone_is_a_reason() -> None:
    images = columns({"a": BOTH, "b": BOTH})
    kept = [
        i
        for i, row in enumerate(zip(images.sources, images.labels, images.parts, strict=True))
        if row != ("b", COVID, "validation")
    ]
    fewer = Images(
        *([column[i] for i in kept] for column in (images.labels, images.sources, images.patients, images.parts))
    )
    assert plan_folds(fewer).impossible[Pair("a", "a")] == "the other sources have no COVID image in validation"


@pytest.mark.parametrize("left_out", [("a",), ("a", "c"), ("b", "d")])
def test_no_fold_learns_from_what_it_is_asked_about(left_out: tuple[str, ...]) -> None:
    images = columns({"a": BOTH, "b": (COVID,), "c": (NON_COVID,), "d": (NON_COVID,)}, external={"e": BOTH})
    fold = fold_of(images, left_out)
    learned = np.concatenate([fold.train, fold.validation])
    assert not set(images.of_source[learned]) & {*left_out, "e"}
    assert set(images.of_source[fold.asked]) == {*left_out, "e"}
    assert not set(images.of_patient[learned]) & set(images.of_patient[fold.asked])
    assert set(images.of_part[fold.train]) == {"train"}
    assert set(images.of_part[fold.validation]) == {"validation"}


def test_a_patient_who_is_in_a_left_out_source_too_is_left_out_everywhere() -> None:
    """As where one collection copied pictures of another."""
    shared = FOUR.patients[0]
    assert FOUR.sources[0] == "a"
    copies = [shared if own.startswith("b/train-COVID-0") else own for own in FOUR.patients]
    images = replace(FOUR, patients=copies)
    fold = fold_of(images, ("a",))
    assert shared not in images.of_patient[np.concatenate([fold.train, fold.validation])]
    assert len(fold.train) == len(fold_of(FOUR, ("a",)).train) - 1


def test_external_images_are_never_left_out_nor_trained_on() -> None:
    images = columns({"a": BOTH, "b": BOTH}, external={"e": BOTH})
    assert images.external_sources() == ["e"]
    assert images.trainable_sources() == ["a", "b"]
    assert all("e" not in fold.left_out for fold in plan_folds(images).folds)
    assert set(images.of_part[fold_of(images, ("a",)).asked]) == {"train", "validation", EXTERNAL}
