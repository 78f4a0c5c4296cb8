"""Closed-loop clients: each sends its next request once the last one is answered."""

import http.client
import threading
import time
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import numpy as np

from benchmarks.servers import Running

JSON = "application/json"
TURNED_AWAY = "turned away"


@dataclass(frozen=True)
class Measured:
    """turned_away: 503 with Retry-After. failed: every other answer than 200, and none at all.

    Times are those of the answers with status 200, None where there is none. cpu_ms: processor time of the server per
    answer; other work on the machine hardly changes it, unlike the times on the clock.
    """

    clients: int
    answers: int
    turned_away: int
    failed: int
    per_second: float
    median_ms: float | None
    p95_ms: float | None
    cpu_ms: float | None

    def rounded(self) -> dict[str, float | None]:
        return {name: None if value is None else round(value, 2) for name, value in asdict(self).items()}


def load(server: Running, path: str, body: bytes, clients: int, requests: int, media_type: str = JSON) -> Measured:
    """Send `requests` in all, from `clients` threads with one connection each. media_type: of the body."""
    url = server.url + path
    taken: list[float] = []
    failed: list[str] = []
    arguments = (url, body, media_type, requests // clients, taken, failed)
    threads = [threading.Thread(target=_client, args=arguments) for _ in range(clients)]
    started = time.perf_counter()
    cpu_before = server.cpu_s()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    cpu = server.cpu_s() - cpu_before
    turned_away = failed.count(TURNED_AWAY)
    wrong = len(failed) - turned_away
    if not taken:
        return Measured(clients, 0, turned_away, wrong, 0.0, None, None, None)
    median, p95 = np.percentile(taken, (50, 95)) * 1000
    per_second = len(taken) / seconds
    cpu_ms = 1000 * cpu / len(taken)
    return Measured(clients, len(taken), turned_away, wrong, per_second, float(median), float(p95), cpu_ms)


def _client(url: str, body: bytes, media_type: str, requests: int, taken: list[float], failed: list[str]) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    for _ in range(requests):
        started = time.perf_counter()
        try:
            connection.request("POST", address.path, body, {"Content-Type": media_type})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as fault:
            failed.append(type(fault).__name__)
            connection.close()
            continue
        if answer.status == 200:
            taken.append(time.perf_counter() - started)
        elif answer.status == 503 and answer.headers.get("Retry-After", "").isdigit():
            failed.append(TURNED_AWAY)
        else:
            failed.append(str(answer.status))
    connection.close()
