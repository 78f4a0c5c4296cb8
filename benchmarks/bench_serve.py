"""Compare the service with the original's way and with BentoML's batching, side by side in one run.

    python -m benchmarks.bench_serve --out docs/results/serve.json [--soak 20000]
    python -m benchmarks.bench_serve --out docs/results/serve.json --only two_ways

Servers take turns, round by round, so that other work on the machine slows all of them alike. On another machine only
the ratios hold. Our service answers in the fastest precision of this machine. Whether a trained model may use it is
measured by the pipeline's stage `precision`, not here, since the head is random.
"""

import argparse
import base64
import contextlib
import datetime
import io
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bentoml
import numpy as np
import psutil
from bentoml._internal.models import ModelStore
from PIL import Image

from benchmarks.load import Measured, load
from benchmarks.serve_table import LATENCY, THROUGHPUT, table
from benchmarks.servers import ROOT, Running, bentoml_command, free_port, running
from benchmarks.two_ways import two_ways
from cxr.inference.bundle import copy_bundle
from cxr.inference.precision import available

FASTEST = available()[0]
CURVE = (1, 2, 4, 8, 16)
VERSIONS = ("bentoml", "flask", "keras", "numpy", "openvino", "pillow", "tensorflow")


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = real_size_model(folder)
        home = store(folder, bundle)
        ways = {"two_ways": both_ways(folder, home, given)}
        result = (
            json.loads(given.out.read_text()) | ways if given.only else everything(folder, home, bundle, given) | ways
        )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n")
    given.out.with_suffix(".md").write_text(table(result), encoding="utf-8")
    print(json.dumps(result["ratios"] | result["two_ways"]["ratios"], indent=2))


def everything(folder: Path, home: Path, bundle: Path, given: argparse.Namespace) -> dict[str, Any]:
    return {
        "what": machine_and_versions(),
        "precision": FASTEST,
        "start_to_ready_s": starts(folder, home, given.rounds),
        **against_the_original(folder, home, given),
        "precisions": precisions(folder, home, given),
        "batching": curves(folder, home, bundle, given),
    }


def both_ways(folder: Path, home: Path, given: argparse.Namespace) -> dict[str, Any]:
    """With its own date and machine: it may be measured alone."""
    say("both ways of asking")
    with ours(folder, home) as server:
        return {"what": machine_and_versions()} | two_ways(
            server, base64.b64decode(xray()), given.rounds, given.requests
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=["two_ways"], help="measure this alone and leave the rest of the file")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    parser.add_argument("--requests", type=int, default=80, help="of each client count in each turn")
    parser.add_argument("--soak", type=int, default=1000, help="requests between the two looks at the memory")
    return parser.parse_args()


def real_size_model(folder: Path) -> Path:
    say("exporting InceptionV3 at 299 by 299")
    command = [sys.executable, "-m", "benchmarks.real_size", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own module
    return folder / "bundle"


def store(folder: Path, bundle: Path) -> Path:
    """A BentoML home that holds the bundle."""
    home = folder / "bentoml"
    (home / "models").mkdir(parents=True)
    with bentoml.models.create("covid-cxr", _model_store=ModelStore(home / "models")) as stored:
        copy_bundle(bundle, Path(stored.path))
    return home


@contextlib.contextmanager
def ours(folder: Path, home: Path, **variables: str) -> Iterator[Running]:
    port = free_port()
    command = bentoml_command("service:CovidCxr", port)
    chosen = {"BENTOML_HOME": str(home), "CXR_MODEL": "covid-cxr:latest", "CXR_PRECISION": FASTEST, **variables}
    with running(command, port, folder / f"ours-{port}.log", **chosen) as server:
        yield server


@contextlib.contextmanager
def originals(folder: Path) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, str(ROOT / "benchmarks" / "original_server.py"), str(port)]
    with running(command, port, folder / "original.log", TF_CPP_MIN_LOG_LEVEL="3") as server:
        yield server


def starts(folder: Path, home: Path, rounds: int) -> dict[str, float]:
    """Median seconds from the command to the first ready answer."""
    taken: dict[str, list[float]] = {"bare BentoML": [], "ours": []}
    for _ in range(rounds):
        say("starting")
        port = free_port()
        command = bentoml_command("benchmarks.bare_service:Bare", port)
        with running(command, port, folder / "bare.log", BENTOML_HOME=str(home)) as server:
            taken["bare BentoML"].append(server.ready_s)
        with ours(folder, home) as server:
            taken["ours"].append(server.ready_s)
    return {name: round(statistics.median(seconds), 2) for name, seconds in taken.items()}


