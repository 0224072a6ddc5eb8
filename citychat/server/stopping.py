"""The stop of a process: one deadline for all of it, and what each step of it leaves to those behind.

Each step waits for services in patience of its own; were these added up, services that are silent together would hold a
stop up for half a minute, and whoever waits for it (systemd, a host) kills it in the middle.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

# From the signal to the last engine closed. The 15 s that hosts are told hold the end of a slow interpreter as well.
STOP_S = 10.0
DRAIN_S = 5.5  # the pages are sent away in 2 s; the rest is for what they have drawn
# What is left when that is over; when their sockets are closed, of which one may be half-open; when background work is
# over. MongoDB takes leave in 1.5 s, RabbitMQ may need all.
AFTER_DRAIN_S, AFTER_PAGES_S, AFTER_TASKS_S = STOP_S - DRAIN_S, 3.5, 2.5

T = TypeVar("T")


class Stopping:
    """The deadline of one process's stop. ``now_s`` is the loop's time."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._end_s: float | None = None

    def left_s(self, rest_s: float) -> float:
        """Return how long a step may take that leaves ``rest_s`` to those behind it. The first who asks begins it."""
        now_s = self._now_s()
        if self._end_s is None:
            self._end_s = now_s + STOP_S
        return max(0.0, self._end_s - rest_s - now_s)

    @asynccontextmanager
    async def leaving(self, rest_s: float) -> AsyncIterator[None]:
        """Break a step off, in silence, when only ``rest_s`` is left."""
        try:
            async with asyncio.timeout(self.left_s(rest_s)) as limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise

    @asynccontextmanager
    async def closes(self, engine: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
        """Enter an engine, and break its closing off at the end of the stop: its sockets end with the process."""
        entered = await engine.__aenter__()
        try:
            yield entered
        finally:
            async with self.leaving(0.0):
                await engine.__aexit__(None, None, None)
