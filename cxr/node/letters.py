"""What destinations still have to get, and what they could not be given: the queue's side of delivering."""

import sqlite3
import time
from collections.abc import Sequence

from cxr.node.queue import Delivery, Queue

DUE = """
SELECT d.object, o.sop_uid, o.received_at, d.tries,
    (SELECT group_concat(file, '\n') FROM (SELECT file FROM results WHERE object = d.object ORDER BY id)) AS files
FROM deliveries d JOIN objects o ON o.id = d.object
WHERE d.destination = ? AND d.state = 'due' AND d.due_at <= ? ORDER BY max(d.due_at, d.since), d.object LIMIT ?
"""
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


def revive(queue: Queue, destination: str) -> tuple[int, int]:
    """Dead letters are due again, and dead objects are asked about again. destination: "" for all.

    How many deliveries and how many objects that were.
    """

    def action(db: sqlite3.Connection) -> tuple[int, int]:
        now = time.time()
        wanted = "state = 'dead' AND (? = '' OR destination = ?)"
        objects = [
            row["object"]
            for row in db.execute(f"SELECT object FROM deliveries WHERE {wanted}", (destination, destination))  # noqa: S608
        ]
        db.execute(
            f"UPDATE deliveries SET state = 'due', tries = 0, due_at = 0, since = ? WHERE {wanted}",  # noqa: S608
            (now, destination, destination),
        )
        db.executemany(
            "UPDATE objects SET state = 'answered', changed_at = ? WHERE id = ?", [(now, one) for one in objects]
        )
        if destination:
            return len(objects), 0
        again = db.execute(
            "UPDATE objects SET state = 'received', tries = 0, due_at = 0, changed_at = ? WHERE state = 'dead'", (now,)
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
