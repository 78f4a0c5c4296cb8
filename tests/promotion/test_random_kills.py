"""`kill -9` at any moment of registering, promoting and rolling back, on a real registry and a real store.

Four kills by default; `CXR_KILLS=100 python -m pytest tests/promotion/test_random_kills.py -m slow` makes a hundred.
"""

import filecmp
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr.common.paths import CHAMPION
from cxr.promotion import moves
from cxr.tracking import registry
from cxr.tracking.registry import BUNDLE_TAG
from cxr.tracking.store import connect
from serving import store
from tests.tiny import tiny_bundle
from tests.tracking.specs import ROOT, some_spec

MODEL = "covid-cxr"
KILLS = int(os.environ.get("CXR_KILLS", "4"))
SPANS = 40  # of a whole act: so fine is the grid of moments
# One process imports everything; each act is a fork of it, so that the time goes into the acts.
NURSERY = """
import os, signal, sys, time, traceback
from pathlib import Path
import bentoml, mlflow, openvino
from cxr.promotion import moves
from cxr.tracking.publishing import publish
from cxr.tracking.registry import register_model, set_challenger
from serving import store

def act(number):
    told = publish(Path("reports"))
    version = register_model("covid-cxr", Path(f"bundle-{number}"), told.run_id, "a version", {"backbone": "tiny"})
    moves.promote(set_challenger(version), store, "promote", "a test")
    if number % 3 == 2:
        moves.rollback("covid-cxr", store, "a test")

for line in sys.stdin:
    number, killed_after_s = line.split()
    child = os.fork()
    if not child:
        status = 1
        try:
            act(int(number))
            status = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    if killed_after_s != "never":
        time.sleep(float(killed_after_s))
        os.kill(child, signal.SIGKILL)  # before it is waited for: a process that has ended keeps its number till then
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Nursery:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", NURSERY],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def act(self, number: int, killed_after_s: float | None = None) -> int:
        """The status that the act ended with: 0, or -9 where the kill came in time."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{number} {'never' if killed_after_s is None else killed_after_s}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def nursery(workspace: Path) -> Iterator[Nursery]:
    started = Nursery()
    yield started
    started.end()


def champion() -> int:
    version = registry.champion(MODEL)
    assert version is not None
    return version.number


def require_agreement(folder: Path) -> None:
    """The alias, the name that is served, the stored model and the copy in the workspace are one version's."""
    version = registry.champion(MODEL)
    assert version is not None
    files = registry.fetch_bundle(version, folder / "fetched")
    stored = store.find(f"{MODEL}:champion")
    assert stored.name.partition("-")[0] == f"v{version.number}"
    for place in (stored, CHAMPION):
        names = [path.name for path in files.iterdir()]
        assert filecmp.cmpfiles(files, place, names, shallow=False)[0] == names


def bundles_of_versions(client) -> list[str]:
    """Of every version the hash of its files, which must be there and whole."""
    found = client.search_model_versions(f"name = '{MODEL}'")
    assert {version.status for version in found} <= {"READY"}
    return [version.tags.get(BUNDLE_TAG, "") for version in found]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_after_a_kill_the_old_or_the_new_champion_answers_and_the_next_start_goes_on(
    nursery: Nursery, workspace: Path
) -> None:
    from cxr.tracking.training_run import start_run

    with start_run(some_spec(), workspace / "reports"):
        pass
    bundles = [tiny_bundle(workspace / f"bundle-{number}", seed=number) for number in range(KILLS + 1)]
    assert nursery.act(0) == 0  # the registry's tables are made
    before = time.monotonic()
    assert nursery.act(0) == 0
    whole_s = max(time.monotonic() - before, 0.2) * 1.5  # an act of a new version takes longer
    rng = random.Random(7)
    in_time = 0
    client = connect()
    for number in range(1, len(bundles)):
        old = champion()
        status = nursery.act(number, killed_after_s=rng.randrange(SPANS) / SPANS * whole_s)
        assert status in (0, -signal.SIGKILL)
        in_time += status != 0
        moves.settle(MODEL, store)
        newest = max(int(version.version) for version in client.search_model_versions(f"name = '{MODEL}'"))
        assert champion() in (old, newest)
        require_agreement(workspace / f"killed-{number}")
        assert nursery.act(number) in (0, 1)  # rolled back already: then it says so
        moves.settle(MODEL, store)
        require_agreement(workspace / f"again-{number}")
        hashes = bundles_of_versions(client)
        assert all(hashes)
        assert len(set(hashes)) == len(hashes)
    assert in_time >= KILLS / 4  # else the moments miss the acts
