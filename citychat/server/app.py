"""The only composition root: from settings to a running server, and down again in order.

Start: data folder and keys, engines, the process, the edge, the port. Stop (SIGTERM, Ctrl+C): no new pages, pages sent
away in waves, batches finished, engines closed, all by one deadline (``stopping.py``).
"""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer
from tornado.web import Application

import citychat
from citychat.clock import SystemClock, runner
from citychat.edge import Edge
from citychat.handlers import NoticeDesk, NoticeHandler, Pages, Readiness, ShareDesk, sharing_routes
from citychat.limits import Shares
from citychat.model import new_id
from citychat.networks import network
from citychat.places import Places
from citychat.printing import print_if_possible
from citychat.rules import DAY_MS
from citychat.server.board import Board
from citychat.server.engines import OpenEngines, open_engines
from citychat.server.for_host import HostSockets, listen_for_host, serve_host
from citychat.server.greeting import greeting
from citychat.server.listeners import SPARE_FILES, bind_or_say, raise_file_limit
from citychat.server.own_figures import OwnFigures
from citychat.server.process import Policy, Process
from citychat.server.reload import Reloading, credit_of, on_hangup, set_level
from citychat.server.sharing import desk_of
from citychat.server.startup import Resources, StartError, consent_version, prepare
from citychat.server.stopping import AFTER_DRAIN_S, AFTER_PAGES_S, AFTER_TASKS_S, Stopping
from citychat.server.systemd import SystemdNotifier
from citychat.setting_types import EMBEDDED
from citychat.settings import Settings
from citychat.sharing import Crowd
from citychat.tasks import Tasks

if TYPE_CHECKING:
    from citychat.alerts import Teller

ALERTS_S = 15.0
YOUNG_OBJECTS = 10_000  # Python's 700 cost 43 % of the time with 100,000 guests in the lobby, this less than 1 %

log = logging.getLogger(__name__)


async def serve(
    parts: Resources,
    out: Callable[[str], None],
    file_limit: int,
    notifier: SystemdNotifier,
    reread: Callable[[], Settings],
) -> None:
    """Run until SIGTERM or Ctrl+C. ``file_limit``: how many files this process may have open; ``reread`` reads the
    settings anew, for a reload.

    Raises StartError when the port or the storage cannot be had, and when a service turns out to be too old;
    SettingsError for wrong options in URLs, and for keys that are not those of the other processes.
    """
    settings, loop = parts.settings, asyncio.get_running_loop()
    stopped, fatal, stopping = _signals(loop), list[Exception](), Stopping(loop.time)

    def end(error: Exception) -> None:
        fatal.append(error)
        stopped.set()

    async with AsyncExitStack() as stack:
        sockets, for_host = _listen(stack, settings)
        clock, random = SystemClock(loop), SystemRandom()
        opened = await open_engines(stack, settings, parts.keys, clock, random, end, stopping)
        if opened.key_check is not None:
            await stack.enter_async_context(opened.key_check)
        tasks = await stack.enter_async_context(Tasks(clock, random))  # last, so that it ends before what its tasks use
        process = _process(parts, opened, tasks)
        edge = _edge(settings, process)
        teller = _teller(settings, process)
        pages, desk = _pages(parts, _readiness(opened, process, teller), process)
        own = _own_figures(parts, process, pages.ready, edge)
        board = Board(process.name, process.engines.bus, process.tasks, process.engines.clock, own.now)
        server = edge.http_server(_application(pages, edge, board, process, desk), file_limit, SPARE_FILES)
        process.start()
        await serve_host(stack, own, board, edge, pages, sockets[0].getsockname()[1], for_host)
        loop.add_signal_handler(signal.SIGHUP, on_hangup(Reloading(parts, pages, desk, process, reread), stopped.set))
        stack.callback(server.stop)
        server.add_sockets(sockets)
        for line in greeting(parts, sockets, for_host):
            out(line)
        notifier.ready()
        if notifier.beat_s:
            process.start_watchdog(notifier.beat_s, notifier.alive)
        await stopped.wait()
        notifier.stopping()
        await _go(server, edge, process, stopping)
    log.info("Stopped")
    if fatal:
        raise fatal[0]


async def _go(server: HTTPServer, edge: Edge, process: Process, stopping: Stopping) -> None:
    """Send everybody away, and end the work that goes on."""
    server.stop()
    log.info("Stopping: %d pages are sent away to come back", edge.connections)
    await process.drain(stopping.left_s(AFTER_DRAIN_S))
    async with stopping.leaving(AFTER_PAGES_S):
        await edge.stop()
        await server.close_all_connections()
    await process.tasks.close(stopping.left_s(AFTER_TASKS_S))


def _process(parts: Resources, opened: OpenEngines, tasks: Tasks) -> Process:
    return Process(
        new_id(opened.engines.random),
        opened.engines,
        tasks,
        keys=parts.keys,
        places=Places(parts.gazetteer, parts.databases.locate, parts.home, nearby=parts.settings.nearby_towns),
        gazetteer=parts.gazetteer,
        policy=_policy(parts),
        counts=opened.counts,
        carrier=parts.carrier,
    )


