"""The only composition root: from settings to a running server, and down again in order.

Start: data folder and keys, storage, the process, the edge, the port. Stop (SIGTERM, Ctrl+C): no new pages, pages sent
away in waves, batches finished, storage closed.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

import citychat
from citychat.adapters.local import LocalBus, LocalLobby
from citychat.adapters.sqlite import Database, StorageError
from citychat.adapters.sqlite_history import SqliteHistory
from citychat.adapters.sqlite_mailbox import SqliteMailbox
from citychat.edge import Edge
from citychat.gazetteer import City, Gazetteer
from citychat.geoip import Databases, files
from citychat.handlers.pages import TEXTS, Credit, Pages
from citychat.model import DAY_MS, new_id
from citychat.places import Places
from citychat.ports import Timer
from citychat.process import Process, Rules
from citychat.settings import Settings
from citychat.tasks import Tasks
from citychat.tokens import KeyFileError, Keys, load_keys

CONSENT = "1"  # the version of the built-in rules; a host's own rules make their own
LOCAL_NAMES = ("127.0.0.1", "::1", "localhost")

log = logging.getLogger(__name__)


class StartError(Exception):
    """One line for the host: what keeps the server from starting. Exit status 1."""


class SystemClock:
    """The Clock of a real process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return self._loop.time()

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay_s, call)


@dataclass(frozen=True)
class Parts:
    """What start-up has checked and loaded before anything is opened."""

    settings: Settings
    keys: Keys
    gazetteer: Gazetteer
    home: City | None
    databases: Databases
    has_database: bool
    texts: dict[str, str]


def prepare(settings: Settings) -> Parts:
    """Check and load everything that needs no event loop. Raises StartError."""
    data = settings.data
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(data, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")
        gazetteer = Gazetteer()
        return Parts(
            settings=settings,
            keys=load_keys(settings.secret_file, SystemRandom()),
            gazetteer=gazetteer,
            home=gazetteer.named(settings.home_city) if settings.home_city else None,
            databases=Databases(files(data, settings.geoip)),
            has_database=bool(files(data, settings.geoip)),
            texts=own_texts(data),
        )
    except OSError as error:
        raise StartError(f"cannot use the data folder {data}: {error.strerror}; name another with --data") from error
    except (KeyFileError, ValueError) as error:
        raise StartError(str(error)) from error


def own_texts(data: Path) -> dict[str, str]:
    """The host's own rules.md, privacy.md and imprint.md, where there are any."""
    return {name: path.read_text("utf-8") for name in TEXTS if (path := data / f"{name}.md").is_file()}


def consent_version(texts: dict[str, str]) -> str:
    """Changes whenever the host's own rules or privacy notice do, so that everybody is asked again."""
    own = "".join(texts.get(name, "") for name in ("rules", "privacy"))
    return f"{CONSENT}-{hashlib.sha256(own.encode()).hexdigest()[:8]}" if own else CONSENT


async def check(parts: Parts) -> None:
    """Open the storage once and close it. Raises StartError."""
    async with AsyncExitStack() as stack:
        await _storage(stack, parts.settings.data)


async def _storage(stack: AsyncExitStack, data: Path) -> Database:
    try:
        return await stack.enter_async_context(Database(data / "citychat.db"))
    except StorageError as error:
        raise StartError(str(error)) from error


async def serve(parts: Parts, out: Callable[[str], None]) -> None:
    """Run until SIGTERM or Ctrl+C. Raises StartError when the port or the storage cannot be had."""
    settings, loop = parts.settings, asyncio.get_running_loop()
    clock, random = SystemClock(loop), SystemRandom()
    async with AsyncExitStack() as stack:
        sockets = _bind(settings.listen, settings.port)
        for listening in sockets:
            stack.callback(listening.close)
        database = await _storage(stack, settings.data)
        tasks = await stack.enter_async_context(Tasks())
        consent = consent_version(parts.texts)
        history = await stack.enter_async_context(SqliteHistory(database, random))
        process = Process(
            name=new_id(random),
            bus=await stack.enter_async_context(LocalBus(loop.call_soon)),
            lobby=await stack.enter_async_context(LocalLobby(clock.wall_ms, random, settings.ring_s)),
            mailbox=await stack.enter_async_context(SqliteMailbox(database, clock)),
            history=history,
            clock=clock,
            random=random,
            tasks=tasks,
            keys=parts.keys,
            places=Places(parts.gazetteer, parts.databases.locate, parts.home),
            gazetteer=parts.gazetteer,
            rules=_rules(settings, consent),
        )
        edge = Edge(
            door=process.door,
            closed=process.joining.closed,
            now_s=clock.monotonic_s,
            logger=log,
            origins=settings.origins,
            trusted_proxies=settings.trusted_proxies,
            connections_per_address=settings.connections_per_address,
        )
        server = edge.http_server(_application(parts, edge, consent))
        server.add_sockets(sockets)
        process.start()
        for line in greeting(parts, sockets[0].getsockname()[1]):
            out(line)
        await _until_signal(loop)
        await _stop(server, process, edge)


def _rules(settings: Settings, consent: str) -> Rules:
    return Rules(
        consent=consent,
        contact=settings.contact,
        history_ms=settings.history_days * DAY_MS,
        message_burst=settings.message_burst,
        message_rate=settings.message_rate,
        guests_per_hour=settings.guests_per_hour,
    )


def _application(parts: Parts, edge: Edge, consent: str) -> Application:
    credit = parts.databases.credit()
    pages = Pages(
        version=citychat.__version__,
        consent=consent,
        contact=parts.settings.contact or None,
        credit=Credit(credit["text"], credit["url"]) if credit else None,
        history_days=parts.settings.history_days,
        texts=parts.texts,
    )
    missing, arguments = pages.missing()
    return Application(
        [*edge.routes(), *pages.routes()], default_handler_class=missing, default_handler_args=arguments
    )


def _bind(host: str, port: int) -> list[socket.socket]:
    """Raises StartError. On a loopback name both families, so that localhost and 127.0.0.1 are the same server."""
    try:
        return bind_sockets(port, host)
    except OSError as error:
        hint = "; another program has it, choose another with --port" if error.errno == 98 else ""
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}{hint}") from error


