from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cxr.common.errors import CxrError
from cxr.data.manifest import ImageRow, RejectedRow, count_by, read_rows, write_rows
from tests.rows import image_row

AWKWARD = 'folder/with, comma "quotes"\nand a line break/ü.png'


def test_what_is_written_is_read(tmp_path: Path) -> None:
    rows = [image_row("a.png", age="61", sex="F", width=3000), image_row(AWKWARD, view="", role="audit")]
    write_rows(rows, ImageRow, tmp_path / "new" / "index.csv")
    assert read_rows(ImageRow, tmp_path / "new" / "index.csv") == rows


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    write_rows([], RejectedRow, tmp_path / "rejected.csv")
    assert read_rows(RejectedRow, tmp_path / "rejected.csv") == []


def test_a_table_that_breaks_off_while_being_written_is_not_there(tmp_path: Path) -> None:
    def rows():
        yield image_row("a.png")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_rows(rows(), ImageRow, tmp_path / "index.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"label": "covid"}, ["a.png", "'covid'", "NonCOVID"]),
        ({"role": "test"}, ["a.png", "'test'", "audit"]),
        ({"view": "L"}, ["a.png", "'L'", "AP Supine"]),
    ],
)
def test_a_row_with_an_unknown_word_is_refused(change: dict[str, str], named: list[str]) -> None:
    with pytest.raises(CxrError) as caught:
        image_row("a.png", **change)
    assert all(word in str(caught.value) for word in named)


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(CxrError, match="reason 'ugly' is not one of"):
        RejectedRow("a.png", "s", "ugly", "")


def table(folder: Path) -> tuple[Path, list[str]]:
    path = folder / "index.csv"
    write_rows([image_row("a.png"), image_row("b.png"), image_row("c.png")], ImageRow, path)
    return path, path.read_text().splitlines()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda line: line.replace(",10,10,", ",ten,10,"), "width 'ten' is not a whole number"),
        (lambda line: line.rsplit(",", 3)[0], "number of values"),
        (lambda line: line + ",more", "number of values"),
        (lambda line: line.replace("COVID", "FLU"), "label 'FLU'"),
    ],
)
def test_a_damaged_line_is_named(damage, named: str, tmp_path: Path) -> None:
    path, lines = table(tmp_path)
    path.write_text("\n".join([*lines[:2], damage(lines[2]), lines[3]]) + "\n")
    with pytest.raises(CxrError) as caught:
        read_rows(ImageRow, path)
    assert str(caught.value).startswith(f"{path}, line 3: ")
    assert named in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"path,source\n", b"\xff\xfe\x00"])
def test_a_file_that_is_another_table_or_none_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "index.csv"
    path.write_bytes(content)
    with pytest.raises(CxrError, match="run `dvc repro` again"):
        read_rows(ImageRow, path)


def test_a_missing_table_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match=r"index\.csv is missing; `dvc repro` makes it"):
        read_rows(ImageRow, tmp_path / "index.csv")


def test_rows_are_counted_by_value_and_by_combination() -> None:
    rows = [image_row("a", view="PA"), image_row("b", view="AP"), image_row("c", view="PA", label="NonCOVID")]
    assert count_by(rows, "view") == {"AP": 1, "PA": 2}
    assert count_by(rows, "view", "label") == {"AP/COVID": 1, "PA/COVID": 1, "PA/NonCOVID": 1}


@given(text=st.text(st.characters(blacklist_categories=["Cs"])))
@example(text="a\rb")
@example(text="\r")
def test_any_text_comes_back_as_it_was_written(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    row = RejectedRow("own/a.png", "own", "no_row", text)
    path = tmp_path_factory.mktemp("rows") / "rejected.csv"
    write_rows([row], RejectedRow, path)
    assert read_rows(RejectedRow, path) == [row]
