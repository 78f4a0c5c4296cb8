"""One client's latency and eight clients' throughput through POST /predict and through BentoML's own method, in turns.

Both get the form that BentoML's client sends, so that the difference is what BentoML's part costs.
"""

import statistics
from typing import Any

from benchmarks.load import Measured, load
from benchmarks.servers import Running

WAYS = {"predict": "/predict", "native": "/api/predict"}
LATENCY = "median latency of one client, native to /predict"
THROUGHPUT = "throughput at 8 clients, /predict to native"
BOUNDARY = "two-ways-7f1c"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


def form_of(picture: bytes) -> bytes:
    """As BentoML's client sends a picture without a heat map."""
    parts = [
        (b'name="explain"', b"false"),
        (b'name="image"; filename="xray.jpg"\r\nContent-Type: image/jpeg', picture),
    ]
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    return (
        b"".join(head + what + b"\r\n\r\n" + value + b"\r\n" for what, value in parts) + f"--{BOUNDARY}--\r\n".encode()
    )


def two_ways(server: Running, picture: bytes, rounds: int, requests: int) -> dict[str, Any]:
    """The ratios, each the median over rounds; above 1 the native way costs more. The ways are first in turns."""
    body = form_of(picture)
    for path in WAYS.values():
        load(server, path, body, 2, 10, FORM)
    one: dict[str, list[Measured]] = {name: [] for name in WAYS}
    eight: dict[str, list[Measured]] = {name: [] for name in WAYS}
    for number in range(rounds):
        for name, path in sorted(WAYS.items(), reverse=number % 2 == 1):
            one[name].append(load(server, path, body, 1, requests // 2, FORM))
            eight[name].append(load(server, path, body, 8, requests, FORM))
    return {
        "ratios": {
            LATENCY: _median(n.median_ms / p.median_ms for n, p in _pairs(one)),
            THROUGHPUT: _median(p.per_second / n.per_second for n, p in _pairs(eight)),
            "processor time of an answer, native to /predict": _median(n.cpu_ms / p.cpu_ms for n, p in _pairs(eight)),
        },
        "one_client": {name: [m.rounded() for m in found] for name, found in one.items()},
        "eight_clients": {name: [m.rounded() for m in found] for name, found in eight.items()},
    }


def _pairs(found: dict[str, list[Measured]]) -> list[tuple[Any, Any]]:
    """The native way beside the other of the same round: other work on the machine slows both."""
    return list(zip(found["native"], found["predict"], strict=True))


def _median(values: Any) -> float:
    return round(statistics.median(values), 3)
