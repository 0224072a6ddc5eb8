"""A Redis of each test's own, and the buses of processes on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.redis import Redis, RedisBus
from citychat.adapters.redis import connection as driver
from citychat.adapters.service_status import ServiceStatus
from citychat.ports import BusEvent
from tests.support.patience import PATIENCE_S, until
from tests.support.services.redis import RedisServer
from tests.support.stores import StoreClock

CHANNEL = "citychat:u:"


class Process:
    """A process's bus, with what it was told."""

    def __init__(self, url: str) -> None:
        self.ended: list[str] = []
        self.link = ServiceStatus("Redis", Random(1), self.ended.append)
        self.redis = Redis(url, status=self.link, clock=StoreClock(lambda: time.time_ns() // 10**6))
        self.bus = RedisBus(self.redis)
        self.heard: list[tuple[str, BusEvent]] = []
        self.resumed = 0
        self.bus.watch(self._resumed)

    def _resumed(self) -> None:
        self.resumed += 1

    async def listen(self, guest: str) -> object:
        return await self.bus.listen(guest, lambda record: self.heard.append((guest, record)))

    async def published(self, guest: str, record: BusEvent) -> int:
        """The listener count; no answer is an error."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.bus.publish(guest, record, answer.set_result)
        async with asyncio.timeout(PATIENCE_S):
            return await answer


@asynccontextmanager
async def process(url: str, up: bool = True) -> AsyncIterator[Process]:
    one = Process(url)
    async with one.redis, one.bus:
        if up:
            await until(lambda: one.link.up)
        yield one


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    private = RedisServer(tmp_path)
    private.start()
    yield private
    private.stop()


@pytest.fixture(autouse=True)
async def no_task_outlives_its_bus() -> AsyncIterator[None]:
    yield
    assert not [task for task in asyncio.all_tasks() if driver.__file__ in repr(task)]
