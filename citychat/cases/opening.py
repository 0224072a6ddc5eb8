"""The way of a host's command to the history: beside a running server, or to the servers that several share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import SystemRandom
from typing import Protocol

from citychat.clock import SystemClock
from citychat.ports import CaseStore, History
from citychat.setting_types import EMBEDDED, place_of

STORE = "citychat.db"
REACHED_WITHIN_S, LOOK_S = 10.0, 0.02


class HistoryWithCases(History, Protocol):
    """A history, as the commands of its host have it."""

    @property
    def cases(self) -> CaseStore: ...


class NotOpened(Exception):
    """One line for the host: why the history cannot be had."""


@asynccontextmanager
async def open_history(data: Path, url: str) -> AsyncIterator[HistoryWithCases]:
    """Open the history of the setting ``history``. Raises NotOpened."""
    opened = _embedded(data / STORE) if url == EMBEDDED else _shared(url)
    async with opened as history:
        yield history


@asynccontextmanager
async def _embedded(store: Path) -> AsyncIterator[HistoryWithCases]:
    from citychat.adapters.sqlite import Database, SqliteHistory, StorageError

    if not store.exists():
        raise NotOpened(f"no {STORE} in {store.parent}: nothing is kept there (name the server's folder with --data)")
    try:
        async with Database(store, beside=True) as database, SqliteHistory(database) as history:
            yield history
    except StorageError as error:
        raise NotOpened(str(error)) from error


@asynccontextmanager
async def _shared(url: str) -> AsyncIterator[HistoryWithCases]:
    from citychat.adapters import ServiceStatus
    from citychat.adapters.mongo import MongoHistory

    troubles = list[str]()
    status = ServiceStatus("MongoDB", SystemRandom(), troubles.append)
    loop = asyncio.get_running_loop()
    try:
        history = MongoHistory(url, status=status, clock=SystemClock(loop))
        await history.__aenter__()
    except ValueError as error:
        raise NotOpened(f"history: {error}") from error
    try:
        end_s = loop.time() + REACHED_WITHIN_S
        while not status.up and not troubles and loop.time() < end_s:  # noqa: ASYNC110 - statuses tell nobody
            await asyncio.sleep(LOOK_S)
        if troubles or not status.up:
            raise NotOpened(f"history {place_of(url)}: {troubles[0] if troubles else status.trouble}")
        yield history
    finally:
        await history.__aexit__(None, None, None)
