"""The report and the model card: every number from the files, nothing blank, nothing from outside."""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cxr.common.atomic_files import sha256_of
from cxr.common.errors import CxrError
from cxr.common.paths import MODEL_REPORTS, REPORTS
from cxr.report import words
from cxr.report.facts import ReportFacts, read_facts
from cxr.report.origin import made_from, stale_files
from cxr.report.page import model_card, report
from cxr.report.presentation import trunk
from tests.report.conftest import Made
from tests.report.made import OTHER, REGISTERED, WINNER

BLANKS = re.compile(r"\b(None|nan|NaN|inf|undefined|Undefined)\b")
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Texts of the cells, ids, texts of everything, and what is not closed."""

    def __init__(self, text: str):
        super().__init__()
        self.cells: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.open: list[str] = []
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"] or "")
        if tag == "img":
            self.images.append(values)
        if tag in ("td", "th", "caption", "figcaption"):
            self.cells.append("")
            self.in_cell = True
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("td", "th", "caption", "figcaption"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell:
            self.cells[-1] += data
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def in_words(text: str) -> str:
    return " ".join(" ".join(Page(text).text).split())


def cells_of(card: str) -> list[list[str]]:
    return [line.strip().strip("|").split("|") for line in card.splitlines() if line.startswith("|")]


def test_no_cell_is_blank_and_nothing_says_none(made: Made) -> None:
    page = Page(made.report)
    assert page.open == []
    assert len(page.cells) > 100
    assert all(cell.strip() for cell in page.cells)
    assert not BLANKS.search(in_words(made.report))
    assert not BLANKS.search(made.card)
    rows = cells_of(made.card)
    assert all(cell.strip() for row in rows if row != [" ", " "] for cell in row)


def test_every_row_of_a_table_in_the_card_has_as_many_cells_as_its_head(made: Made) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", made.card, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1, block[:200]


def numbers_of(facts: ReportFacts) -> list[str]:
    """As text, what both must say: recomputed here from the files, not from the templates."""
    folder = MODEL_REPORTS / WINNER
    shown = facts.shown.metrics
    metrics = {name: shown[name] for name, _ in words.metric_rows(shown)}
    groups = [
        group["metrics"][metric]
        for factor in facts.shown.groups.values()
        for group in factor.values()
        for metric in ("auc", "sensitivity", "specificity")
    ]
    audit = facts.model.audit
    asked = [*audit["findings"], *facts.shown.findings]
    found = [one for one in [*metrics.values(), *groups, *asked] if one["value"] is not None]
    texts = [f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})" for one in found if one["low"] is not None]
    assert len(texts) > 15
    digests = [facts.files[(folder / name).as_posix()] for name in ("validation.json", "audit.json")]
    sealed = [digest for name, digest in facts.files.items() if name.startswith("reports/sealed/")]
    assert len(sealed) == (8 if facts.sealed else 0)
    return texts + digests + sealed + ["0.967 (0.933 to 0.987)", "0.943 (0.933 to 0.987)"]


def test_every_number_of_the_files_is_in_both(made: Made) -> None:
    page = in_words(made.report)
    for text in numbers_of(made.facts):
        assert text in page, text
        assert text in made.card, text


def test_the_auc_without_lungs_stands_beside_every_headline_auc(made: Made) -> None:
    assert_beside(made, f"{made.facts.shown.metrics['auc']['value']:.3f} (", "0.947 (0.902 to 0.977)")


def assert_beside(made: Made, auc: str, without: str) -> None:
    page = in_words(made.report)
    for text in (page, made.card):
        places = [match.start() for match in re.finditer(re.escape(auc), text)]
        shown = [text[place : place + 160] for place in places if "AUC" in text[max(place - 60, 0) : place]]
        assert len(shown) >= 2
        assert all(without in place for place in shown if "n =" not in place), shown  # a figure's title says n =


def test_the_stamp_comes_with_its_reasons_before_any_number(made: Made) -> None:
    page = in_words(made.report)
    audit = made.facts.model.audit
    assert audit["reasons"]
    for text in (page, made.card):
        assert "shortcut_flagged" in text
        for reason in audit["reasons"]:
            assert reason in text
            assert text.index(reason) < text.index(f"{made.facts.shown.metrics['auc']['value']:.3f} ")


def test_the_audit_s_table_says_pass_and_fail_with_the_limit(made: Made) -> None:
    rows = {(row[0].strip(), row[1].strip(), row[2].strip()): row[-2:] for row in cells_of(made.card) if len(row) == 8}

    def outcome(*key):
        return [cell.strip() for cell in rows[key]]

    assert outcome("Border only", "lung masks", "AUC") == ["at most 0.6", "**FAIL**"]
    assert outcome("Sensitivity by source", "covid_chestxray", "share called COVID") == ["at least 0.85", "pass"]
    assert outcome("Within one source", "kaggle_pneumonia", "AUC") == ["at least 0.7", "not measured"]
    assert outcome("Whole pictures", "plain pictures", "AUC") == ["none", "no limit"]


def test_the_page_needs_nothing_from_outside_and_no_script(made: Made) -> None:
    page = Page(made.report)
    assert "<script" not in made.report
    assert not re.search(r"(?:src|href)=\"(?!#|data:image/)", made.report)
    assert not re.search(r"url\((?!#)", made.report)
    assert "http" not in made.report
    assert len(page.ids) == len(set(page.ids))


def test_every_picture_is_described_and_names_no_patient(made: Made) -> None:
    page = Page(made.report)
    assert len(made.mistakes) > 2
    assert len(page.images) == 3 * len(made.mistakes)
    assert sum(bool(image["alt"]) for image in page.images) == 2 * len(made.mistakes)
    for svg in re.findall(r"<svg[^>]*>", made.report):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="[^"]{20,}"', svg)
    assert "secret-" not in made.report + made.card


def test_what_a_source_says_can_not_become_html(made: Made) -> None:
    assert "<b>|" not in made.report
    assert "COVID-19 &lt;b&gt;|" in made.report
    assert "COVID-19 &lt;b&gt;&#124;" in made.card


def test_no_path_of_a_machine_is_shown(made: Made) -> None:
    for text in (made.report, made.card):
        assert "/somewhere" not in text
        assert "vgg16.weights.h5" in text


def test_the_checklist_answers_all_its_items(made: Made) -> None:
    answers = re.findall(r"^\| (\d+) \| (.+) \| (.+) \|$", made.card, re.MULTILINE)
    assert [int(number) for number, *_ in answers] == list(range(1, 43))
    for _, _, answer in answers:
        assert not answer.startswith("not applicable") or "because" in answer


def test_the_card_has_the_nine_sections_of_mitchell_and_others(made: Made) -> None:
    wanted = """Model details, Intended use, Factors, Metrics, Evaluation data, Training data, Quantitative analyses,
    Ethical considerations, Caveats and recommendations"""
    headings = re.findall(r"^## (.+)$", made.card, re.MULTILINE)
    assert headings[:9] == [heading.strip() for heading in wanted.replace("\n", " ").split(",")]


def test_what_was_not_measured_is_said(made: Made) -> None:
    lungs = {"trained": False, "why": "no lung masks of train, validation, test patients"}
    arms = [finding for finding in made.facts.model.audit["findings"] if finding["arm"] != "lungs_blacked_out"]
    model = replace(made.facts.model, audit={**made.facts.model.audit, "findings": arms})
    facts = replace(made.facts, lungs=lungs, sealed=None, models={**made.facts.models, WINNER: model})
    page, card = in_words(report(facts, made.figures, [])), model_card(facts)
    for text in (page, card):
        assert "not measured: the audit has no such arm" in text
        assert f"ot measured: {lungs['why']}" in text
        assert not BLANKS.search(text)
    assert "called wrong" in page


def test_a_missing_audit_stops_the_stage(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(made.root, root)
    (root / MODEL_REPORTS / OTHER / "audit.json").unlink()
    with pytest.raises(CxrError, match=r"audit\.json is missing"):
        read_facts(REGISTERED, root)


def test_a_model_that_holds_every_limit_is_not_stamped(made: Made) -> None:
    audit = {**made.facts.model.audit, "shortcut_flagged": False, "reasons": [], "failures": []}
    model = replace(made.facts.model, audit=audit)
    facts = replace(made.facts, models={**made.facts.models, WINNER: model})
    assert "Stamped" not in report(facts, made.figures, made.mistakes)
    assert "holds all limits" in model_card(facts)


@pytest.mark.parametrize(
    "change", [{"calibration_error": {"value": None, "low": None, "high": None}}, {"threshold": float("nan")}]
)
def test_a_blank_in_the_files_is_an_error_or_is_said(made: Made, change: Mapping[str, Any]) -> None:
    """An undefined metric is said to be so in the table; what has no such words stops the stage."""
    assert made.facts.sealed is not None
    shown = replace(made.facts.shown, metrics={**made.facts.shown.metrics, **change})
    facts = replace(made.facts, sealed=replace(made.facts.sealed, shown=shown))
    if "threshold" in change:
        with pytest.raises(ValueError, match="nan"):
            model_card(facts)
    else:
        assert "not measured: not defined on these images" in model_card(facts)


def test_a_key_that_the_files_lack_stops_the_stage(made: Made) -> None:
    facts = replace(made.facts, split={})
    with pytest.raises(Exception, match="near_duplicates_dropped"):
        model_card(facts)


def test_a_page_says_what_it_was_made_from(made: Made) -> None:
    for text in (made.report, made.card):
        stated = made_from(text)
        assert "reports/register.json" in stated
        assert f"reports/models/{WINNER}/audit.json" in stated
        assert all(sha256_of(made.root / name) == digest for name, digest in stated.items())


def test_a_page_whose_files_have_changed_is_stale(made: Made, tmp_path: Path) -> None:
    root = tmp_path / "w"
    shutil.copytree(made.root, root)
    page = root / "report.html"
    page.write_text(made.report)
    assert stale_files(page, root) == []
    metrics = root / MODEL_REPORTS / WINNER / "validation.json"
    metrics.write_text(json.dumps({**json.loads(metrics.read_text()), "threshold": 0.25}))
    (root / REPORTS / "split.json").unlink()
    assert stale_files(page, root) == [f"reports/models/{WINNER}/validation.json", "reports/split.json"]
    page.write_text("<p>typed by hand</p>")
    with pytest.raises(CxrError, match="does not say"):
        stale_files(page, root)
    with pytest.raises(CxrError, match="is missing"):
        stale_files(root / "none.html", root)


def test_another_version_than_the_registered_one_is_refused(made: Made) -> None:
    with pytest.raises(CxrError, match="as register"):
        read_facts(replace(REGISTERED, number=4), made.root)


def test_the_network_is_described_as_it_was_made(made: Made) -> None:
    features = {**made.facts.params["features"], "cut": {made.facts.winner: "mixed4+mixed5"}, "focus": "models/lungs"}
    facts = replace(made.facts, params={**made.facts.params, "features": features})
    assert trunk(facts).startswith("cut after the layers mixed4 and mixed5, its map weighted by the lungs")
    whole = {**features, "cut": {made.facts.winner: ""}, "focus": "data/pixels.npy"}
    assert trunk(replace(facts, params={**facts.params, "features": whole})).startswith("without its top, frozen")
