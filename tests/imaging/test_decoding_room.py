"""Large pictures are decoded one after another; small ones side by side; the memory goes back."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cxr.common.errors import ImageError
from cxr.imaging import decode as decoding
from cxr.imaging.decode import decode
from cxr.imaging.decoding_room import DecodingRoom
from tests.fuzz.samples import png_header, saved

LARGE = np.zeros((2700, 2700), np.uint8)


def at_once(room: DecodingRoom, counts: list[int]) -> int:
    """How many of these decodings were ever under way together."""
    under_way = most = 0
    lock = threading.Lock()
    done = threading.Event()

    def one(count: int) -> None:
        nonlocal under_way, most
        with room.lent():
            room.take(count)
            with lock:
                under_way += 1
                most = max(most, under_way)
            done.wait(0.05)
            with lock:
                under_way -= 1

    with ThreadPoolExecutor(len(counts)) as threads:
        list(threads.map(one, counts))
    return most


@pytest.mark.parametrize(("counts", "most"), [([60] * 4, 1), ([25] * 4, 4), ([500] * 3, 1)])
def test_what_does_not_fit_waits_and_what_never_fits_comes_alone(counts, most):
    assert at_once(DecodingRoom(100), counts) == most


def test_a_second_look_at_the_same_picture_takes_nothing_more():
    room = DecodingRoom(100)
    with room.lent():
        for count in (60, 60, 30, 80):
            room.take(count)
    assert at_once(room, [50, 50]) == 2


def test_the_room_is_free_again_after_a_fault(monkeypatch):
    room = DecodingRoom(100)
    monkeypatch.setattr("cxr.imaging.limits.ROOM", room)
    monkeypatch.setattr(decoding, "ROOM", room)
    for data in (png_header(3000, 3000), saved(LARGE, "PNG")[:-300]):
        with pytest.raises(ImageError):
            decode(data)
    assert at_once(room, [50, 50]) == 2


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say what a process holds")
def test_memory_goes_back_after_large_pictures_in_threads():
    data = saved(np.stack([LARGE] * 3, axis=2), "WEBP", lossless=True, method=0)
    decode(saved(LARGE[:90, :80], "PNG"))
    before = held_mib()
    with ThreadPoolExecutor(2) as threads:
        for shape in threads.map(lambda _: decode(data).shape, range(2)):
            assert shape == LARGE.shape
    assert held_mib() - before < 60


def held_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20
