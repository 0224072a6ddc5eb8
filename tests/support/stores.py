"""The matrix of mailboxes and histories: how each adapter is opened on a folder, again and again on the same one.

A server's adapter would take its address from the environment and a name of its own from the folder. ``now_ms`` is the
wall clock; the times a history works with are all in its arguments.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random, SystemRandom
from typing import Generic, TypeVar

import pytest

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.rabbitmq import RabbitMailbox
from citychat.adapters.service_status import ServiceStatus
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.model import PENDING, Message, MessageKey, Session
from citychat.ports import CaseStore, History, Mailbox, Timer
from citychat.rules import MAILBOX_MS
from tests.support.patience import PATIENCE_S
from tests.support.services.running import mongo_url, rabbit_url
from tests.support.virtual_time import START_MS

SHORT_LIFE_MS = 12_000  # to put something and read it takes 0.05 s

Port = TypeVar("Port")
Now = Callable[[], int]


def real_ms() -> int:
    """The wall of this machine: a server's is compared with it."""
    return time.time_ns() // 10**6


class StoreClock:
    """The test's wall, the loop's timers. ``steady_ms``: time as it passes; the loop's when it is not given."""

    def __init__(self, now_ms: Now, steady_ms: Now | None = None) -> None:
        self.wall_ms, self._steady_ms = now_ms, steady_ms

    def monotonic_s(self) -> float:
        return self._steady_ms() / 1_000 if self._steady_ms else asyncio.get_running_loop().time()

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, call)


Opener = Callable[[Path, StoreClock], AbstractAsyncContextManager[Port]]


@asynccontextmanager
async def open_sqlite_mailbox(folder: Path, clock: StoreClock) -> AsyncIterator[Mailbox]:
    async with Database(folder / "citychat.db") as database, SqliteMailbox(database, clock) as mailbox:
        yield mailbox


@asynccontextmanager
async def open_rabbit_mailbox(folder: Path, clock: StoreClock, ttl_ms: int = MAILBOX_MS) -> AsyncIterator[Mailbox]:
    """Queues of the folder's own."""
    link = ServiceStatus("RabbitMQ", Random(7), pytest.fail)
    prefix = f"test.{sha256(str(folder).encode()).hexdigest()[:16]}."
    mailbox = RabbitMailbox(
        rabbit_url(), status=link, clock=StoreClock(clock.wall_ms), random=SystemRandom(), prefix=prefix, ttl_ms=ttl_ms
    )
    async with mailbox:
        await comes_up(link)
        yield mailbox


@asynccontextmanager
async def open_sqlite_history(folder: Path, _: StoreClock) -> AsyncIterator[History]:
    async with Database(folder / "citychat.db") as database, SqliteHistory(database) as history:
        yield history


@asynccontextmanager
async def open_mongo_history(folder: Path, _: StoreClock) -> AsyncIterator[History]:
    """A database of the folder's own: FerretDB reads whole collections."""
    link = ServiceStatus("MongoDB", Random(7), pytest.fail)
    name = f"test_{sha256(str(folder).encode()).hexdigest()[:16]}"
    async with MongoHistory(mongo_url(), status=link, clock=StoreClock(real_ms), database=name) as history:
        await comes_up(link)
        yield history


async def comes_up(link: ServiceStatus) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not link.up:  # noqa: ASYNC110 - a link tells nobody
            await asyncio.sleep(0.001)


MAILBOXES: Mapping[str, Opener[Mailbox]] = {"sqlite": open_sqlite_mailbox, "rabbitmq": open_rabbit_mailbox}
HISTORIES: Mapping[str, Opener[History]] = {"sqlite": open_sqlite_history, "mongo": open_mongo_history}


@dataclass(frozen=True)
class Store(Generic[Port]):
    """One adapter on one folder; every ``open`` finds what the one before has kept."""

    adapter: str
    folder: Path
    open: Callable[[], AbstractAsyncContextManager[Port]]


@asynccontextmanager
async def short_lived(
    store: Store[Mailbox], advance: Callable[[float], Awaitable[None]]
) -> AsyncIterator[tuple[Mailbox, Callable[[], Awaitable[None]]]]:
    """A mailbox, and a call after which all that was put before it has waited too long.

    Embedded mail grows old by the test's clock. A broker has its own, which nobody can move: its mail lives shorter.
    """
    if store.adapter == "rabbitmq":
        async with open_rabbit_mailbox(store.folder, StoreClock(lambda: 0), ttl_ms=SHORT_LIFE_MS) as mailbox:
            yield mailbox, lambda: asyncio.sleep(SHORT_LIFE_MS / 1_000)
    else:
        async with store.open() as mailbox:
            yield mailbox, lambda: advance(MAILBOX_MS / 1_000)


def message(
    n: int,
    st: str = "st",
    *,
    s: str = "s",
    side: int = 0,
    x: str | None = None,
    p: MessageKey | None = None,
    k: str | None = None,
) -> Message:
    return Message(s, side, st, n, n, f"text {n}" if x is None else x, START_MS + n, p, k)


async def put(mailbox: Mailbox, guest: str, *messages: Message) -> bool:
    """Put and wait for the answer."""
    stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    mailbox.put(guest, messages, stored.set_result)
    assert not stored.done(), "the answer came before put had returned"
    async with asyncio.timeout(PATIENCE_S):
        return await stored


async def is_read(mailbox: Mailbox, handle: object) -> bool:
    """Put a marker and wait for the answer."""
    read: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    mailbox.mark(handle, read.set_result)
    assert not read.done(), "the answer came before mark had returned"
    async with asyncio.timeout(PATIENCE_S):
        return await read


async def make_room(history: History, *rows: Message) -> None:
    """Sessions of others, pending and never deleted, for rows that have none: nothing is kept without. They begin
    late, so that no prune finds them begun by a host who kept chats for longer."""
    for s in dict.fromkeys(row.session for row in rows):
        if await history.sessions.find(s) is None:
            await history.sessions.begin(Session(s, ("nobody", "no one"), ("A", "B"), "", 2**51, 2**52, PENDING))


async def add(history: History, *rows: Message) -> frozenset[tuple[str, int, str, int]]:
    """Add, wait for the commit, and answer what is not kept."""
    await make_room(history, *rows)
    done: asyncio.Future[frozenset[tuple[str, int, str, int]] | None] = asyncio.get_running_loop().create_future()
    history.messages.add(rows, lambda committed: done.set_result(None if committed is None else committed.unkept))
    assert not done.done(), "the answer came before add had returned"
    async with asyncio.timeout(PATIENCE_S):
        unkept = await done
    assert unkept is not None, "not committed"
    return unkept


def cases_of(history: History) -> CaseStore:
    """The cases of the same store, which are for its host's commands alone."""
    assert isinstance(history, SqliteHistory | MongoHistory)
    return history.cases
