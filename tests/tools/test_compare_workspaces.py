"""Two tiny workspaces, alike but for one thing: what is found, what is let pass, what is no comparison."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import compare_workspaces
from tools.compare_workspaces import (
    ABSENT,
    ANSWERS,
    SHOWN,
    Compared,
    Mismatch,
    WorkspaceError,
    compare,
    differences,
    golden_pictures,
    table,
)
from tools.comparison_rules import LEFT_OUT, LeftOut, Rules

INDEX = "path,label,sha256\na.png,COVID,0e1\nb.png,COVID,12e99999\nc.png,NonCOVID,000017\nd.png,NonCOVID,5\n"
METRICS = {"auc": {"value": 0.9, "low": 0.8}, "counts": {"images": 4}, "side": 128, "flagged": False}
RUN = {"run_id": "1f", "parent_run_id": "2e", "spec": {"backbone": "vgg16"}, "origin": {"cxr.group": "ab"}}
FILES = {
    "data/index.csv": INDEX,
    "data/rejected.csv": "path,reason\n",
    "data/split.csv": "path,split\na.png,train\n",
    "data/pixels.npy": "pixels",
    "reports/index.json": json.dumps({"images": 4}),
    "reports/register.json": json.dumps({"winner": "vgg16", "version": 1, "reason": "there is no champion yet"}),
    "reports/models/vgg16/metrics.json": json.dumps(METRICS),
    "reports/models/vgg16/precision.json": json.dumps({"bf16": {"times_f32": 1.9, "holds": True}}),
    "reports/models/vgg16/predictions.csv": "path,p_covid\na.png,0.25\nb.png,0.75\n",
    "reports/models/vgg16/run.json": json.dumps(RUN),
    "models/champion/model.json": "{}",
    # Stands for the real command line: answers with the number that the champion's file holds.
    "cxr/cli.py": (
        "import sys\n"
        "assert sys.argv[1:6] == ['predict', '--model', 'models/champion', '--precision', 'f32']\n"
        "print('file,state,p_covid')\n"
        "for file in sys.argv[6:]:\n"
        "    print(f'{file},COVID,{open(\"models/champion/answer\").read()}')\n"
    ),
    "cxr/__init__.py": "",
    "models/champion/answer": "0.5",
}
METRICS_FILE = "reports/models/vgg16/metrics.json"
Edit = Callable[[Path], object]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / "before" / name, text)
    return tmp_path / "before"


@pytest.fixture
def after(before: Path) -> Path:
    return shutil.copytree(before, before.with_name("after"))


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def replaced(name: str, old: str, new: str) -> Edit:
    def edit(workspace: Path) -> None:
        text = (workspace / name).read_text()
        assert old in text
        write(workspace / name, text.replace(old, new))

    return edit


def found(before: Path, after: Path, rules: Rules | None = None) -> dict[str, list[str]]:
    """The differences of each file that has some."""
    results = compare(before, after, rules or Rules())
    return {result.name: [str(one) for one in result.differences] for result in results if result.differences}


def test_every_result_file_and_the_answers_are_compared(before: Path, after: Path) -> None:
    results = list(compare(before, after, Rules()))
    expected = sorted(name for name in FILES if name.startswith(("data/", "reports/")))
    assert [result.name for result in results] == [*expected, ANSWERS]
    assert not any(result.differences for result in results)


@pytest.mark.parametrize(
    ("name", "old", "new", "difference"),
    [
        (METRICS_FILE, "0.9", "0.91", "auc > value: 0.9 before, 0.91 after"),
        (METRICS_FILE, "0.9", "0.900000002", "auc > value: 0.9 before, 0.900000002 after"),
        (METRICS_FILE, "0.9", "null", "auc > value: 0.9 before, None after"),
        (METRICS_FILE, "false", "0", "flagged: False before, 0 after"),
        (METRICS_FILE, ', "low": 0.8', "", "auc > low: 0.8 before, (absent) after"),
        (METRICS_FILE, "{", '{"new": [1],', "new: (absent) before, [1] after"),
        ("reports/models/vgg16/predictions.csv", "0.75", "0.76", "rows > 1 > p_covid: 0.75 before, 0.76 after"),
        ("reports/models/vgg16/predictions.csv", "b.png", "c.png", "rows > 1 > path: 'b.png' before, 'c.png' after"),
        ("data/split.csv", "a.png,train\n", "", "rows > 0: {'path': 'a.png', 'split': 'train'} before, (absent) after"),
        ("data/rejected.csv", "reason", "why", "columns > reason: 1 before, (absent) after"),
        ("data/index.csv", "000017", "17", "rows > 2 > sha256: '000017' before, 17 after"),
        ("data/index.csv", "12e99999", "13e99999", "rows > 1 > sha256: '12e99999' before, '13e99999' after"),
        ("reports/models/vgg16/run.json", '"ab"', '"cd"', "origin > cxr.group: 'ab' before, 'cd' after"),
    ],
)
def test_a_change_is_named_with_its_place_and_both_values(
    before: Path, after: Path, name: str, old: str, new: str, difference: str
) -> None:
    replaced(name, old, new)(after)
    names = found(before, after)
    assert list(names) == [name]
    assert difference in names[name]


@pytest.mark.parametrize(
    "edit",
    [
        replaced(METRICS_FILE, "0.9", "0.9000000005"),
        replaced(METRICS_FILE, "4", "4.0"),
        replaced("reports/models/vgg16/predictions.csv", "0.75", "7.5e-01"),
        replaced("reports/models/vgg16/run.json", "1f", "3c"),
        replaced("reports/models/vgg16/run.json", '{"cxr.group"', '{"mlflow.source.git.commit": "9", "cxr.group"'),
        replaced("reports/models/vgg16/precision.json", "1.9", "2.1"),
        replaced("reports/register.json", '"version": 1', '"version": 2'),
        replaced("models/champion/answer", "0.5", "0.5000000001"),
        replaced("models/champion/model.json", "{}", '{"run": 2}'),
    ],
)
def test_what_may_differ_is_let_pass(before: Path, after: Path, edit: Edit) -> None:
    edit(after)
    assert found(before, after) == {}


def test_a_key_is_left_out_of_its_own_files_only(before: Path, after: Path) -> None:
    for workspace, number in ((before, 1), (after, 2)):
        write(workspace / "reports/gate.json", json.dumps({"version": number}))
    assert list(found(before, after)) == ["reports/gate.json"]
    assert found(before, after, Rules(left_out=[*LEFT_OUT, LeftOut("*", "version", "")])) == {}


def test_pixels_are_compared_by_their_hash(before: Path, after: Path) -> None:
    write(after / "data/pixels.npy", "others")
    (difference,) = found(before, after)["data/pixels.npy"]
    assert difference.startswith("sha256: '")


def test_a_file_of_one_workspace_is_a_difference_unless_it_is_named(before: Path, after: Path) -> None:
    write(after / "reports/models/resnet50/roc.csv", "a,b\n")
    (after / "data/split.csv").unlink()
    assert found(before, after) == {
        "data/split.csv": ["file: 'there' before, (absent) after"],
        "reports/models/resnet50/roc.csv": ["file: (absent) before, 'there' after"],
    }
    named = Rules(one_sided=["reports/models/resnet50/*", "data/split.csv", METRICS_FILE])
    assert found(before, after, named) == {}
    replaced(METRICS_FILE, "0.9", "0.7")(after)
    assert list(found(before, after, named)) == [METRICS_FILE]


def test_a_renamed_key_or_column_is_compared_under_its_new_name(before: Path, after: Path) -> None:
    replaced(METRICS_FILE, "side", "image_size")(after)
    replaced("data/split.csv", "split", "side_of_split")(after)
    assert list(found(before, after)) == ["data/split.csv", METRICS_FILE]
    rules = Rules(renamed={"side": "image_size", "split": "side_of_split"})
    assert found(before, after, rules) == {}
    replaced(METRICS_FILE, "128", "224")(after)
    assert found(before, after, rules) == {METRICS_FILE: ["image_size: 128 before, 224 after"]}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"old": 1}, {"new": 1}, True),
        ({"old": 1}, {"old": 1}, True),
        ({"old": 1, "new": 2}, {"old": 1, "new": 2}, True),
        ({"old": 1, "new": 2}, {"new": 1}, False),
        ({"old": 1, "new": 2}, {"new": 2}, False),
        ({"new": 1}, {"old": 1}, False),
        ({"old": 1}, {"old": 1, "new": 1}, False),
        ({"old": 1}, {}, False),
    ],
)
def test_a_new_name_hides_no_value(one: dict[str, int], other: dict[str, int], same: bool) -> None:
    assert (not list(differences(one, other, Rules(renamed={"old": "new"})))) is same


def test_lists_of_other_lengths_differ_at_their_end() -> None:
    assert list(differences({"a": [1, 2]}, {"a": [1]}, Rules())) == [Mismatch(("a", "1"), 2, ABSENT)]


def test_a_column_that_is_left_out_leaves_the_others_places_alone() -> None:
    assert table("a,t,b\n1,9,x\n", frozenset({"t"})) == table("a,b\n1,x\n")
    assert table("a,b\n1,x\n")["columns"] != table("b,a\nx,1\n")["columns"]


def test_the_answers_of_the_champions_are_compared(before: Path, after: Path) -> None:
    write(after / "models/champion/answer", "0.51")
    assert found(before, after)[ANSWERS] == [f"rows > {i} > p_covid: 0.5 before, 0.51 after" for i in range(3)]


def test_the_pictures_are_the_first_of_each_label_and_the_next() -> None:
    assert golden_pictures(INDEX) == ["data/raw/a.png", "data/raw/c.png", "data/raw/b.png"]
    assert golden_pictures("path,label\na.png,COVID\n") == ["data/raw/a.png"]


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda folder: (folder / "data/index.csv").unlink(), r"after has no data/index\.csv; run `dvc repro`"),
        (lambda folder: shutil.rmtree(folder / "models"), r"after has no models/champion"),
        (
            lambda folder: (folder / "models/champion/answer").unlink(),
            r"after gives no answers, exit status 1: FileNot",
        ),
        (lambda folder: write(folder / "reports/index.json", "{"), r"index\.json is not JSON"),
    ],
)
def test_what_cannot_be_compared_is_a_fault(before: Path, after: Path, edit: Edit, fault: str) -> None:
    edit(after)
    with pytest.raises(WorkspaceError, match=fault):
        found(before, after)


def test_at_most_so_many_differences_of_a_file_are_shown() -> None:
    lines = list(Compared("a.json", [Mismatch((str(i),), i, -i) for i in range(SHOWN + 5)]).lines())
    assert lines[:2] == [f"differs  a.json ({SHOWN + 5})", "         a.json: 0: 0 before, 0 after"]
    assert len(lines) == SHOWN + 2
    assert lines[-1] == "         a.json: and 5 more"


def run(monkeypatch: pytest.MonkeyPatch, *words: Any) -> Any:
    """The exit status of the command line."""
    monkeypatch.setattr(sys, "argv", ["compare_workspaces", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        compare_workspaces.main()
    return ended.value.code


def test_the_command_line_says_what_differs_and_ends_with_it(
    before: Path, after: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, before, after) == 0
    printed = capsys.readouterr().out
    assert f"same     {METRICS_FILE}\n" in printed
    assert "left out times_f32 of reports/models/*/precision.json: is a measured speed" in printed
    assert printed.endswith(f"same     {ANSWERS}\n11 compared, 0 differ\n")

    replaced(METRICS_FILE, "0.9", "0.91")(after)
    replaced(METRICS_FILE, "side", "image_size")(after)
    write(after / "reports/new.json", "1")
    assert run(monkeypatch, before, after) == 1
    printed = capsys.readouterr().out
    assert f"differs  {METRICS_FILE} (3)\n         {METRICS_FILE}: auc > value: 0.9 before, 0.91 after\n" in printed
    assert printed.endswith("12 compared, 2 differ\n")

    allowed = ["--tolerance", 0.1, "--renamed", "side=image_size", "a=b", "--ignore-file", "reports/new.json"]
    assert run(monkeypatch, before, after, *allowed) == 0
    assert run(monkeypatch, before, after, *allowed[2:], "--ignore", "low", "--ignore", "value") == 0


def test_the_command_line_says_why_it_cannot_compare(
    before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, before, tmp_path / "nothing") == 2
    assert "nothing has no data/index.csv and no models/champion" in capsys.readouterr().err
    assert run(monkeypatch, before, before, "--renamed", "side") == 2
    assert "'side' names no two keys; write it as OLD=NEW" in capsys.readouterr().err
