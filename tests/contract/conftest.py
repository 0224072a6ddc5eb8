"""One contract per port, run over every adapter of it.

To add an adapter: write ``async def open_…(world: World) -> AsyncIterator[Port]`` that opens it, yields it and closes
it, and name it in the matrix below. To add a port: a matrix and a fixture like those of the bus. Tests know neither.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from citychat.adapters.local import LocalBus, LocalLobby
from citychat.ports import Bus, History, Lobby, Mailbox
from tests.contract.stores import HISTORIES, MAILBOXES, Store
from tests.contract.town import Town

Port = TypeVar("Port")


class Clock:
    """The store's time, moved by the test.

    ``advance`` is awaited because a server has a clock of its own: such an adapter's scripts must take a shift for
    tests (added to the server's time, kept in the server so that all processes agree), which ``advance`` would set.
    """

    def __init__(self) -> None:
        self._now_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self._now_ms

    async def advance(self, seconds: float) -> None:
        self._now_ms += round(seconds * 1_000)


class World:
    """What an adapter may need to be opened for a test."""

    def __init__(self, clock: Clock, folder: Path) -> None:
        self.clock = clock
        self.folder = folder


Opener = Callable[[World], AbstractAsyncContextManager[Port]]


@asynccontextmanager
async def open_local_bus(world: World) -> AsyncIterator[Bus]:
    async with LocalBus(asyncio.get_running_loop().call_soon) as bus:
        yield bus


@asynccontextmanager
async def open_local_lobby(world: World) -> AsyncIterator[Lobby]:
    async with LocalLobby(world.clock.now_ms, Random(7)) as lobby:
        yield lobby


BUSES: Mapping[str, Opener[Bus]] = {"local": open_local_bus}
LOBBIES: Mapping[str, Opener[Lobby]] = {"local": open_local_lobby}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock, tmp_path: Path) -> World:
    return World(clock, tmp_path)


@pytest.fixture(params=BUSES)
async def bus(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Bus]:
    async with BUSES[request.param](world) as opened:
        yield opened


@pytest.fixture(params=LOBBIES)
async def lobby(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Lobby]:
    async with LOBBIES[request.param](world) as opened:
        yield opened


@pytest.fixture
async def town(lobby: Lobby, clock: Clock) -> Town:
    await lobby.renew("p")
    return Town(lobby, clock)


@pytest.fixture(params=MAILBOXES)
def mailbox_store(request: pytest.FixtureRequest, world: World) -> Store[Mailbox]:
    opener = MAILBOXES[request.param]
    return Store(request.param, world.folder, lambda: opener(world.folder, world.clock.now_ms))


@pytest.fixture
async def mailbox(mailbox_store: Store[Mailbox]) -> AsyncIterator[Mailbox]:
    async with mailbox_store.open() as opened:
        yield opened


@pytest.fixture(params=HISTORIES)
def history_store(request: pytest.FixtureRequest, world: World) -> Store[History]:
    opener = HISTORIES[request.param]
    return Store(request.param, world.folder, lambda: opener(world.folder, world.clock.now_ms))


@pytest.fixture
async def history(history_store: Store[History]) -> AsyncIterator[History]:
    async with history_store.open() as opened:
        yield opened


def matrices() -> str:
    """Which adapters the contract of each port runs over, in one line."""
    ports = {"bus": BUSES, "lobby": LOBBIES, "mailbox": MAILBOXES, "history": HISTORIES}
    return "contracts: " + "; ".join(f"{port} over {', '.join(adapters)}" for port, adapters in ports.items())