async def _until_signal(loop: asyncio.AbstractEventLoop) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


async def _stop(server: HTTPServer, process: Process, edge: Edge) -> None:
    server.stop()
    await process.drain()
    await edge.stop()
    await server.close_all_connections()


def greeting(parts: Parts, port: int) -> list[str]:
    """What a start prints, and nothing else (product page, Host)."""
    settings = parts.settings
    is_public = settings.listen not in LOCAL_NAMES
    pool = f"{parts.home.name}, {parts.home.country}" if parts.home else "This network"
    lines = [
        f"CityChat {citychat.__version__}",
        f"Data folder   {settings.data}",
        "Services      embedded (bus, mailbox, history)",
        f"People here   meet in: {pool}",
        f"You           http://localhost:{port}",
        f"A second you  http://127.0.0.1:{port} (same browser, counts as another person)",
    ]
    reach = f"http://{_own_address()}:{port}" if is_public else "start with --listen 0.0.0.0"
    lines.append(f"Phones        {reach} (browsers give a position to https and localhost only)")
    if not parts.has_database:
        lines.append("City database none: guests choose their city; get one with: python -m citychat geoip fetch")
    if is_public and not settings.contact:
        lines.append("Contact       none: guests cannot reach you; name one with --contact")
    return [*lines, "Ctrl+C stops it."]


def _own_address() -> str:
    """This machine's address on the network it would use; nothing is sent."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1, RFC 5737
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def run(settings: Settings) -> None:
    """Prepare and serve, on uvloop where there is one. Raises StartError."""
    parts = prepare(settings)
    with contextlib.suppress(KeyboardInterrupt):
        runner(serve(parts, lambda line: print(line, flush=True)))


def runner(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # no wheel for this system: slower, and otherwise the same
        asyncio.run(main)
    else:
        uvloop.run(main)
