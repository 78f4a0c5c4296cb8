"""`make report`: the page's place, and no page that is out of date."""

from pathlib import Path

import pytest

from cxr.common.atomic_files import sha256_of, write_text
from cxr.common.errors import CxrError
from cxr.common.paths import CARD, REPORTS
from cxr.report.origin import origin_note
from tools import show_report


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    metrics = REPORTS / "register.json"
    write_text("{}\n", tmp_path / metrics)
    note = origin_note({metrics.as_posix(): sha256_of(tmp_path / metrics)})
    write_text(f"<p>numbers</p>{note}", tmp_path / CARD / "report.html")
    return tmp_path


def test_the_page_s_place_is_printed_and_it_is_opened_on_a_screen(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(show_report.webbrowser, "open", opened.append)
    monkeypatch.setattr("sys.argv", ["show_report", str(workspace)])
    for screen in (False, True):
        monkeypatch.setattr(show_report, "has_screen", lambda screen=screen: screen)
        show_report.main()
    page = workspace / CARD / "report.html"
    assert capsys.readouterr().out == f"{page}\n{page}\n"
    assert opened == [page.as_uri()]


def test_a_report_older_than_its_files_is_not_shown(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text('{"winner": "another"}\n', workspace / REPORTS / "register.json")
    with pytest.raises(CxrError, match=r"older than reports/register\.json; `dvc repro`"):
        show_report.report_of(workspace)
    monkeypatch.setattr("sys.argv", ["show_report", str(workspace)])
    with pytest.raises(SystemExit, match="older than"):
        show_report.main()


def test_without_a_report_it_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="`dvc repro card` makes it"):
        show_report.report_of(tmp_path)
