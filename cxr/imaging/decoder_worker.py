"""A decoder process: native code takes a compressed frame from shared memory and puts pixels there.

cxr/imaging/decoder_pool.py starts it as a program of its own, so it imports nothing of the project. What it reads from
standard input and writes to standard output are REQUEST and ANSWER; it ends when the input ends.
"""

import mmap
import os
import signal
import struct
import sys

REQUEST = struct.Struct("<16s4sQQQLLL")  # codec, dtype, bytes shared, of input, output's offset, rows, columns, samples
ANSWER = struct.Struct("<B")
DONE, DAMAGED, NOT_INSTALLED, NO_MEMORY = range(4)
MAX_DATA_BYTES = 640 << 20  # that the process may allocate beside the shared memory; Linux alone keeps to it


def main(path: str) -> None:
    """Serve requests until the input ends. path: of the shared memory."""
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not be taken for an answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    shared: mmap.mmap | None = None
    with open(path, "r+b") as file:
        while len(request := sys.stdin.buffer.read(REQUEST.size)) == REQUEST.size:
            codec, dtype, size, *rest = REQUEST.unpack(request)
            if shared is None or len(shared) < size:
                shared = mmap.mmap(file.fileno(), size)
            os.write(answers, ANSWER.pack(_decode(shared, codec.rstrip(b"\0"), dtype.rstrip(b"\0"), *rest)))


def _decode(
    shared: mmap.mmap, codec: bytes, dtype: bytes, length: int, start: int, rows: int, columns: int, samples: int
) -> int:
    try:
        import imagecodecs
        import numpy as np
    except ImportError:
        return NOT_INSTALLED
    shape = (rows, columns) if samples == 1 else (rows, columns, samples)
    pixels = np.ndarray(shape, dtype.decode(), shared, start)
    try:
        getattr(imagecodecs, codec.decode() + "_decode")(np.frombuffer(shared, np.uint8, length), out=pixels)
    except MemoryError:
        return NO_MEMORY
    except Exception:  # noqa: BLE001  each codec has an exception of its own; the process is here to keep them in
        return DAMAGED
    return DONE


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_DATA_BYTES, MAX_DATA_BYTES))


if __name__ == "__main__":
    main(sys.argv[1])
