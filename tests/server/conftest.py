"""A real server with a real edge on a free port; its door records what comes and answers as told."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import socketio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from citychat.edge import Connection, Edge, Reply
from tests.server.rawclient import Raw

LOG = logging.getLogger("tests.edge")


class Site:
    """An edge behind a port, with everything its door has seen."""

    def __init__(self, **options: Any) -> None:
        self.events: list[tuple[Connection, str, object]] = []
        self.closed: list[Connection] = []
        self.on: dict[str, Callable[[Connection, Any, Reply | None], Awaitable[None]]] = {}
        self.now_s = time.monotonic
        options = {"now_s": lambda: self.now_s(), "logger": LOG, **options}
        self.edge = Edge(door=self._door, closed=self.closed.append, **options)
        self.server: HTTPServer
        self.port = 0

    async def _door(self, connection: Connection, event: str, payload: object, reply: Reply | None) -> None:
        self.events.append((connection, event, payload))
        if event in self.on:
            await self.on[event](connection, payload, reply)
        elif reply is not None:
            reply({"ok": True, "echo": payload})

    def start(self) -> None:
        self.server = self.edge.http_server(Application(self.edge.routes()))
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self.server.add_sockets(sockets)

    async def stop(self) -> None:
        self.server.stop()
        await self.edge.stop()
        await self.server.close_all_connections()

    async def until(self, true: Callable[[], bool], within_s: float = 5.0) -> None:
        """Wait for something the server does after its last answer."""
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.005)

    async def page(self, **headers: str) -> Raw:
        return await Raw.page(self.port, headers)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[socketio.AsyncClient]:
        """python-socketio's own client, with both namespaces."""
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(f"http://127.0.0.1:{self.port}", transports=["websocket"], namespaces=["/user", "/chat"])
        try:
            yield client
        finally:
            await client.disconnect()


Open = Callable[..., Site]


@pytest.fixture
async def site() -> AsyncIterator[Open]:
    """Start a server; options are the edge's."""
    running: list[Site] = []

    def start(**options: Any) -> Site:
        new = Site(**options)
        new.start()
        running.append(new)
        return new

    yield start
    for each in running:
        await each.stop()
