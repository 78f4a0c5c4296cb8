"""A small pool of decoder processes: native codecs run where their crash, hang or hunger takes nothing else down.

A frame goes in and pixels come out through memory that both processes share: nothing is copied through a pipe. Each
process of the project has its own pool, made when it is first needed; a decoder process lives until its owner ends.
"""

import atexit
import mmap
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from cxr.common.errors import ImageError
from cxr.imaging.decoder_worker import ANSWER, DAMAGED, DONE, NO_MEMORY, NOT_INSTALLED, REQUEST

WORKER = Path(__file__).with_name("decoder_worker.py")
PROCESSES = max(1, min(4, os.cpu_count() or 1))
TIME_LIMIT_S = 10.0  # of one frame, the start of the process included; a large one takes 0.3 s
MAX_PATIENCE = 3  # times the limit, for what takes longer: 48 million pixels of a HEIC take 2.4 s of a core
PAGE = 1 << 20  # the shared memory grows in steps of this
# The child needs no settings and no secrets of its owner; one thread is enough for a frame.
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMPDIR", "VIRTUAL_ENV")
SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

REASONS = {
    DAMAGED: ("corrupt", "the compressed pixels are damaged or cut off; export the picture again"),
    NO_MEMORY: (
        "unsupported",
        "the compressed pixels take too much memory to unpack; send the picture as PNG or uncompressed DICOM",
    ),
    NOT_INSTALLED: ("unsupported", "the codec for this file is not installed; run `pip install imagecodecs pi-heif`"),
}
CRASHED = ("corrupt", "the compressed pixels are damaged: the decoder gave up on them; export the picture again")
NOT_STARTED = (
    "unsupported",
    "the decoder for this kind of file cannot be started now; send it as PNG or uncompressed DICOM",
)
TOO_SLOW = (
    "unsupported",
    "the compressed pixels take too long to unpack; send the picture as PNG or uncompressed DICOM",
)


class _Worker:
    """One decoder process and the memory shared with it."""

    def __init__(self) -> None:
        self._file, self._path, inherited = _shared_file()
        self._memory: mmap.mmap | None = None
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603  our own file by our own interpreter
            [sys.executable, "-P", str(WORKER), self._path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment | SINGLE_THREADED,
            pass_fds=inherited,
        )
        self.timed_out = False

    def decode(self, codec: str, data: bytes, shape: tuple[int, ...], dtype: np.dtype, limit_s: float) -> np.ndarray:
        """A view of the shared memory. Raises ImageError for a bad frame, _DeadError where the process has died."""
        start = -(-len(data) // 64) * 64
        memory = self._room(start + int(np.prod(shape)) * dtype.itemsize)
        memory[: len(data)] = data
        rows, columns, samples = (*shape, 1)[:3]
        request = (codec.encode(), dtype.str[1:].encode(), len(memory), len(data), start, rows, columns, samples)
        status = self._ask(REQUEST.pack(*request), limit_s)
        if status != DONE:
            raise ImageError(*REASONS.get(status, CRASHED))
        return np.ndarray(shape, dtype, memory, start)

    def _ask(self, request: bytes, limit_s: float) -> int:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        watch = threading.Timer(limit_s, self._time_out)
        watch.daemon = True
        watch.start()
        try:
            stdin.write(request)
            stdin.flush()
            answer = stdout.read(ANSWER.size)
        except OSError:
            raise _DeadError from None
        finally:
            watch.cancel()
        if len(answer) < ANSWER.size:
            raise _DeadError
        return int(ANSWER.unpack(answer)[0])

    def _time_out(self) -> None:
        self.timed_out = True
        self._process.kill()

    def _room(self, size: int) -> mmap.mmap:
        if self._memory is None or len(self._memory) < size:
            rounded = -(-size // PAGE) * PAGE
            self._file.truncate(rounded)
            self._memory = mmap.mmap(self._file.fileno(), rounded)
        return self._memory

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._memory = None  # unmapped with the last view of it
        self._file.close()
        if not self._path.startswith("/dev/fd/"):
            Path(self._path).unlink(missing_ok=True)


class _DeadError(Exception):
    """The decoder process has ended instead of answering."""


def _shared_file() -> tuple[IO[bytes], str, tuple[int, ...]]:
    """A file that both processes map, its path for the child, and what the child must inherit to open it."""
    if sys.platform == "linux":  # in memory, and gone with its last user
        number = os.memfd_create("cxr-decoder")
        return os.fdopen(number, "r+b", buffering=0), f"/dev/fd/{number}", (number,)
    number, path = tempfile.mkstemp(prefix="cxr-decoder-")
    return os.fdopen(number, "r+b", buffering=0), path, ()


class DecoderPool:
    """Up to `processes` decoders at work at once; more callers wait. Used from any thread."""

    def __init__(self, processes: int = PROCESSES, time_limit_s: float = TIME_LIMIT_S):
        self._places = threading.BoundedSemaphore(processes)
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()
        self._limit_s = time_limit_s

    def decode(self, codec: str, data: bytes, shape: tuple[int, ...], dtype: np.dtype, patience: int = 1) -> np.ndarray:
        """As `lend`, for pixels that are kept."""
        with self.lend(codec, data, shape, dtype, patience) as pixels:
            return pixels.copy()

    @contextmanager
    def lend(
        self, codec: str, data: bytes, shape: tuple[int, ...], dtype: np.dtype, patience: int = 1
    ) -> Iterator[np.ndarray]:
        """The frame's pixels, of exactly this shape and type, until the context ends. Raises ImageError.

        codec: by imagecodecs' name, or one of the worker's STILL. The shape comes from a header that has been checked:
        it bounds the memory.
        patience: how many times the time limit it may take, 1 to MAX_PATIENCE.
        """
        with self._places:
            worker = self._take()
            try:
                pixels = worker.decode(codec, data, shape, dtype, self._limit_s * patience)
            except _DeadError:
                worker.stop()
                raise ImageError(*(TOO_SLOW if worker.timed_out else CRASHED)) from None
            except ImageError:
                self._give_back(worker)
                raise
            except BaseException:
                worker.stop()  # its answer may still be on the way
                raise
            try:
                yield pixels
            finally:
                self._give_back(worker)

    def _take(self) -> _Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return _Worker()
        except OSError:  # no process, no memory: not the picture's fault, and no reason to fail as a whole
            raise ImageError(*NOT_STARTED) from None

    def _give_back(self, worker: _Worker) -> None:
        if worker.timed_out:
            worker.stop()
            return
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """Stop the processes that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.stop()


_pools: dict[int, DecoderPool] = {}  # by process: a fork must not talk to its parent's decoders
_pools_lock = threading.Lock()


def decoder_pool() -> DecoderPool:
    """This process's pool."""
    with _pools_lock:
        pool = _pools.get(os.getpid())
        if pool is None:
            _pools.clear()
            pool = _pools[os.getpid()] = DecoderPool()
            atexit.register(pool.close)
        return pool
