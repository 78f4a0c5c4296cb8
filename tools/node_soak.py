"""Soak the DICOM node: many objects from several senders, an archive that is down for a while, and `kill -9`.

    python -m tools.node_soak --model BUNDLE --objects 10000 --senders 8 --kills 3 --out docs/results/node.json

The senders and archives are dcmtk's programs. A sender sends again what it got no success for. At the end each archive
must have one report of every object, and no object may have two. Exit status 1 where that does not hold.
"""

import argparse
import datetime
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from pydicom import dcmread

from cxr.node.ask import EngineSettings
from tools.machine import machine
from tools.node_soak_objects import write_objects

CHUNK = 25  # objects that a sender sends in one association
FIRST = 64  # objects that the engine alone is timed with
SIGHT_S = 0.2
NODE = "import sys; from cxr.node.command import command; sys.exit(command(sys.argv[1:]))"


def program(name: str) -> str:
    """dcmtk's: pynetdicom installs others of the same names."""
    found = shutil.which(name, path="/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if found is None:
        sys.exit(f"no {name}: install Debian's package dcmtk")
    return found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Soaked:
    """The node and what is around it. A process that was killed is started again with the same folder."""

    def __init__(self, folder: Path, model: Path, explain: bool):
        self.folder = folder
        self.port, self.status = free_port(), free_port()
        self.archives = {name: free_port() for name in ("steady", "away")}
        self.peak_mib = 0.0
        self.confirmed = 0
        self.again = 0
        self._lock = threading.Lock()
        self._node: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        (folder / "node.yaml").write_text(json.dumps(self._settings(model, explain)))  # JSON is YAML
        for name in self.archives:
            (folder / name).mkdir()

    def _settings(self, model: Path, explain: bool) -> dict[str, Any]:
        to = {
            name: {"kind": "c_store", "ae_title": name.upper(), "host": "127.0.0.1", "port": port}
            for name, port in self.archives.items()
        }
        peers = [{"ae_title": "SENDER"}]
        return {
            "folder": str(self.folder / "queue"),
            "ask": {"kind": "engine", "model": str(model.resolve())},
            "sources": {"senders": {"kind": "c_store", "port": self.port, "peers": peers}},
            "destinations": to,
            "retry": {"first_s": 0.5, "longest_s": 5.0},
            "queue": {"keep_hours": 0.0, "least_free_mb": 256, "most_objects": 1_000_000},
            "results": {"heatmap": explain, "longest_side": 256},
            "status": {"port": self.status},
        }

    def start(self) -> None:
        command = [sys.executable, "-c", NODE, "--config", str(self.folder / "node.yaml")]
        with (self.folder / "node.log").open("ab") as log:
            self._node = subprocess.Popen(command, stderr=log)
        while not self._is_ready():
            if self._node.poll() is not None:
                sys.exit(f"the node ended: {(self.folder / 'node.log').read_text()[-500:]}")
            time.sleep(SIGHT_S)

    def kill(self) -> None:
        if self._node is not None:
            self._node.kill()
            self._node.wait()

    def stop(self) -> int:
        self._over.set()
        if self._node is None:
            return 0
        self._node.terminate()
        return self._node.wait(60)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/readyz", timeout=5):
                return True
        except OSError:
            return False

    @contextmanager
    def archive(self, name: str) -> Iterator[None]:
        command = [program("storescp"), "-od", str(self.folder / name), "-aet", name.upper(), str(self.archives[name])]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def send(self, files: list[Path]) -> None:
        """One association; again from the start until the node has said success to all."""
        command = [program("storescu"), "-aet", "SENDER", "-aec", "CXR_NODE", "127.0.0.1", str(self.port)]
        while subprocess.run([*command, *map(str, files)], capture_output=True, check=False).returncode:
            with self._lock:
                self.again += 1
            time.sleep(1.0)
        with self._lock:
            self.confirmed += len(files)

    def watch_memory(self) -> None:
        """The largest resident size of the node with its decoder processes."""
        while not self._over.wait(SIGHT_S):
            try:
                node = psutil.Process(self._node.pid if self._node else -1)
                whole = sum(one.memory_info().rss for one in (node, *node.children(recursive=True)))
            except (psutil.Error, ValueError):
                continue
            self.peak_mib = max(self.peak_mib, whole / 2**20)

    def have(self, name: str) -> int:
        return sum(1 for _ in (self.folder / name).glob("SR*"))


def engine_rate(model: Path, files: list[Path], explain: bool) -> float:
    """Answers a second of the engine alone, asked as the node asks it."""
    engine = EngineSettings("engine", str(model)).open()
    data = [file.read_bytes() for file in files[:FIRST]]
    for one in data[:4]:
        engine.ask(one, explain)
    start = time.perf_counter()
    for one in data:
        engine.ask(one, explain)
    return len(data) / (time.perf_counter() - start)


def soak(soaked: Soaked, files: list[Path], senders: int, kills: int) -> tuple[float, float]:
    """Seconds from the first object to the last report in the steady archive, and of those without a node."""
    chunks = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
    limits = [len(files) * (number + 1) // (kills + 1) for number in range(kills)]
    without = 0.0
    with ExitStack() as steady, ExitStack() as away, ThreadPoolExecutor(senders) as pool:
        steady.enter_context(soaked.archive("steady"))
        begin = time.monotonic()
        sent = [pool.submit(soaked.send, chunk) for chunk in chunks]
        for limit in limits:
            while soaked.confirmed < limit:
                time.sleep(SIGHT_S)
            killed = time.monotonic()
            soaked.kill()
            soaked.start()
            without += time.monotonic() - killed
        for one in sent:
            one.result()
        while soaked.have("steady") < len(files):
            time.sleep(SIGHT_S)
        whole = time.monotonic() - begin
        away.enter_context(soaked.archive("away"))  # only now: it was down all the time
        while soaked.have("away") < len(files):
            time.sleep(SIGHT_S)
        time.sleep(1.0)  # for a report too many
    return whole, without


def reports(folder: Path) -> Counter[str]:
    """How many reports each source image has."""
    found: Counter[str] = Counter()
    for file in folder.glob("SR*"):
        evidence = dcmread(file).CurrentRequestedProcedureEvidenceSequence
        found[str(evidence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID)] += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="folder of a model")
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--size", type=int, default=512, help="pixels of a phantom's side")
    parser.add_argument("--heat-maps", action="store_true", help="with heat maps")
    parser.add_argument("--out", type=Path, required=True)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = measure(wanted, Path(name))
    result["command"] = (
        f"python -m tools.node_soak --model BUNDLE --objects {wanted.objects} --senders {wanted.senders} "
        f"--kills {wanted.kills} --size {wanted.size}{' --heat-maps' * wanted.heat_maps} --out {wanted.out.name}"
    )
    wanted.out.write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    sys.exit(1 if result["lost"] or result["twice"] else 0)


def measure(wanted: argparse.Namespace, folder: Path) -> dict[str, Any]:
    (folder / "files").mkdir()
    files = write_objects(folder / "files", wanted.objects, wanted.size)
    before = engine_rate(wanted.model, files, wanted.heat_maps)
    soaked = Soaked(folder, wanted.model, wanted.heat_maps)
    threading.Thread(target=soaked.watch_memory, daemon=True).start()
    soaked.start()
    try:
        whole_s, without_s = soak(soaked, files, wanted.senders, wanted.kills)
        status = soaked.stop()
    finally:
        soaked.kill()
    after = engine_rate(wanted.model, files, wanted.heat_maps)
    expected = {file.stem for file in files}
    found = {name: reports(folder / name) for name in soaked.archives}
    rate = len(files) / (whole_s - without_s)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "load_of_the_machine": round(os.getloadavg()[1], 1),  # other work beside this, over five minutes
        "model": json.loads((wanted.model / "model.json").read_text())["backbone"],
        "objects": len(files),
        "senders": wanted.senders,
        "kills": wanted.kills,
        "associations_sent_again": soaked.again,
        "lost": {name: len(expected - set(one)) for name, one in found.items() if expected - set(one)},
        "twice": {name: sum(n > 1 for n in one.values()) for name, one in found.items() if max(one.values()) > 1},
        "seconds": round(whole_s, 1),
        "seconds_without_a_node": round(without_s, 1),
        "objects_a_second": round(rate, 1),
        "engine_alone_a_second_before_and_after": [round(before, 1), round(after, 1)],
        "share_of_the_engine": round(rate / ((before + after) / 2), 3),
        "peak_mib": round(soaked.peak_mib),
        "exit_status": status,
    }


if __name__ == "__main__":
    main()
