"""The decoder processes: a crash, a hang and a hungry codec cost one picture, and nothing else."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ImageError
from cxr.imaging.decoder_pool import DecoderPool, decoder_pool

# Stands in for the codec library in the decoder process: it misbehaves as native code may.
CODECS = """
import os, signal, sys, time
import numpy as np

def copy_decode(data, out):
    out.reshape(-1)[:] = data[: out.size]

def pid_decode(data, out):
    out[...] = os.getpid()

def crash_decode(data, out):
    os.kill(os.getpid(), signal.SIGSEGV)

def hang_decode(data, out):
    time.sleep(60)

def hungry_decode(data, out):
    np.ones(1 << 32, np.uint8)

def wrong_decode(data, out):
    raise RuntimeError("damaged")

def talk_decode(data, out):
    os.write(1, b"a library that prints" * 100)
    out[...] = 7
"""
SHAPE = (3, 4)
BYTE = np.dtype(np.uint8)


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    (tmp_path / "imagecodecs.py").write_text(CODECS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = DecoderPool(processes=2, time_limit_s=5.0)
    yield made
    made.close()


def fault_of(pool: DecoderPool, codec: str) -> ImageError:
    with pytest.raises(ImageError) as caught:
        pool.decode(codec, b"frame", SHAPE, BYTE)
    return caught.value


def works(pool: DecoderPool) -> bool:
    data = bytes(range(12))
    return pool.decode("copy", data, SHAPE, BYTE).tobytes() == data


def test_pixels_come_back_in_the_shape_and_type_that_were_asked_for(pool):
    values = np.arange(24, dtype=np.uint16).reshape(2, 4, 3) * 2000
    pixels = pool.decode("copy", np.arange(24, dtype=np.uint8).tobytes(), values.shape, np.dtype(np.uint16))
    assert pixels.shape == (2, 4, 3)
    assert pixels.dtype == np.uint16
    assert pixels.reshape(-1).tolist() == list(range(24))


def test_a_later_picture_does_not_change_an_earlier_one(pool):
    first = pool.decode("copy", b"a" * 12, SHAPE, BYTE)
    pool.decode("copy", b"b" * 12, SHAPE, BYTE)
    assert first.tobytes() == b"a" * 12


def test_a_process_serves_many_pictures_of_growing_size(pool):
    pids = set()
    for side in (4, 400, 4000, 40):
        pids.add(int(pool.decode("pid", b"", (side, side), np.dtype(np.uint16)).max()))
    assert len(pids) == 1


@pytest.mark.parametrize("codec", ["crash", "wrong", "hungry", "talk"])
def test_after_misbehaviour_the_next_picture_is_decoded(pool, codec):
    assert works(pool)
    if codec == "talk":
        assert pool.decode(codec, b"", SHAPE, BYTE).tolist() == [[7] * 4] * 3
    else:
        assert fault_of(pool, codec).code in ("corrupt", "unsupported")
    assert works(pool)


def test_a_crash_says_that_the_pixels_are_damaged(pool):
    assert "gave up" in str(fault_of(pool, "crash"))


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname != "Linux", reason="only Linux keeps to the memory limit")
def test_a_codec_that_wants_gibibytes_is_stopped(pool):
    assert "memory" in str(fault_of(pool, "hungry"))


def test_a_hang_ends_at_the_time_limit(tmp_path, monkeypatch):
    (tmp_path / "imagecodecs.py").write_text(CODECS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = DecoderPool(processes=1, time_limit_s=1.5)
    started = time.monotonic()
    fault = fault_of(pool, "hang")
    assert time.monotonic() - started < 10
    assert (fault.code, "too long" in str(fault)) == ("unsupported", True)
    assert works(DecoderPool(processes=1)), "a new pool works; the old one may be slow to start under load"


def test_a_missing_codec_library_is_named(tmp_path, monkeypatch):
    (tmp_path / "imagecodecs.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    pool = DecoderPool(processes=1)
    assert "pip install imagecodecs" in str(fault_of(pool, "copy"))
    pool.close()


def test_many_threads_share_two_processes(pool):
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(works(pool))) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 12


def test_a_closed_pool_has_no_processes_left(pool):
    pid = int(pool.decode("pid", b"", (1, 1), np.dtype(np.uint32)).item())
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_has_one_pool():
    assert decoder_pool() is decoder_pool()
