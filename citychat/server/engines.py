"""The engines of one process: which adapter serves which URL, in which order they open, and how they stand.

A service that is named is waited for and never replaced by the embedded engine: its adapter opens at once, connects in
the background, and answers Unavailable until it has. An adapter is imported where it is opened, so that a process loads
the drivers of its own engines only.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, TypeVar

from citychat.adapters import ServiceStatus
from citychat.clock import SystemClock
from citychat.model import Unavailable
from citychat.ports import Bus, Clock, Engines, History, Lobby, Mailbox, SteadyTime, always
from citychat.server.startup import StartError
from citychat.server.stopping import Stopping
from citychat.setting_types import EMBEDDED, place_of
from citychat.settings import Settings, SettingsError
from citychat.tokens import SigningKeys, key_marks

if TYPE_CHECKING:
    from citychat.adapters.redis import HostSettingsCheck, SharedKeyCheck
    from citychat.adapters.sqlite import Database, FreeDisk

EndWith = Callable[[StartError | SettingsError], None]
T = TypeVar("T")
CHECK_S = 10.0  # for all services together; a running process waits for them as long as it takes
LOOK_S = 0.05
FOREIGN_KEYS = (
    "secret_file: its keys are not those of the other processes on this Redis: expected the same file everywhere "
    "(if all keys are to be replaced, stop every process for 15 s)"
)
VITAL = ("bus", "history")  # without the mailbox those who are here still talk (protocol §2.7)


@dataclass(frozen=True)
class OpenEngines:
    """The engines, opened. ``statuses``: of each service that is not embedded, ``counts``: its counters of oddities;
    both by the setting that names it. ``key_check``: for whoever shares the bus; to be entered."""

    engines: Engines
    statuses: Mapping[str, ServiceStatus]
    counts: Mapping[str, Mapping[str, int]]
    key_check: "SharedKeyCheck | None"
    disk: "FreeDisk | None" = None
    database: "Database | None" = None

    def status(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether guests can be served, and each engine's state in words for whoever watches the process."""
        stored = self._stored()
        troubles = {"bus": "", "mailbox": stored, "history": stored}
        shown = {name: _shown(self.statuses.get(name), trouble) for name, trouble in troubles.items()}
        if self.disk is not None:  # those who talk go on, so that the process is ready all the same
            shown["disk"] = {"engine": EMBEDDED, "state": self.disk.shown()}
        return all(shown[name]["state"] == "ok" for name in VITAL), shown

    def _stored(self) -> str:
        """Return what is wrong with the embedded storage. Who asks has it tried: perhaps nobody else writes."""
        if self.database is None:
            return ""
        self.database.probe()
        return self.database.trouble


def _shown(status: ServiceStatus | None, trouble: str) -> dict[str, str]:
    if status is None:
        return {"engine": EMBEDDED, "state": trouble or "ok"}
    more = {"version": status.version, "clock": status.clock, "advice": status.advice}
    return {"engine": status.service, "state": status.state or "ok"} | {name: it for name, it in more.items() if it}


