"""What destinations still have to get, and what they could not be given: the queue's side of delivering."""

import math
import sqlite3
import time
from collections.abc import Collection, Sequence

from cxr.node.queue import Delivery, Queue

DUE = """
SELECT d.object, o.sop_uid, o.received_at, d.tries,
    (SELECT group_concat(file, '\n') FROM (SELECT file FROM results WHERE object = d.object ORDER BY id)) AS files
FROM deliveries d JOIN objects o ON o.id = d.object
WHERE d.destination = ? AND d.state = 'due' AND d.due_at <= ? ORDER BY max(d.due_at, d.since), d.object LIMIT ?
"""
ALL = -1  # for LIMIT
FINISH = """
UPDATE objects SET changed_at = :now, state =
    CASE WHEN EXISTS (SELECT 1 FROM deliveries WHERE object = :one AND state = 'dead') THEN 'dead' ELSE 'done' END
WHERE id = :one AND NOT EXISTS (SELECT 1 FROM deliveries WHERE object = :one AND state = 'due')
"""


def due(queue: Queue, destination: str, most: int) -> list[Delivery]:
    """What `destination` is to get now; what waits longest since it was made or put off comes first."""
    return _deliveries(queue.read(DUE, (destination, time.time(), most)))


def delivered(queue: Queue, destination: str, objects: Sequence[int]) -> None:
    _settle(queue, destination, objects, "delivered", "")


def dead(queue: Queue, destination: str, objects: Sequence[int], why: str) -> None:
    """Nobody tries again until `revive`."""
    _settle(queue, destination, objects, "dead", why)


def postpone(queue: Queue, destination: str, one: int, wait_s: float, why: str, *, counted: bool) -> None:
    """Tried again in wait_s seconds. counted: the try counts."""
    values = (1 if counted else 0, time.time() + wait_s, why, one, destination)
    queue.writer.write(
        lambda db: db.execute(
            "UPDATE deliveries SET tries = tries + ?, due_at = ?, detail = ? WHERE object = ? AND destination = ?",
            values,
        )
    )


def too_old(queue: Queue, destination: str, before: float, most: int) -> list[Delivery]:
    """What is due to `destination` since before `before`, seconds since 1970, whenever it may be tried next."""
    question = DUE.replace("d.due_at <= ?", "d.since < ?")
    return _deliveries(queue.read(question, (destination, before, most)))


def due_elsewhere(queue: Queue, destinations: Collection[str]) -> dict[str, list[Delivery]]:
    """What is due to others than `destinations`, by name."""
    names = [
        row["destination"] for row in queue.read("SELECT DISTINCT destination FROM deliveries WHERE state = 'due'")
    ]
    return {
        name: _deliveries(queue.read(DUE, (name, math.inf, ALL))) for name in sorted(names) if name not in destinations
    }


def revive(queue: Queue, destinations: Collection[str], *, with_objects: bool) -> tuple[int, int]:
    """Dead letters of `destinations` are due again, and with_objects dead objects are asked about again.

    How many deliveries and how many objects that were.
    """

    def action(db: sqlite3.Connection) -> tuple[int, int]:
        now = time.time()
        wanted = f"state = 'dead' AND destination IN ({', '.join('?' * len(destinations))})"
        found = db.execute(f"SELECT object FROM deliveries WHERE {wanted}", (*destinations,))  # noqa: S608 - marks only
        objects = [row["object"] for row in found]
        db.execute(
            f"UPDATE deliveries SET state = 'due', tries = 0, due_at = 0, since = ? WHERE {wanted}",  # noqa: S608
            (now, *destinations),
        )
        db.executemany(
            "UPDATE objects SET state = 'answered', changed_at = ? WHERE id = ?", [(now, one) for one in objects]
        )
        if not with_objects:
            return len(objects), 0
        again = db.execute(
            "UPDATE objects SET state = 'received', tries = 0, due_at = 0, changed_at = ? "
            "WHERE state = 'dead' AND NOT EXISTS (SELECT 1 FROM deliveries WHERE object = objects.id)",
            (now,),
        )
        return len(objects), again.rowcount

    return queue.writer.write(action)


def _deliveries(rows: Sequence[sqlite3.Row]) -> list[Delivery]:
    return [
        Delivery(row["object"], row["sop_uid"], row["received_at"], row["tries"], tuple((row["files"] or "").split()))
        for row in rows
    ]


def _settle(queue: Queue, destination: str, objects: Sequence[int], state: str, why: str) -> None:
    def action(db: sqlite3.Connection) -> None:
        now = time.time()
        for one in objects:
            db.execute(
                "UPDATE deliveries SET state = ?, detail = ? WHERE object = ? AND destination = ? AND state = 'due'",
                (state, why, one, destination),
            )
            db.execute(FINISH, {"now": now, "one": one})

    queue.writer.write(action)
