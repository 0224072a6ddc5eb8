"""One contract per port, run over every adapter of it.

To add an adapter: write ``async def open_…(world: World) -> AsyncIterator[Port]`` that opens it, yields it and closes
it, and name it in the matrix below. To add a port: a matrix and a fixture like those of the bus. Tests know neither.
A fixture gets its adapter's name as its parameter.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from citychat.adapters.memory import MemoryBus, MemoryLobby
from citychat.adapters.mongo import connection as mongo_connection
from citychat.adapters.redis import Redis, RedisBus, RedisLobby
from citychat.adapters.redis.resp import scripts
from citychat.adapters.service_status import ServiceStatus
from citychat.adapters.statements import statements
from citychat.ports import Bus, History, Lobby, Mailbox
from tests.contract.lobby_town import LobbyTown
from tests.contract.redis_scripts import LuaScripts, Scripts, ServerScripts, timed_scripts
from tests.support.lua_redis import LuaRedis
from tests.support.patience import PATIENCE_S
from tests.support.services.running import MONGO, RABBITMQ, REDIS, is_tested, redis_url
from tests.support.stores import HISTORIES, MAILBOXES, Store, StoreClock, real_ms

Port = TypeVar("Port")


class SteppedClock:
    """The store's time, moved by the test, and the wall of the process: ``ahead_ms`` is how wrong that is.

    ``advance`` is awaited because a server has a clock of its own: it sets that one too, where an adapter has put its
    way to do so into ``setters``.
    """

    def __init__(self) -> None:
        self._now_ms, self.ahead_ms = 1_700_000_000_000, 0
        self.setters: list[Callable[[int], Awaitable[object]]] = []

    def now_ms(self) -> int:
        return self._now_ms

    def wall_ms(self) -> int:
        return self._now_ms + self.ahead_ms

    async def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1_000)
        for set_ms in self.setters:
            await set_ms(self._now_ms)


class Surroundings:
    """What an adapter may need to be opened for a test."""

    def __init__(self, clock: SteppedClock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder


Opener = Callable[[Surroundings], AbstractAsyncContextManager[Port]]


@asynccontextmanager
async def open_local_bus(world: Surroundings) -> AsyncIterator[Bus]:
    async with MemoryBus(asyncio.get_running_loop().call_soon) as bus:
        yield bus


@asynccontextmanager
async def open_local_lobby(world: Surroundings) -> AsyncIterator[Lobby]:
    async with MemoryLobby(world.clock.now_ms, Random(7)) as lobby:
        yield lobby


def new_redis(world: Surroundings) -> Redis:
    link = ServiceStatus("Redis", Random(7), pytest.fail)
    return Redis(redis_url(), status=link, clock=StoreClock(real_ms), prefix=f"{world.folder}:")


async def comes_up(redis: Redis) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not redis.status.up:  # noqa: ASYNC110 - a link tells nobody
            await asyncio.sleep(0.001)


@asynccontextmanager
async def open_redis_bus(world: Surroundings) -> AsyncIterator[Bus]:
    async with new_redis(world) as redis, RedisBus(redis) as bus:
        await comes_up(redis)
        yield bus


@asynccontextmanager
async def open_lua_lobby(world: Surroundings) -> AsyncIterator[Lobby]:
    redis, texts = LuaRedis(world.clock.now_ms), scripts(statements("redis/lobby.lua"))

    async def run(script: str, args: Sequence[bytes | str | int]) -> object:
        return redis.eval(texts[script], *args)

    async with RedisLobby(run, random=Random(7), now_ms=world.clock.now_ms) as lobby:
        yield lobby


@asynccontextmanager
async def open_redis_lobby(world: Surroundings) -> AsyncIterator[Lobby]:
    texts = timed_scripts()
    async with new_redis(world) as redis:
        await comes_up(redis)

        async def run(script: str, args: Sequence[bytes | str | int]) -> object:
            return await redis.call("EVAL", texts[script], 0, *args)

        async def set_ms(now_ms: int) -> None:
            await redis.call("SET", f"{redis.prefix}now", now_ms)

        await set_ms(world.clock.now_ms())
        world.clock.setters.append(set_ms)
        async with RedisLobby(run, random=Random(7), now_ms=world.clock.now_ms, prefix=redis.prefix) as lobby:
            yield lobby


BUSES: Mapping[str, Opener[Bus]] = {"local": open_local_bus, "redis": open_redis_bus}
LOBBIES: Mapping[str, Opener[Lobby]] = {
    "local": open_local_lobby, "lua": open_lua_lobby, "redis": open_redis_lobby
}  # fmt: skip
SCRIPTS: Mapping[str, Callable[[str], Scripts]] = {"lua": LuaScripts, "redis": ServerScripts}

MATRICES: Mapping[str, Mapping[str, object]] = {
    "bus": BUSES, "lobby": LOBBIES, "lobby_scripts": SCRIPTS, "mailbox_store": MAILBOXES, "history_store": HISTORIES
}  # fmt: skip
NEEDED = {"redis": REDIS, "rabbitmq": RABBITMQ, "mongo": MONGO}  # by the adapter's name; the others need no server


def tested(adapters: Iterable[str]) -> list[str]:
    """Those of them whose server this run has."""
    return [adapter for adapter in adapters if adapter not in NEEDED or is_tested(NEEDED[adapter])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The fixtures of the ports get their adapters here, because pytest imports this file before the servers start."""
    for fixture, matrix in MATRICES.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, tested(matrix), indirect=True)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database on a slow machine is not away; what happens when one is, tests/server says."""
    monkeypatch.setattr(mongo_connection, "ANSWERED_WITHIN_S", PATIENCE_S)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def world(clock: SteppedClock, tmp_path: Path) -> Surroundings:
    return Surroundings(clock, tmp_path)


@pytest.fixture
async def bus(request: pytest.FixtureRequest, world: Surroundings) -> AsyncIterator[Bus]:
    async with BUSES[request.param](world) as opened:
        yield opened


@pytest.fixture
async def elsewhere(request: pytest.FixtureRequest, bus: Bus, world: Surroundings) -> AsyncIterator[Bus]:
    """The bus as another process has it; an embedded one knows one process only, and is the same."""
    adapter = request.node.callspec.params["bus"]
    if adapter not in NEEDED:
        yield bus
        return
    async with BUSES[adapter](world) as opened:
        yield opened


@pytest.fixture
async def lobby(request: pytest.FixtureRequest, world: Surroundings) -> AsyncIterator[Lobby]:
    async with LOBBIES[request.param](world) as opened:
        yield opened


@pytest.fixture
def lobby_scripts(request: pytest.FixtureRequest, world: Surroundings) -> Iterator[Scripts]:
    opened = SCRIPTS[request.param](f"{world.folder}:")
    yield opened
    opened.close()


@pytest.fixture
async def town(lobby: Lobby, clock: SteppedClock) -> LobbyTown:
    await lobby.renew("p")
    return LobbyTown(lobby, clock)


@pytest.fixture
def mailbox_store(request: pytest.FixtureRequest, world: Surroundings) -> Store[Mailbox]:
    opener, clock = MAILBOXES[request.param], world.clock
    return Store(request.param, world.folder, lambda: opener(world.folder, StoreClock(clock.wall_ms, clock.now_ms)))


@pytest.fixture
async def mailbox(mailbox_store: Store[Mailbox]) -> AsyncIterator[Mailbox]:
    async with mailbox_store.open() as opened:
        yield opened


@pytest.fixture
def history_store(request: pytest.FixtureRequest, world: Surroundings) -> Store[History]:
    opener = HISTORIES[request.param]
    return Store(request.param, world.folder, lambda: opener(world.folder, StoreClock(world.clock.now_ms)))


@pytest.fixture
async def history(history_store: Store[History]) -> AsyncIterator[History]:
    async with history_store.open() as opened:
        yield opened


def matrices() -> str:
    """Which adapters the contract of each port runs over, in one line."""
    lines = (
        f"{fixture.removesuffix('_store').replace('_', ' ')} over {', '.join(tested(matrix))}"
        for fixture, matrix in MATRICES.items()
    )
    return "contracts: " + "; ".join(lines)
