"""The clocks of the simulated stores, and what a process learns of them.

Redis's counts offers, leases and rests, RabbitMQ's how long mail waits, MongoDB's what lapses by itself; a process
compares itself with Redis and MongoDB as the real adapters do, and ends when it is too far apart.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from citychat.adapters.redis.clock import compare
from citychat.adapters.service_clock import ServiceClock
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import Tasks
from tests.support.virtual_time import VirtualClock

if TYPE_CHECKING:
    from tests.simulation.bus import SimBus
    from tests.simulation.engines import World

USUAL_MS = 30_000  # what nobody is told of


class OwnClock(VirtualClock):
    """A store's own: ``usual_ms`` from everybody's as a matter of course."""

    usual_ms = 0

    def right(self) -> None:
        self.ahead_ms = self.usual_ms


def set_apart(world: "World", random: Random) -> None:
    """Each store's clock is another."""
    for clock in world.store_clocks:
        clock.usual_ms = random.randint(-USUAL_MS, USUAL_MS)
        clock.right()


class Comparing:
    """A process compares its clock with Redis's, over its connection there, and with the database's. ``end``: it is too
    far apart."""

    def __init__(self, world: "World", line: "SimBus", clock: Clock, tasks: Tasks, end: Callable[[], object]) -> None:
        self._world, self._line, self._clock, self._tasks = world, line, clock, tasks

        def is_apart(_: str) -> None:
            end()

        self._redis, self._history = (
            ServiceClock(ServiceStatus(name, Random(0), is_apart), clock) for name in ("Redis", "MongoDB")
        )
        self._asking: asyncio.Task[None] | None = None
        line.watch(self._ask_redis)
        self._ask_redis()
        tasks.spawn(compare(self._history_time, self._history, clock), "compare with MongoDB")

    def _ask_redis(self) -> None:
        """At once, and then every minute: for as long as the connection lasts."""
        if self._asking is not None:
            self._asking.cancel()
        self._asking = self._tasks.spawn(compare(self._redis_time, self._redis, self._clock), "compare with Redis")

    async def _redis_time(self, _: str) -> object:
        return await self._asked(lambda: self._line.up, self._world.redis_clock)

    async def _history_time(self, _: str) -> object:
        return await self._asked(lambda: self._world.history_up, self._world.history_clock)

    async def _asked(self, up: Callable[[], bool], clock: OwnClock) -> list[bytes]:
        """As Redis answers. Raises Unavailable."""
        await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
        if not up():
            raise Unavailable
        seconds, ms = divmod(clock.wall_ms(), 1_000)
        await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
        await self._line.machine.awake()
        return [b"%d" % seconds, b"%d" % (1_000 * ms)]
