"""A MongoDB-protocol server of each test's own, and histories on it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo import MongoClient

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.mongo.documents import INDEXES
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Message, Session
from citychat.ports import Committed, Report
from citychat.rules import DAY_MS
from tests.support.services.mongo import MongoServer
from tests.support.services.running import MONGO, is_tested
from tests.support.stores import StoreClock, add, comes_up, message, real_ms

NOW = round(time.time() * 1_000)  # a server with TTL indexes deletes what is older

MONTH_MS = 30 * DAY_MS

DATABASE = "citychat"
COLLECTIONS = sorted({index.collection for index in INDEXES})
CANARY = "the canary sings at dawn"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["mongo"] if is_tested(MONGO) else [], indirect=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def raw(server: MongoServer) -> Iterator[Any]:
    """The database as somebody else sees it."""
    with MongoClient[dict[str, Any]](server.url) as client:
        yield client[DATABASE]


def new_history(url: str, link: ServiceStatus) -> MongoHistory:
    return MongoHistory(url, status=link, clock=StoreClock(real_ms))


def new_status(end_with: Callable[[str], None] = pytest.fail) -> ServiceStatus:
    return ServiceStatus("MongoDB", Random(7), end_with)


@asynccontextmanager
async def opened(server: MongoServer) -> AsyncIterator[MongoHistory]:
    link = new_status()
    async with new_history(server.url, link) as history:
        await comes_up(link)
        yield history


@pytest.fixture
async def history(server: MongoServer) -> AsyncIterator[MongoHistory]:
    async with opened(server) as history:
        yield history


def session(s: str = "s", members: tuple[str, str] = ("anna", "ben")) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + MONTH_MS)


def report(n: int, at: int = NOW) -> Report:
    return Report(f"CODE{n}", f"r{n}", f"g{n}", "ben", "hate", "a note", at, (f"n{n}",))


async def accused(history: MongoHistory, *numbers: int) -> None:
    """The chats of these reports, which count: they have lasted a minute, and the accused has written in them."""
    for n in numbers:
        await history.sessions.begin(replace(session(f"r{n}", (f"g{n}", "ben")), started=NOW - 60_000))
        await add(history, message(1, s=f"r{n}", side=1))


def begun(history: MongoHistory, *rows: Message) -> "asyncio.Future[Committed | None]":
    answer: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()
    history.messages.add(rows, answer.set_result)
    return answer