def _edge(settings: Settings, process: Process) -> Edge:
    return Edge(
        door=process.door,
        closed=process.joining.closed,
        now_s=process.engines.clock.monotonic_s,
        logger=log,
        origins=settings.origins,
        trusted_proxies=settings.trusted_proxies,
        connections_per_address=settings.connections_per_address,
    )


def _teller(settings: Settings, process: Process) -> "Teller | None":
    """Tell the host of reports, if any way is named."""
    if not settings.alert:
        return None
    from citychat.alerts import Teller, ways

    engines, tasks, dates = process.engines, process.tasks, process.matching.sessions.dates
    teller = Teller(
        process.name, engines.history, engines.clock, engines.random, dates.likely_ms, ways(settings.alert), tasks.retry
    )
    tasks.every(ALERTS_S, teller.look, "alerts")
    return teller


def _readiness(opened: OpenEngines, process: Process, teller: "Teller | None") -> Readiness:
    def ready() -> tuple[bool, Mapping[str, object]]:
        up, shown = opened.status()
        draining = process.joining.draining
        clock = process.matching.sessions.dates.doubt or "ok"
        if teller is not None:  # why is for the log: anybody may read this
            shown = {**shown, "alerts": "not sent, see the log" if teller.trouble else "ok"}
        return up and not draining, {"process": "draining" if draining else "ok", "clock": clock, **shown}

    return ready


def _policy(parts: Resources) -> Policy:
    settings = parts.settings
    return Policy(
        consent=consent_version(parts.texts),
        contact=settings.contact,
        history_ms=settings.history_days * DAY_MS,
        message_burst=settings.message_burst,
        message_rate=settings.message_rate,
        guests_per_hour=settings.guests_per_hour,
        connections_per_address=settings.connections_per_address,
        hours=parts.shared.hours,
    )


def _own_figures(parts: Resources, process: Process, ready: Readiness, edge: Edge) -> OwnFigures:
    data, backup_at = parts.settings.data, None
    if parts.settings.history == EMBEDDED:
        from citychat.server.backup import newest

        backup_at = partial(newest, data)
    return OwnFigures(process, ready, parts.databases, data=data, backup_at=backup_at, sockets=lambda: edge.connections)


def _pages(parts: Resources, ready: Readiness, process: Process) -> tuple[Pages, ShareDesk]:
    desk = desk_of(parts.gazetteer, process.matching.sessions.dates.likely_ms, parts.shared)
    pages = Pages(
        version=citychat.__version__,
        consent=consent_version(parts.texts),
        contact=parts.settings.contact or None,
        credit=credit_of(parts.databases),
        history_days=parts.settings.history_days,
        texts=parts.texts,
        face=parts.face,
        ready=ready,
        closed=lambda: process.matching.sessions.house.word,
        hours=desk.told,
        questions=desk.questions_url,
        now_ms=desk.now_ms,
        push_key=process.matching.signs.public_key,
    )
    return pages, desk


def _application(pages: Pages, edge: Edge, board: Board, process: Process, shared: ShareDesk) -> Application:
    missing, arguments = pages.missing()
    shares = Shares("notices", process.engines.clock.monotonic_s, calm=1)
    desk = NoticeDesk(
        pages,
        edge.is_own_page,
        lambda request: shares.take("", network(edge.address(request))),
        process.matching.moderation.notice,
    )
    sharing = sharing_routes(pages, shared, Crowd(board.here, process.engines.clock.monotonic_s))
    routes = [*pages.probes(), *edge.routes(), (r"/notice", NoticeHandler, {"desk": desk}), *sharing, *pages.routes()]
    return Application(routes, default_handler_class=missing, default_handler_args=arguments, turn=edge.request_turn)


def _listen(stack: AsyncExitStack, settings: Settings) -> tuple[list[socket.socket], HostSockets]:
    """Listen for guests, and for the host. Raises StartError."""
    sockets = bind_or_say(settings.listen, settings.port)
    for listening in sockets:
        stack.callback(listening.close)
    return sockets, listen_for_host(stack, settings)


def _signals(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set by SIGTERM and Ctrl+C; further ones change nothing."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def run(settings: Settings, reread: Callable[[], Settings]) -> None:
    """Prepare and serve, on uvloop where there is one. Raises StartError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    set_level(settings)
    file_limit = raise_file_limit()
    if file_limit < 2 * SPARE_FILES:
        raise StartError(f"only {file_limit} files may be open: allow {2 * SPARE_FILES} or more (ulimit -n)")
    parts = prepare(settings)
    # What is loaded by now lives as long as the process: a full collection need not look at it (15 ms of a pause). Not
    # collected before: of 41,000 objects 600 are garbage, and finding them is 20 ms of a start.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    runner(serve(parts, print_if_possible, file_limit, SystemdNotifier(os.environ), reread))
