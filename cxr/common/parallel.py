"""The same function over many files on all cores, in order, with a progress bar."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")
_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")
_PER_WORKER = 32  # tasks handed over at once: large enough to hide the hand-over, small enough to stay in step


def map_in_order(work: Callable[[T], R], tasks: Iterable[T], total: int, label: str) -> Iterator[R]:
    """Results of `work` in the order of `tasks`; `work` must be importable, it runs in other processes."""
    with bar(total, label) as advance:
        if (os.cpu_count() or 1) == 1 or total <= _PER_WORKER:
            results: Iterable[R] = map(work, tasks)
            yield from _counted(results, advance)
            return
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            yield from _counted(pool.map(work, tasks, chunksize=_PER_WORKER), advance)


def map_apart(work: Callable[[T], R], tasks: Sequence[T], label: str) -> list[R]:
    """Results of `work` in the order of the few, heavy `tasks`, one process a core and one thread a process.

    A product of matrices on all cores waits for its slowest part by spinning: on a machine that has other work too, it
    took three times the processor time of one thread. Their number is read as numpy is imported, so the processes are
    started anew and not forked; `work` must be importable, and whatever starts this must bear being imported.
    """
    workers = min(os.cpu_count() or 1, len(tasks))
    with (
        bar(len(tasks), label, "task") as advance,
        _one_thread_each(),
        ProcessPoolExecutor(workers, get_context("spawn")) as pool,
    ):
        return list(_counted(pool.map(work, tasks), advance))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """For processes started inside: numpy's linear algebra, whichever library does it, on one thread."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _counted(results: Iterable[R], advance: Callable[[int], object]) -> Iterator[R]:
    for result in results:
        advance(1)
        yield result


@contextmanager
def bar(total: int, label: str, unit: str = "image", before: int = 0) -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error, with rate and time left; yields the function that advances it.

    before: how many of `total` an earlier run has done.
    """
    with tqdm(total=total, initial=before, desc=label, unit=f" {unit}s", mininterval=0.5, dynamic_ncols=True) as shown:
        yield shown.update
