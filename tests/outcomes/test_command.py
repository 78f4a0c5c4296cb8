"""`cxr feedback`: which rows are taken, what the report says, and the exit status."""

import json
from pathlib import Path

import pytest

from cxr.common.errors import CxrError
from cxr.inference.site_profile import write_profile
from cxr.outcomes.command import MOST_NAMED, command
from cxr.outcomes.records import new_id, text_of_id
from cxr.outcomes.report import report_of
from cxr.outcomes.store import OutcomeStore
from tests.outcomes.made import BARE, NOW, PROFILE, fill, said, store_in

Printed = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OutcomeStore:
    monkeypatch.setattr("cxr.outcomes.command.time.time", lambda: 3600.0 * NOW)
    write_profile(PROFILE, tmp_path / "profile.json")
    return store_in(tmp_path)


def run(store: OutcomeStore, *words: str) -> int:
    return command([*words, "--store", str(store.path)])


def table(store: OutcomeStore, text: str) -> str:
    path = store.path.with_name("results.csv")
    path.write_text(text, encoding="utf-8")
    return str(path)


def told(store: OutcomeStore) -> int:
    return sum(answers for cell, answers in store.counts(store.setups()[0].setup).items() if cell.truth)


def test_a_table_is_taken_again_without_a_change_and_a_correction_replaces(store: OutcomeStore) -> None:
    first, second = map(text_of_id, fill(store, [(said(0.9), None), (said(0.1), None)]))
    rows = table(store, f"id,outcome\n{first},positive\n{second},Negative\n")
    assert run(store, rows) == 0
    assert run(store, rows) == 0
    assert told(store) == 2
    assert run(store, table(store, f"\ufeffnote;Outcome;ID\nlate;unknown;{first}\n\n")) == 0
    assert report_of(store).answers(truth=1) == 1


def test_bad_rows_are_named_without_their_content_and_the_others_are_taken(
    store: OutcomeStore, capsys: Printed
) -> None:
    (number,) = fill(store, [(said(0.9), None)])
    good = text_of_id(number)
    text = (
        f"id,outcome\nMustermann,positive\n{text_of_id(new_id())},positive\n{good},Mustermann\n{good}\n{good},positive"
    )
    assert run(store, table(store, text)) == 1
    said_of_it = capsys.readouterr().err
    for line, why in ((2, "none that an answer had"), (3, "has no answer"), (4, "not one of"), (5, "fewer columns")):
        assert f"line {line}: " in said_of_it
        assert why in said_of_it
    assert "1 outcomes taken, 4 rows not" in said_of_it
    assert "Mustermann" not in said_of_it
    assert told(store) == 1


def test_of_many_bad_rows_the_first_are_named(store: OutcomeStore, capsys: Printed) -> None:
    fill(store, [(said(0.9), None)])
    with pytest.raises(CxrError, match="no row of 3000 was taken"):
        run(store, table(store, "id,outcome\n" + "x,positive\n" * 3000))
    assert capsys.readouterr().err.count("line ") == MOST_NAMED


@pytest.mark.parametrize(
    "content", [b"", b"name,outcome\n", b"id\n", b"\xff\xfe\x00", b'id,outcome\n"' + b"x" * 200_000]
)
def test_what_is_no_such_table_is_one_sentence(store: OutcomeStore, content: bytes) -> None:
    fill(store, [(said(0.9), None)])
    path = store.path.with_name("results.csv")
    path.write_bytes(content)
    with pytest.raises(CxrError) as raised:
        run(store, str(path))
    assert "\n" not in str(raised.value)


def test_no_store_and_no_table_are_one_sentence(store: OutcomeStore) -> None:
    for words in ((table(store, f"id,outcome\n{text_of_id(new_id())},positive\n"),), ("--report",)):
        with pytest.raises(CxrError, match="cannot be used"):
            run(store, *words)
    with pytest.raises(CxrError, match="cannot be read"):
        run(store, str(store.path.with_name("none.csv")))
    with pytest.raises(SystemExit):
        run(store)


def a_year(store: OutcomeStore, missed: int) -> None:
    """Answers of a site, of which a third has an outcome; `missed` of 300 unlikely ones were positive."""
    fill(store, [(said(0.1), "negative")] * (300 - missed) + [(said(0.1), "positive")] * missed)
    fill(store, [(said(0.9), "positive")] * 180 + [(said(0.9), "negative")] * 10 + [(said(0.9), None)] * 610)
    fill(store, [(said(0.4), "unknown")] * 5 + [(said(0.4), "positive")] * 4 + [(said(0.4), "negative")] * 6)


def with_profile(store: OutcomeStore, *words: str) -> int:
    return run(store, "--report", "--profile", str(store.path.with_name("profile.json")), *words)


def test_a_report_compares_with_the_limits_of_the_profile(store: OutcomeStore, capsys: Printed) -> None:
    a_year(store, missed=1)
    assert with_profile(store) == 0
    printed = capsys.readouterr().out
    assert "covid-cxr:3 at St. Somewhere" in printed
    assert "all: 1115 answers, 500 with an outcome (45 %)" in printed
    assert "unlikely: 300 answers, 300 with an outcome (100 %)" in printed
    assert "positive among unlikely: 0.003 (0.000 to 0." in printed
    assert "limit at most 0.05: kept" in printed
    assert with_profile(store, "--json", "--by", "probability") == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert figures["sensitivity"]["corrected"]["value"] > figures["sensitivity"]["raw"]["value"]
    assert figures["ppv"]["limit"] is None


def test_a_broken_limit_is_an_exit_status(store: OutcomeStore, capsys: Printed) -> None:
    a_year(store, missed=60)
    assert with_profile(store) == 1
    assert "limit at most 0.05: broken" in capsys.readouterr().out
    assert run(store, "--report") == 0  # without a profile nothing was promised


def test_what_cannot_be_corrected_is_said(store: OutcomeStore, capsys: Printed) -> None:
    fill(store, [(said(0.9), "positive")] * 20 + [(said(0.1), None)] * 70)
    assert with_profile(store) == 0
    printed = capsys.readouterr().out
    assert "sensitivity: not known (0." in printed
    assert "No outcome came back for 70 answers (NonCOVID, unlikely)" in printed


def test_answers_under_another_profile_are_not_compared(store: OutcomeStore, capsys: Printed) -> None:
    fill(store, [(said(0.9, None), "positive")], BARE, NOW + 5)
    with pytest.raises(CxrError, match="under this profile"):
        with_profile(store)
    fill(store, [(said(0.9), "positive")])
    assert run(store, "--report") == 0
    assert "without a site profile" in capsys.readouterr().out
    assert with_profile(store) == 0
    assert "St. Somewhere" in capsys.readouterr().out
    with pytest.raises(CxrError, match="no answers of covid-cxr:9"):
        run(store, "--report", "--model", "covid-cxr:9")


def test_the_help_says_what_the_exit_status_means(capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        command(["--help"])
    assert "1 some rows were not taken" in capsys.readouterr().out
