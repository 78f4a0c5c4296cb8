"""Closed-loop clients: each sends its next request when it has the answer to the last."""

import http.client
import threading
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import numpy as np


@dataclass(frozen=True)
class Measured:
    """failed: answers other than 200, and none at all. Times are of the good answers."""

    clients: int
    answers: int
    failed: int
    per_second: float
    median_ms: float
    p95_ms: float

    def rounded(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def load(url: str, body: bytes, clients: int, requests: int) -> Measured:
    """`requests` in all, shared out over `clients` threads with one connection each."""
    taken: list[float] = []
    failed: list[str] = []
    threads = [
        threading.Thread(target=_client, args=(url, body, requests // clients, taken, failed)) for _ in range(clients)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    median, p95 = np.percentile(taken or [float("nan")], (50, 95)) * 1000
    return Measured(clients, len(taken), len(failed), len(taken) / seconds, float(median), float(p95))


def _client(url: str, body: bytes, requests: int, taken: list[float], failed: list[str]) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    for _ in range(requests):
        started = time.perf_counter()
        try:
            connection.request("POST", address.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as fault:
            failed.append(type(fault).__name__)
            connection.close()
            continue
        if answer.status == 200:
            taken.append(time.perf_counter() - started)
        else:
            failed.append(str(answer.status))
    connection.close()
