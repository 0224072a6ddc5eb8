"""The only composition root: from settings to a running server, and down again in order.

Start: data folder and keys, storage, the process, the edge, the port. Stop (SIGTERM, Ctrl+C): no new pages, pages sent
away in waves, batches finished, storage closed.
"""

import asyncio
import errno
import gc
import hashlib
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

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
from citychat.listening import SPARE_FILES, bind, own_names, public_name, raise_file_limit
from citychat.model import DAY_MS, new_id
from citychat.places import Places
from citychat.ports import Timer
from citychat.process import Process, Rules
from citychat.settings import Settings
from citychat.tasks import Tasks
from citychat.tokens import KeyFileError, Keys, load_keys

CONSENT = "1"  # the version of the built-in rules; a host's own rules make their own
YOUNG_OBJECTS = 10_000  # Python's 700 cost 43 % of the time with 100,000 guests in the lobby, this less than 1 %

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
    _make_folder(data)
    gazetteer = Gazetteer()
    try:
        geoip = files(data, settings.geoip)
        return Parts(
            settings=settings,
            keys=load_keys(settings.secret_file, SystemRandom()),
            gazetteer=gazetteer,
            home=_home(gazetteer, settings.home_city),
            databases=Databases(geoip),
            has_database=bool(geoip),
            texts=own_texts(data),
        )
    except OSError as error:
        raise StartError(f"cannot read {error.filename or data}: {error.strerror}") from error
    except (KeyFileError, ValueError) as error:
        raise StartError(str(error)) from error


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        problem = "" if os.access(data, os.R_OK | os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except FileExistsError:
        problem = os.strerror(errno.ENOTDIR)
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        raise StartError(f"cannot use the data folder {data}: {problem}; name another with --data")


def _home(gazetteer: Gazetteer, name: str) -> City | None:
    try:
        return gazetteer.named(name) if name else None
    except ValueError as error:
        raise StartError(f"home_city: {error}") from error


def own_texts(data: Path) -> dict[str, str]:
    """The host's own rules.md, privacy.md and imprint.md, where there are any. Raises StartError, OSError."""
    texts = {}
    for name in TEXTS:
        path = data / f"{name}.md"
        try:
            texts[name] = path.read_text("utf-8")
        except FileNotFoundError:
            continue
        except UnicodeDecodeError as error:
            raise StartError(f"{path} is not UTF-8 text: save it as UTF-8, or move it away") from error
    return texts


def consent_version(texts: dict[str, str]) -> str:
    """Changes whenever the host's own rules or privacy notice do, so that everybody is asked again."""
    own = {name: texts[name] for name in ("rules", "privacy") if name in texts}
    return f"{CONSENT}-{hashlib.sha256(json.dumps(own).encode()).hexdigest()[:8]}" if own else CONSENT


async def check(parts: Parts) -> None:
    """Open the storage once and close it. Raises StartError."""
    async with AsyncExitStack() as stack:
        await _storage(stack, parts.settings.data)


async def _storage(stack: AsyncExitStack, data: Path) -> Database:
    try:
        return await stack.enter_async_context(Database(data / "citychat.db"))
    except StorageError as error:
        raise StartError(str(error)) from error


async def serve(parts: Parts, out: Callable[[str], None], file_limit: int) -> None:
    """Run until SIGTERM or Ctrl+C. ``file_limit``: how many files this process may have open.

    Raises StartError when the port or the storage cannot be had.
    """
    settings, loop = parts.settings, asyncio.get_running_loop()
    clock, random = SystemClock(loop), SystemRandom()
    stopped = _signals(loop)
    async with AsyncExitStack() as stack:
        sockets = _bind(settings.listen, settings.port)
        for listening in sockets:
            stack.callback(listening.close)
        database = await _storage(stack, settings.data)
        consent = consent_version(parts.texts)
        process = Process(
            name=new_id(random),
            bus=await stack.enter_async_context(LocalBus(loop.call_soon)),
            lobby=await stack.enter_async_context(LocalLobby(clock.wall_ms, random, settings.ring_s)),
            mailbox=await stack.enter_async_context(SqliteMailbox(database, clock)),
            history=await stack.enter_async_context(SqliteHistory(database)),
            clock=clock,
            random=random,
            tasks=await stack.enter_async_context(Tasks()),  # last, so that it ends before what its tasks use
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
        server = edge.http_server(_application(parts, edge, consent), file_limit, SPARE_FILES)
        process.start()
        stack.callback(server.stop)
        server.add_sockets(sockets)
        for line in greeting(parts, sockets):
            out(line)
        await stopped.wait()
        server.stop()
        log.info("Stopping: %d pages are sent away to come back", edge.connections)
        await process.drain()
        await edge.stop()
        await server.close_all_connections()
    log.info("Stopped")


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
    return Application([*edge.routes(), *pages.routes()], default_handler_class=missing, default_handler_args=arguments)


def _bind(host: str, port: int) -> list[socket.socket]:
    """Raises StartError."""
    try:
        return bind(host, port)
    except OSError as error:
        hints = {
            errno.EADDRINUSE: "; another program has it, choose another with --port",
            errno.EACCES: "; this user may not, choose one above 1023 with --port",
        }
        hint = hints.get(error.errno or 0, "")
        raise StartError(f"cannot listen on {host} port {port}: {error.strerror or error}{hint}") from error


def _signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set by SIGTERM and Ctrl+C; further ones change nothing."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def greeting(parts: Parts, sockets: Sequence[socket.socket]) -> list[str]:
    """What a start prints, and nothing else (product page, Host)."""
    port, names, public = sockets[0].getsockname()[1], own_names(sockets), public_name(sockets)
    pool = f"{parts.home.name}, {parts.home.country}" if parts.home else "This network"
    second = (f"{names[1]}:{port}", "same browser") if names[1:] else (f"{names[0]}:{port}", "in a private window")
    reach = f"http://{public}:{port}" if public else "start with --listen 0.0.0.0"
    lines = [
        f"CityChat {citychat.__version__}",
        f"Data folder   {parts.settings.data}",
        "Services      embedded (bus, mailbox, history)",
        f"People here   meet in: {pool}",
        f"You           http://{names[0]}:{port}",
        f"A second you  http://{second[0]} ({second[1]}, counts as another person)",
        f"Phones        {reach} (browsers give a position to https and localhost only)",
    ]
    if not parts.has_database:
        lines.append("City database none: guests choose their city; get one with: python -m citychat geoip fetch")
    if public and not parts.settings.contact:
        lines.append("Contact       none: guests cannot reach you; name one with --contact")
    return [*lines, "Ctrl+C stops it."]


def run(settings: Settings) -> None:
    """Prepare and serve, on uvloop where there is one. Raises StartError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    file_limit = raise_file_limit()
    if file_limit < 2 * SPARE_FILES:
        raise StartError(f"only {file_limit} files may be open: allow {2 * SPARE_FILES} or more (ulimit -n)")
    parts = prepare(settings)
    # What is loaded by now lives as long as the process: a full collection need not look at it (15 ms of a pause).
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    runner(serve(parts, lambda line: print(line, flush=True), file_limit))


def runner(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # no wheel for this system: slower, and otherwise the same
        asyncio.run(main)
    else:
        uvloop.run(main)
