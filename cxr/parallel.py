"""The same function over many files on all cores, in order, with a progress bar."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
R = TypeVar("R")
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


def _counted(results: Iterable[R], advance: Callable[[int], object]) -> Iterator[R]:
    for result in results:
        advance(1)
        yield result


@contextmanager
def bar(total: int, label: str, unit: str = "image") -> Iterator[Callable[[int], object]]:
    """A progress bar on standard error, with rate and time left; yields the function that advances it."""
    with tqdm(total=total, desc=label, unit=f" {unit}s", mininterval=0.5, dynamic_ncols=True) as shown:
        yield shown.update
