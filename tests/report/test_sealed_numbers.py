"""What the report and the model card say of the test patients: when, how often, or that nobody looked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.common.paths import MODEL_REPORTS
from cxr.report.facts import read_facts
from cxr.report.figures import report_figures
from cxr.report.page import model_card, report
from tests.report.conftest import Made
from tests.report.made import REGISTERED, WINNER
from tests.report.test_page import BLANKS, assert_beside, in_words, numbers_of


def without_sealed(made: Made) -> Made:
    """As an experiment leaves it: nobody has looked at the test patients."""
    facts = replace(
        made.facts,
        sealed=None,
        files={name: digest for name, digest in made.facts.files.items() if "sealed" not in name},
    )
    figures = report_figures(facts)
    return replace(
        made, facts=facts, figures=figures, report=report(facts, figures, made.mistakes), card=model_card(facts)
    )


def test_a_registered_version_s_page_says_when_the_test_was_taken_and_how_often_somebody_looked(made: Made) -> None:
    for text in (in_words(made.report), " ".join(made.card.split())):
        assert "test patients took no part in training or in any choice" in text
        assert "asked about on 2026-02-01T10:00:00Z, after this version was registered" in text
        assert "This test set has been looked at twice, any test set 5 times" in text
        assert "0.921 (0.933 to 0.987)" in text


def test_without_a_sealed_test_the_numbers_are_the_validation_patients_and_said_to_be_too_good(made: Made) -> None:
    other = without_sealed(made)
    assert all(text in in_words(other.report) for text in numbers_of(other.facts))
    for text in (in_words(other.report), " ".join(other.card.split())):
        assert "validation patients chose the epoch, the calibration and the threshold" in text
        assert "their numbers are a little too good" in text
        assert "Nobody has looked at the test patients for this version" in text
        assert not BLANKS.search(text)
    for text in (in_words(other.report), other.card):
        assert "on test patients" not in text.replace("same questions on test patients", "")
    assert "test: not measured for this version" in other.card


def test_the_sealed_test_of_another_version_is_not_shown(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(made.root, root)
    assert read_facts(replace(REGISTERED, bundle_sha256="c" * 64), root).sealed is None


def test_an_audit_of_test_patients_by_an_earlier_version_is_refused(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(made.root, root)
    path = root / MODEL_REPORTS / WINNER / "audit.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "asked"}))
    with pytest.raises(CxrError, match="was made on test patients by an earlier version"):
        read_facts(REGISTERED, root)


def test_the_auc_without_lungs_is_that_of_the_same_patients(made: Made) -> None:
    other = without_sealed(made)
    assert_beside(other, f"{other.facts.shown.metrics['auc']['value']:.3f} (", "0.973 (0.951 to 0.991)")
