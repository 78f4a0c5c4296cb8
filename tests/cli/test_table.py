"""The columns, which are the page's, and the three formats."""

import builtins
import csv
import json
import re
from pathlib import Path

import pytest

from cxr.cli.table import COLUMNS, without_formula
from tests.cli.command import cxr, only_sentence, table
from tests.formulas import FORMULAS

ROOT = Path(__file__).parents[2]


def test_the_columns_are_those_of_the_web_page_s_table() -> None:
    script = (ROOT / "clients/web/csv.js").read_text(encoding="utf-8")
    block = re.search(r"const COLUMNS = \{(.*?)\n\};", script, re.DOTALL)
    assert block
    assert tuple(re.findall(r"^  (\w+):", block[1], re.MULTILINE)) == COLUMNS


def test_the_manual_explains_every_column() -> None:
    manual = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    explained = manual.partition("| column | ")[2].partition("\n\n")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", explained, re.MULTILINE)) == COLUMNS


@pytest.mark.parametrize(("name", "safe"), FORMULAS)
def test_no_name_becomes_a_formula_in_a_spreadsheet(name: str, safe: str) -> None:
    assert without_formula(name) == safe


def test_the_formats_hold_the_same_rows(folder: Path, bundle: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow comes with the extra train")
    (folder / "text.txt").write_text("hello")
    for suffix in ("csv", "jsonl", "parquet"):
        assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / f"results.{suffix}") == 1
    of_csv = table(tmp_path / "results.csv")
    of_json = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    of_parquet = parquet.read_table(tmp_path / "results.parquet").to_pylist()
    for rows in (of_csv, of_json, of_parquet):
        assert len(rows) == 3
        for row in rows:
            assert tuple(row) == COLUMNS
            row.pop("checked_at")
    assert of_json == of_parquet
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in of_json] == of_csv
    assert isinstance(of_json[0]["percentage"], float)
    assert of_json[2]["percentage"] is None


def test_the_format_may_be_said(folder: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("predict", folder, "--model", bundle, "--format", "json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["file"], second["file"]) == (str(folder / "a.png"), str(folder / "more" / "b.jpg"))


def test_a_hostile_name_is_kept_in_json_and_disarmed_in_csv(folder: Path, bundle: Path, tmp_path: Path) -> None:
    (folder / "a.png").rename(folder / "x;=1+1.png")
    cxr("predict", folder, "--model", bundle, "--out", tmp_path / "r.csv")
    cxr("predict", folder, "--model", bundle, "--out", tmp_path / "r.json")
    names = [row["file"] for row in csv.DictReader((tmp_path / "r.csv").open())]
    assert names[1].endswith("x;'=1+1.png")
    assert json.loads((tmp_path / "r.json").read_text().splitlines()[1])["file"].endswith("x;=1+1.png")


def test_parquet_needs_a_file(folder: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cxr("predict", folder, "--model", bundle, "--format", "parquet") == 2
    assert "name a file with --out" in only_sentence(capsys)


def test_parquet_without_pyarrow_is_one_sentence_before_the_work(
    folder: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_pyarrow(name, *arguments, **options):
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError(name)
        return imported(name, *arguments, **options)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    assert cxr("predict", folder, "--model", bundle, "--out", tmp_path / "r.parquet") == 2
    assert "Parquet needs pyarrow" in only_sentence(capsys)
