"""The store: several writers, a bounded size, days of old hours, and each answer seen once."""

import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cxr.watch.statistics import STATISTICS
from cxr.watch.store import BINS, DAYS_KEPT, HOURS_KEPT, MOST_BYTES, MOST_DEVICES, Key, Store, StoreError

NOW = 480_000 // 24 * 24 + 5
GATE = 7
ROOT = Path(__file__).parents[2]


def gate(hour: int, device: str = "", place: int = 0) -> Key:
    return Key(hour, device, GATE, place)


WORKER = f"""
import sys
from pathlib import Path
from cxr.watch.store import Key, Store
for _ in range(30):
    Store(Path(sys.argv[1])).add({{Key({NOW}, "", {GATE}, 0): 1, Key({NOW}, "other", {GATE}, 0): 2}})
"""


def test_several_processes_write_at_once_and_no_count_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "watch.db"
    command = [sys.executable, "-c", WORKER, str(path)]
    workers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert Store(path).counts(NOW, NOW + 1)[GATE, 0] == 2 * 30 * 3
    assert Store(path).devices(NOW, NOW + 1) == {"": 60, "other": 120}


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path / "watch.db")
    store.add({gate(NOW): 1})
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_old_hours_become_days_and_the_oldest_days_go(tmp_path: Path) -> None:
    store = Store(tmp_path / "watch.db")
    old, ancient = NOW - HOURS_KEPT - 48, NOW - 24 * DAYS_KEPT - 48
    store.add({gate(old): 2, gate(old + 3): 5, gate(old + 3, place=1): 1, gate(NOW): 4, gate(ancient): 9})
    store.tidy(NOW)
    store.tidy(NOW)
    found = store.unseen()
    assert sorted(found) == [old // 24 * 24, NOW]
    assert found[old // 24 * 24][GATE, :2].tolist() == [7, 1]


def test_each_answer_is_seen_once_also_where_its_hour_became_a_day_meanwhile(tmp_path: Path) -> None:
    store = Store(tmp_path / "watch.db")
    hour = NOW - HOURS_KEPT - 40
    store.add({gate(hour): 2, gate(hour, "other"): 3, gate(hour + 1): 1, gate(NOW): 4})
    taken = store.unseen()
    store.add({gate(hour): 1, gate(NOW): 1})
    store.tidy(NOW)
    number, _ = store.document()
    assert store.looked(number + 1, "{}", taken)
    left = store.unseen()
    assert sum(int(counts.sum()) for counts in left.values()) == 2
    assert not store.looked(number + 1, "{}", taken)  # another look was faster
    assert store.counts(0, NOW + 1).sum() == 12


def test_the_names_of_devices_are_bounded(tmp_path: Path) -> None:
    store = Store(tmp_path / "watch.db")
    store.add({gate(NOW): 1})
    for number in range(MOST_DEVICES + 5):
        store.add({gate(NOW, f"device {number}"): 1})
    found = store.devices(NOW, NOW + 1)
    assert len(found) == MOST_DEVICES
    assert found["other"] == 5 + 2


def test_the_largest_year_stays_below_50_mib(tmp_path: Path) -> None:
    """Some hours with every bin of every device; a year has at most so many rows of that size."""
    store = Store(tmp_path / "watch.db")
    hours = 8
    bins = [(number, place) for number, statistic in enumerate(STATISTICS) for place in range(statistic.bins)]
    order = np.random.default_rng(0).permutation(len(bins))  # as answers come, not as the file is sorted
    for hour in range(hours):
        for part in range(3):
            keys = [bins[place] for place in order[part::3]]
            store.add({Key(NOW + hour, f"d{n}", *key): 9_999 for n in range(MOST_DEVICES) for key in keys})
    with sqlite3.connect(store.path) as db:
        (rows,) = db.execute("SELECT COUNT(*) FROM counts").fetchone()
        (used,) = db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()
    assert rows == hours * MOST_DEVICES * len(bins)
    year = (HOURS_KEPT + DAYS_KEPT + 2) * MOST_DEVICES * len(bins)
    assert used / rows * year < MOST_BYTES < 50 * 2**20


def test_a_full_store_refuses_and_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "watch.db")
    store.add({gate(NOW): 1})
    monkeypatch.setattr("cxr.watch.store.MOST_BYTES", 10 * 4096)
    many = Counter({Key(NOW + hour, "", 2, place): 1 for hour in range(200) for place in range(BINS)})
    with pytest.raises(StoreError, match="full"):
        store.add(many)
    assert store.counts(0, NOW + 1000).sum() == 1


@pytest.mark.parametrize("content", [b"", b"no database, but text of some length" * 40])
def test_another_file_is_refused_in_one_sentence(content: bytes, tmp_path: Path) -> None:
    store = Store(tmp_path / "other.txt")
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot be used") as raised:
        store.unseen()
    assert "\n" not in str(raised.value)


def test_a_store_that_is_not_there_is_not_made_by_a_look(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Store(tmp_path / "none.db").document()
    assert list(tmp_path.iterdir()) == []
