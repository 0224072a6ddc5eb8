"""The console, wired to one process: what it works with, its listener, and the socket by which a link is asked for.
Loaded only when ``--console`` is given."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import cast

import msgspec

from citychat.cases import HistoryWithCases
from citychat.console import LINK_S, STEP_S, Backroom, DayCurve, Doorway, application
from citychat.edge import Edge
from citychat.figures import Summary
from citychat.handlers import Pages, built_in
from citychat.server import console_link, status
from citychat.server.own_figures import OwnFigures
from citychat.server.status_socket import answering

PORT = 8889  # on the host's own machine, of a console that listens at a path here
WHO_CHARS = 100


async def serve(
    stack: AsyncExitStack,
    own: OwnFigures,
    edge: Edge,
    pages: Pages,
    port: int,
    sockets: Sequence[socket.socket],
    ask: Callable[[], Awaitable[Summary]],
) -> None:
    """Answer at ``sockets``, and ``citychat console``. ``port``: the guests'; ``ask`` gives the figures of all."""
    engines, tasks = own.process.engines, own.process.tasks
    curve = DayCurve(ask)

    async def lines() -> Sequence[tuple[str, str]]:
        return [*status.lines(await ask(), engines.clock.wall_ms() / 1_000)]

    room = Backroom(
        history=cast(HistoryWithCases, engines.history),  # every adapter is one; guests' parts need not know
        clock=engines.clock,
        doorway=Doorway(engines.clock.monotonic_s, engines.random),
        curve=curve,
        status=lines,
        face=lambda: pages.face,
        rules=lambda: pages.texts.get("rules") or built_in("rules"),
    )
    tasks.spawn(curve.take(), "curve of the day")
    tasks.every(STEP_S, curve.take, "curve of the day")
    server = edge.http_server_for_host(application(room))
    server.add_sockets(sockets)
    stack.callback(server.stop)
    path = own.data / console_link.EACH.replace("*", str(port))
    await stack.enter_async_context(answering(path, partial(_link, room.doorway, sockets[0])))


async def _link(doorway: Doorway, listening: socket.socket, reader: asyncio.StreamReader) -> bytes:
    """Make a new link. Only the server's user and root can ask, and say who they are, as with every command."""
    said = (await reader.readline()).decode("utf-8", "replace").strip()[:WHO_CHARS]
    if not said or not said.isprintable():
        return b""
    name = listening.getsockname()
    if isinstance(name, str):
        host, port, listens = "localhost", PORT, name
    else:
        host, port = f"[{name[0]}]" if ":" in name[0] else name[0], name[1]
        listens = f"{host}:{port}"
    url = f"http://{host}:{port}/enter/{doorway.new_link(said)}"
    return msgspec.json.encode(console_link.ConsoleLink(url, LINK_S // 60, port, listens))
