"""The limits of one worker: requests at once, bytes held for them, and pictures worked on at once.

A request takes a place when its body is there: a client that sends slowly keeps nobody else waiting. A request that
finds no place gets 503 at once. A queue without a limit would make every client wait, in the end for answers to
requests that were given up long ago.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import anyio
from starlette.requests import Request

from serving.errors import ServiceError, overloaded

T = TypeVar("T")
YIELDS_AFTER_S = 5  # a body that is still being read after this gives its bytes to others when they are short


class Share:
    """One request's share of the bytes that a worker may hold."""

    def __init__(self, load: "Load"):
        self._load = load
        self._held = 0
        self.started = time.monotonic()
        self.reading: anyio.CancelScope | None = None  # while the body is being read
        self.given_up = False  # whether its bytes went to another request

    def hold(self, count: int) -> None:
        """Take `count` bytes more; 503 where the worker would hold too many."""
        self._load.take_bytes(count)
        self._held += count

    def release(self) -> None:
        """Give all bytes back."""
        self._load.take_bytes(-self._held)
        self._held = 0

    def give_up(self) -> None:
        """End the reading of this body in favour of another request."""
        assert self.reading is not None
        self.given_up = True
        self.reading.cancel()
        self.release()


class Load:
    """requests: most at once, waiting ones included. held_bytes: of all their bodies. pictures: worked on at once."""

    def __init__(self, requests: int, held_bytes: int, pictures: int):
        self._free_requests = requests
        self._free_bytes = held_bytes
        self._pictures = pictures
        self._shares: list[Share] = []  # the oldest first
        self._limiter: anyio.CapacityLimiter | None = None

    @asynccontextmanager
    async def share(self) -> AsyncIterator[Share]:
        """Room for a body's bytes. 503 where no place is free now: then the body need not be read."""
        if self._free_requests == 0:
            raise overloaded()
        share = Share(self)
        self._shares.append(share)
        try:
            yield share
        finally:
            self._shares.remove(share)
            share.release()

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests that are answered, for one whose body is there; 503 where none is free."""
        if self._free_requests == 0:
            raise overloaded()
        self._free_requests -= 1
        try:
            yield
        finally:
            self._free_requests += 1

    def take_bytes(self, count: int) -> None:
        """503 where that many are not free, and no slow body can make room."""
        while count > self._free_bytes:
            self._slowest().give_up()
        self._free_bytes -= count

    def _slowest(self) -> Share:
        """The body that has been on its way the longest, and too long; 503 where there is none."""
        before = time.monotonic() - YIELDS_AFTER_S
        for share in self._shares:
            if share.reading is not None and not share.given_up and share.started < before:
                return share
        raise overloaded()

    async def work(self, request: Request | None, task: Callable[..., T], *arguments: object) -> T:
        """Run `task` in a thread when its turn comes, unless the client has gone by then. request: None where a program
        asks and no client."""
        if self._limiter is None:  # belongs to the event loop, which does not run yet when this object is made
            self._limiter = anyio.CapacityLimiter(self._pictures)
        async with self._limiter:
            if request is not None and await request.is_disconnected():
                raise ServiceError(400, "bad_request", "the client closed the connection before its turn came")
            return await anyio.to_thread.run_sync(task, *arguments)