class _Opening:
    def __init__(
        self, stack: AsyncExitStack, clock: Clock, random: Random, end_with: EndWith, stopping: Stopping
    ) -> None:
        self.stack, self.clock, self.random, self.end_with, self.stopping = stack, clock, random, end_with, stopping
        self.statuses: dict[str, ServiceStatus] = {}
        self.counts: dict[str, Mapping[str, int]] = {}
        self.key_check: SharedKeyCheck | None = None
        self.host_settings: HostSettingsCheck | None = None

    def status(self, setting: str, service: str) -> ServiceStatus:
        def end(line: str) -> None:
            self.end_with(StartError(line))

        self.statuses[setting] = ServiceStatus(service, self.random, end)
        return self.statuses[setting]

    async def enter(self, engine: AbstractAsyncContextManager[T]) -> T:
        """Open an engine that may be silent when it is closed."""
        return await self.stack.enter_async_context(self.stopping.closes(engine))

    async def bus_and_lobby(self, url: str, ring_s: int, keys: SigningKeys | None) -> tuple[Bus, Lobby]:
        enter, clock, random = self.enter, self.clock, self.random
        if url == EMBEDDED:
            from citychat.adapters.memory import MemoryBus, MemoryLobby

            bus = await enter(MemoryBus(asyncio.get_running_loop().call_soon))
            return bus, await enter(MemoryLobby(SteadyTime(clock, clock.wall_ms()).now_ms, random, ring_s))
        from citychat.adapters.redis import (
            EarlierLobbies,
            HostSettingsCheck,
            Redis,
            RedisBus,
            RedisLobby,
            SharedKeyCheck,
        )

        redis = await enter(Redis(url, status=self.status("bus", "Redis"), clock=clock))
        self.host_settings = await enter(HostSettingsCheck(redis, clock, redis.status.advise))
        await enter(EarlierLobbies(redis, clock))
        redis_bus = await enter(RedisBus(redis))
        self.counts["bus"] = redis_bus.counts
        if keys is not None:
            self.key_check = SharedKeyCheck(
                redis, key_marks(keys), clock=clock, foreign=lambda: self.end_with(SettingsError(FOREIGN_KEYS))
            )
        lobby = await enter(
            RedisLobby(redis.run, random=random, now_ms=SteadyTime(clock, clock.wall_ms()).now_ms, ring_s=ring_s)
        )
        self.counts["lobby"] = lobby.counts
        return redis_bus, lobby

    async def database(self, data: Path) -> "tuple[Database, FreeDisk]":
        """Raises StartError."""
        from citychat.adapters.sqlite import Database, FreeDisk, StorageError

        disk = FreeDisk(data, self.clock.monotonic_s)
        try:
            return await self.stack.enter_async_context(Database(data / "citychat.db")), disk
        except StorageError as error:
            raise StartError(str(error)) from error

    async def mailbox(self, url: str, database: "Database | None") -> Mailbox:
        if database is not None and url == EMBEDDED:
            from citychat.adapters.sqlite import SqliteMailbox

            return await self.stack.enter_async_context(SqliteMailbox(database, self.clock))
        from citychat.adapters.rabbitmq import RabbitMailbox

        mailbox = RabbitMailbox(url, status=self.status("mailbox", "RabbitMQ"), clock=self.clock, random=self.random)
        self.counts["mailbox"] = mailbox.counts
        return await self.enter(mailbox)

    async def history(self, url: str, database: "Database | None") -> History:
        if database is not None and url == EMBEDDED:
            from citychat.adapters.sqlite import SqliteHistory

            return await self.stack.enter_async_context(SqliteHistory(database))
        from citychat.adapters.mongo import MongoHistory

        history = await self.enter(MongoHistory(url, status=self.status("history", "MongoDB"), clock=self.clock))
        self.counts["history"] = history.dropped
        return history


async def open_engines(
    stack: AsyncExitStack,
    settings: Settings,
    keys: SigningKeys,
    clock: Clock,
    random: Random,
    end_with: EndWith,
    stopping: Stopping,
) -> OpenEngines:
    """Open them into ``stack``; services need not be there yet. ``end_with`` gets the error with which to end
    when one can never serve (too old, or for processes with other keys); ``stopping`` bounds how long they
    close. Raises StartError when the embedded storage cannot be had, SettingsError for options in URLs."""
    opening = _Opening(stack, clock, random, end_with, stopping)
    stored = EMBEDDED in (settings.mailbox, settings.history)
    database, disk = await opening.database(settings.data) if stored else (None, None)
    with _named("bus"):
        bus, lobby = await opening.bus_and_lobby(settings.bus, settings.ring_s, keys)
    with _named("mailbox"):
        mailbox = await opening.mailbox(settings.mailbox, database)
    with _named("history"):
        history = await opening.history(settings.history, database)
    engines = Engines(bus, lobby, mailbox, history, clock, random, disk.has_room if disk else always)
    return OpenEngines(engines, opening.statuses, opening.counts, opening.key_check, disk, database)


