"""The limits of one worker: requests at once, bytes held for them, and pictures worked on at once.

A request beyond the limits gets 503 before its body is read. A queue without a limit would make every client wait, in
the end for answers to requests that were given up long ago.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anyio
from starlette.requests import Request

from serving.errors import ServiceError, overloaded

T = TypeVar("T")


class Place:
    """One request's share of the bytes that a worker may hold."""

    def __init__(self, load: "Load"):
        self._load = load
        self._held = 0

    def hold(self, count: int) -> None:
        """Take `count` bytes more; 503 where the worker would hold too many."""
        self._load.take_bytes(count)
        self._held += count

    def leave(self) -> None:
        self._load.take_bytes(-self._held)


class Load:
    """requests: most at once, waiting ones included. held_bytes: of all their bodies. pictures: worked on at once."""

    def __init__(self, requests: int, held_bytes: int, pictures: int):
        self._free_requests = requests
        self._free_bytes = held_bytes
        self._pictures = pictures
        self._limiter: anyio.CapacityLimiter | None = None

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Room for one request; 503 where there is none."""
        if self._free_requests == 0:
            raise overloaded()
        self._free_requests -= 1
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()
            self._free_requests += 1

    def take_bytes(self, count: int) -> None:
        if count > self._free_bytes:
            raise overloaded()
        self._free_bytes -= count

    async def work(self, request: Request, task: Callable[..., T], *arguments: object) -> T:
        """Run `task` in a thread when its turn comes, unless the client has gone by then."""
        if self._limiter is None:  # belongs to the event loop, which does not run yet when this object is made
            self._limiter = anyio.CapacityLimiter(self._pictures)
        async with self._limiter:
            if await request.is_disconnected():
                raise ServiceError(400, "bad_request", "the client closed the connection before its turn came")
            return await anyio.to_thread.run_sync(task, *arguments)
