"""Listeners for the host alone: figures for Prometheus, the console, and the sockets by which commands ask."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from tornado.netutil import bind_unix_socket

from citychat.edge import Edge
from citychat.handlers import Pages
from citychat.server import status
from citychat.server.board import Board
from citychat.server.listeners import bind_or_say
from citychat.server.own_figures import OwnFigures
from citychat.server.startup import StartError
from citychat.server.status_socket import answering
from citychat.setting_types import host_and_port
from citychat.settings import Settings

DAY_LOOK_S = 60.0


class HostSockets(NamedTuple):
    """The listening sockets for the host; none where the settings name none."""

    metrics: Sequence[socket.socket] = ()
    console: Sequence[socket.socket] = ()


NO_HOST_SOCKETS = HostSockets()


def listen_for_host(stack: AsyncExitStack, settings: Settings) -> HostSockets:
    """Listen where the settings say. Raises StartError."""
    metrics = bind_or_say(*host_and_port(settings.metrics), "--metrics") if settings.metrics else []
    console = list[socket.socket]()
    if settings.console.startswith("/"):
        console = [_at_path(stack, Path(settings.console))]
    elif settings.console:
        console = bind_or_say(*host_and_port(settings.console), "--console")
    for listening in (*metrics, *console):
        stack.callback(listening.close)
    return HostSockets(metrics, console)


def _at_path(stack: AsyncExitStack, path: Path) -> socket.socket:
    """Raises StartError."""
    with socket.socket(socket.AF_UNIX) as other, suppress(OSError):
        other.connect(str(path))
        raise StartError(f"cannot listen on {path}: another program has it, choose another with --console")
    try:
        listening = bind_unix_socket(str(path), mode=0o600)  # in place of one that a killed process has left
    except (OSError, ValueError) as error:
        raise StartError(f"cannot listen on {path}: {getattr(error, 'strerror', None) or error}") from error
    stack.callback(partial(path.unlink, missing_ok=True))
    return listening


async def serve_host(
    stack: AsyncExitStack, own: OwnFigures, board: Board, edge: Edge, pages: Pages, port: int, sockets: HostSockets
) -> None:
    """Answer the host's commands, and at ``sockets``. ``port``: the guests', by which a process is told from others."""
    process = own.process
    board.start()
    process.tasks.every(DAY_LOOK_S, own.turn_day, "figures of the day")

    async def figures(_: asyncio.StreamReader) -> bytes:
        return msgspec.json.encode(await board.ask())

    await stack.enter_async_context(answering(own.data / status.EACH.replace("*", str(port)), figures))
    if sockets.metrics:
        from citychat.server import metrics

        server = edge.http_server_for_host(metrics.application(own))
        server.add_sockets(sockets.metrics)
        stack.callback(server.stop)
    if sockets.console:
        from citychat.server import host_console

        await host_console.serve(stack, own, edge, pages, port, sockets.console, board.ask)
