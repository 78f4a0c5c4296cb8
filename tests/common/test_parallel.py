import os

import pytest

from cxr.common.parallel import bar, map_apart, map_in_order, map_parts


def process_of(task: int) -> tuple[int, int]:
    return task, os.getpid()


def refuse_seventy(task: int) -> int:
    if task == 70:
        raise ValueError("task 70")
    return task


@pytest.mark.parametrize("count", [0, 5, 200])
def test_results_come_in_the_order_of_the_tasks(count: int) -> None:
    assert [task for task, _ in map_in_order(process_of, range(count), count, "work")] == list(range(count))


def test_many_tasks_run_in_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert os.getpid() not in {process for _, process in map_in_order(process_of, range(100), 100, "work")}


def test_one_core_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert {process for _, process in map_in_order(process_of, range(100), 100, "work")} == {os.getpid()}


def threads_and_process(task: int) -> tuple[int, str | None, int]:
    return task, os.environ.get("OPENBLAS_NUM_THREADS"), os.getpid()


def test_heavy_tasks_run_in_processes_of_one_thread_each_and_leave_ours_as_it_was(monkeypatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    done = map_apart(threads_and_process, range(3), "heavy")
    assert [(task, threads) for task, threads, _ in done] == [(0, "1"), (1, "1"), (2, "1")]
    assert os.getpid() not in {process for _, _, process in done}
    assert "OPENBLAS_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("count", [0, 1, 8, 9])
def test_parts_cover_all_rows_in_order(count: int) -> None:
    parts = map_parts(lambda part: list(range(count))[part], count, 4, "rows")
    assert [row for part in parts for row in part] == list(range(count))
    assert all(0 < len(part) <= 4 for part in parts)


def test_a_fault_in_another_process_reaches_the_caller() -> None:
    with pytest.raises(ValueError, match="task 70"):
        list(map_in_order(refuse_seventy, range(100), 100, "work"))


def test_the_bar_shows_what_how_many_and_how_fast(capsys: pytest.CaptureFixture[str]) -> None:
    with bar(3, "index") as advance:
        advance(3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "index: 100%" in captured.err
    assert "3/3" in captured.err
    assert "images/s" in captured.err