def against_the_original(folder: Path, home: Path, given: argparse.Namespace) -> dict[str, Any]:
    body = json.dumps({"pic": "data:image/jpeg;base64," + xray()}).encode()
    with ours(folder, home) as new, originals(folder) as old:
        servers = {"ours": new, "original": old}
        for server in servers.values():
            load(server, "/sendbase64", body, 2, 10)
        one: dict[str, list[Measured]] = {name: [] for name in servers}
        eight: dict[str, list[Measured]] = {name: [] for name in servers}
        for number in range(given.rounds):
            for name, server in servers.items():
                say(f"round {number + 1} of {given.rounds}: {name}")
                one[name].append(load(server, "/sendbase64", body, 1, given.requests // 2))
                eight[name].append(load(server, "/sendbase64", body, 8, given.requests))
        crowd = overload(new, body, given.requests)
        memory = {"original": {"resident_mib": round(old.resident_mib())}, "ours": soak(new, body, given.soak)}
    return compared(one, eight) | {"overload": crowd, "memory": memory}


def compared(one: dict[str, list[Measured]], eight: dict[str, list[Measured]]) -> dict[str, Any]:
    throughput = {name: statistics.median(m.per_second for m in rounds) for name, rounds in eight.items()}
    latency = {name: statistics.median(m.median_ms or math.nan for m in rounds) for name, rounds in one.items()}
    cpu = {name: statistics.median(m.cpu_ms or math.nan for m in rounds) for name, rounds in eight.items()}
    return {
        "ratios": {
            THROUGHPUT: round(throughput["ours"] / throughput["original"], 2),
            LATENCY: round(latency["ours"] / latency["original"], 3),
            "processor time of an answer, ours to original": round(cpu["ours"] / cpu["original"], 3),
        },
        "one_client": {name: [m.rounded() for m in rounds] for name, rounds in one.items()},
        "eight_clients": {name: [m.rounded() for m in rounds] for name, rounds in eight.items()},
    }


def overload(server: Running, body: bytes, requests: int) -> dict[str, float | None]:
    """64 clients that ask again at once after any answer, and how long one client waits after they have stopped."""
    say("64 clients")
    crowd = load(server, "/sendbase64", body, 64, 64 * requests)
    started = time.perf_counter()
    while load(server, "/sendbase64", body, 1, 1).answers == 0:
        time.sleep(0.05)
    return crowd.rounded() | {"recovery_s": round(time.perf_counter() - started, 2)}


def soak(server: Running, body: bytes, requests: int) -> dict[str, float]:
    """Memory before and after many requests. Four clients are enough: a longer queue adds no memory."""
    say(f"{requests} requests for the memory")
    before = server.resident_mib()
    measured = load(server, "/sendbase64", body, 4, requests)
    after = server.resident_mib()
    return {
        "resident_mib": round(after),
        "requests": measured.answers,
        "failed": measured.failed,
        "growth_percent": round(100 * (after / before - 1), 2),
    }


def precisions(folder: Path, home: Path, given: argparse.Namespace) -> dict[str, Any]:
    """One client and eight, for each precision of this machine, in turns; the servers run at the same time."""
    body = json.dumps({"image": xray()}).encode()
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(ours(folder, home, CXR_PRECISION=name)) for name in available()}
        rounds: dict[str, dict[int, list[Measured]]] = {name: {1: [], 8: []} for name in servers}
        for server in servers.values():
            load(server, "/predict", body, 2, 10)
        for number in range(given.rounds):
            say(f"round {number + 1} of {given.rounds}: precisions")
            for clients in (1, 8):
                for name, server in servers.items():
                    rounds[name][clients].append(load(server, "/predict", body, clients, given.requests))
    return {name: [middle(measured) for measured in found.values()] for name, found in rounds.items()}


def curves(folder: Path, home: Path, bundle: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Throughput and latency over the number of clients: one inference per request in one and two processes, and
    BentoML's adaptive batching."""
    single_body, list_body = (json.dumps({"image": image}).encode() for image in (xray(), [xray()]))
    port = free_port()
    batching = bentoml_command("benchmarks.batching_service:Batching", port)
    environment = {"BENTOML_HOME": str(home), "BENCH_BUNDLE": str(bundle), "CXR_PRECISION": FASTEST}
    with (
        ours(folder, home, CXR_WORKERS="1", CXR_MAX_REQUESTS="64") as single,
        ours(folder, home, CXR_WORKERS="2", CXR_MAX_REQUESTS="64") as double,
        running(batching, port, folder / "batching.log", **environment) as batched,
    ):
        servers = {
            "one process, one inference per request": (single, single_body),
            "two processes, one inference per request": (double, single_body),
            "one process, BentoML's adaptive batching": (batched, list_body),
        }
        rounds: dict[str, dict[int, list[Measured]]] = {name: {n: [] for n in CURVE} for name in servers}
        for server, body in servers.values():
            load(server, "/predict", body, 2, 10)
        for number in range(given.rounds):
            for clients in CURVE:
                say(f"round {number + 1} of {given.rounds}: {clients} clients")
                for name, (server, body) in servers.items():
                    rounds[name][clients].append(load(server, "/predict", body, clients, given.requests))
    return {name: [middle(measured) for measured in curve.values()] for name, curve in rounds.items()}


def middle(rounds: list[Measured]) -> dict[str, float | None]:
    """The round of median throughput, with the failures of all."""
    chosen = sorted(rounds, key=lambda m: m.per_second)[len(rounds) // 2]
    return chosen.rounded() | {"failed": sum(m.failed for m in rounds)}


def xray() -> str:
    """Base64 of a JPEG of the size that a clinic sends over the web: 1024 by 1024, about 150 KB."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 40), np.uint8)).resize((1024, 1024), Image.Resampling.BICUBIC)
    pixels = np.clip(np.asarray(coarse, np.int16) + rng.normal(0, 6, (1024, 1024)), 0, 255).astype(np.uint8)
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=75)
        return base64.b64encode(file.getvalue()).decode()


def machine_and_versions() -> dict[str, Any]:
    """The machine in words: no host name and no path."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores of {processor()}, {memory:.0f} GiB, {platform.system()}",
        "load_average_at_start": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