@contextmanager
def _named(setting: str) -> Iterator[None]:
    """Turn a driver's complaint about a URL's options into a SettingsError that names the setting."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{setting}: {error}") from error


async def check(settings: Settings, keys: SigningKeys, within_s: float = CHECK_S) -> None:
    """Open the storage once and reach every service once. Raises StartError naming those that fail, SettingsError for
    keys that are not those of the other processes."""
    loop, troubles = asyncio.get_running_loop(), list[Exception]()
    async with AsyncExitStack() as stack:
        engines = await open_engines(
            stack, settings, keys, SystemClock(loop), SystemRandom(), troubles.append, Stopping(loop.time)
        )
        await _reached(engines.statuses, troubles, loop.time() + within_s)
        wrong = {name: status.trouble for name, status in engines.statuses.items() if not status.up}
        with suppress(Unavailable):
            if engines.key_check is not None and await engines.key_check.strange():
                raise SettingsError(FOREIGN_KEYS)
    if wrong:
        raise StartError("; ".join(f"{name} {place_of(getattr(settings, name))}: {wrong[name]}" for name in wrong))
    if troubles:  # it answers, and its clock is another
        raise troubles[0]


async def ask(
    settings: Settings, keys: SigningKeys | None, within_s: float = CHECK_S
) -> tuple[Mapping[str, ServiceStatus], list[str]]:
    """Reach every service once, beside a running server: return how each stands, by its setting, and what would end a
    process. The embedded storage is not opened. Raises SettingsError for options in URLs."""
    loop, troubles = asyncio.get_running_loop(), list[Exception]()
    async with AsyncExitStack() as stack:
        opening = _Opening(stack, SystemClock(loop), SystemRandom(), troubles.append, Stopping(loop.time))
        if settings.bus != EMBEDDED:
            with _named("bus"):
                await opening.bus_and_lobby(settings.bus, settings.ring_s, keys)
        if settings.mailbox != EMBEDDED:
            with _named("mailbox"):
                await opening.mailbox(settings.mailbox, None)
        if settings.history != EMBEDDED:
            with _named("history"):
                await opening.history(settings.history, None)
        await _reached(opening.statuses, troubles, loop.time() + within_s)
        with suppress(Unavailable):
            if opening.host_settings is not None:  # its answer comes after the one that tells the time
                opening.statuses["bus"].advise(await opening.host_settings.asked())
            if opening.key_check is not None and await opening.key_check.strange():
                troubles.append(SettingsError(FOREIGN_KEYS))
    return opening.statuses, [str(trouble) for trouble in troubles]


async def _reached(statuses: Mapping[str, ServiceStatus], troubles: Sequence[Exception], end_s: float) -> None:
    """Wait until all answer, or one of them can never serve, or it is ``end_s`` by the loop's clock."""
    loop = asyncio.get_running_loop()
    while not all(status.up for status in statuses.values()) and not troubles and loop.time() < end_s:  # noqa: ASYNC110 - statuses tell nobody
        await asyncio.sleep(LOOK_S)


def services(settings: Settings) -> list[str]:
    """Return what a start says of the services: each by its URL without password, and what several processes could not
    share."""
    urls = {name: getattr(settings, name) for name in ("bus", "mailbox", "history")}
    own = [name for name, url in urls.items() if url == EMBEDDED]
    if len(own) == len(urls):
        return ["Services      embedded (bus, mailbox, history)"]
    lines = [f"Services      {', '.join(f'{name} {place_of(url)}' for name, url in urls.items())}"]
    if settings.bus != EMBEDDED and own:
        lines.append(f"Warning       embedded {' and '.join(own)}: this must stay the only process on this bus")
    return lines
