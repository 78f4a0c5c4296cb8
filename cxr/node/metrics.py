"""What Prometheus reads. Every label takes its values from the configuration or from a list in the code; `reason` of
what was refused has the codes of the service or of the model's rules, as they say them."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cxr.node.ask import WITHHELD
from cxr.node.queue import Queue

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86_400)


class NodeMetrics:
    """queue: its depth is read whenever Prometheus asks. sources, destinations: their names."""

    def __init__(self, queue: Queue, sources: Iterable[str], destinations: Iterable[str]):
        here = CollectorRegistry()
        self._registry = here
        self.received = Counter("cxr_node_received", "objects by receipt", ["source", "receipt"], registry=here)
        self.picked = Counter("cxr_node_picked", "objects asked about", registry=here)
        self.not_picked = Counter("cxr_node_not_picked", "objects left alone", ["reason"], registry=here)
        self.answered = Counter("cxr_node_answered", "answers by state", ["state"], registry=here)
        self.refused = Counter("cxr_node_refused", "objects that got no class", ["reason"], registry=here)
        self.failed = Counter("cxr_node_failed", "tries that failed", ["step"], registry=here)
        self.delivered = Counter("cxr_node_delivered", "objects with all results given", ["destination"], registry=here)
        self.dead = Counter("cxr_node_dead", "objects given up", ["destination"], registry=here)
        self.ask_seconds = Histogram("cxr_node_ask_seconds", "one question", buckets=SECONDS, registry=here)
        self.seconds = Histogram(
            "cxr_node_seconds", "received to results given", ["destination"], buckets=SECONDS, registry=here
        )
        self._held = Gauge("cxr_node_held", "1 while a site's profile keeps objects waiting", ["reason"], registry=here)
        self.show_held("")
        for name in sources:
            self.received.labels(name, "taken")
        for name in destinations:
            self.delivered.labels(name)
            self.dead.labels(name)
        self._gauge("cxr_node_queue_depth", "objects that are not finished", queue.depth)
        self._gauge("cxr_node_oldest_seconds", "age of the oldest unfinished object", lambda: _age(queue.oldest()))
        self._gauge("cxr_node_dead_letters", "results that wait for `cxr node retry`", lambda: _dead(queue))

    def show_held(self, why: str) -> None:
        """why: the code of WITHHELD, or "" where nothing is held back, or something else keeps it waiting."""
        self.held = why
        for reason in WITHHELD:
            self._held.labels(reason).set(reason == why)

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def _gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        Gauge(name, what, registry=self._registry).set_function(read)


def _age(oldest: float | None) -> float:
    return 0.0 if oldest is None else max(0.0, time.time() - oldest)


def _dead(queue: Queue) -> float:
    rows = queue.read(
        "SELECT (SELECT count(*) FROM deliveries WHERE state = 'dead') + "
        "(SELECT count(*) FROM objects o WHERE state = 'dead' AND NOT EXISTS "
        "(SELECT 1 FROM deliveries WHERE object = o.id)) AS n"
    )
    return float(rows[0]["n"])
