"""A real server with a real edge on a free port; its door records what comes and answers as told."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import socketio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from citychat.edge import Bounds, Connection, Edge, Reply
from citychat.handlers import Pages
from tests.server.rawclient import SOCKETIO, Raw
from tests.support.patience import PATIENCE_S

LOG = logging.getLogger("tests.edge")
PAGES = Pages(version="1.2.3", consent="1", contact=None, credit=None, history_days=30)


class Site:
    """An edge behind a port, with everything its door has seen. Its door knows no joins: unless ``joins``, what bounds
    those who have not joined is off. With ``pages`` the page and its files are there too."""

    def __init__(self, *, joins: bool = False, pages: bool = False, bounds: Bounds = Bounds(), **options: Any) -> None:  # noqa: B008  # frozen
        self.events: list[tuple[Connection, str, object]] = []
        self.closed: list[Connection] = []
        self.on: dict[str, Callable[[Connection, Any, Reply | None], Awaitable[None]]] = {}
        self.now_s = time.monotonic
        self._raws: list[Raw] = []
        self._pages = pages
        bounds = bounds if joins else replace(bounds, frames_before_join=sys.maxsize)
        options = {"now_s": lambda: self.now_s(), "logger": LOG, "bounds": bounds, **options}
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
        routes = [*PAGES.probes(), *self.edge.routes(), *PAGES.routes()] if self._pages else self.edge.routes()
        missing, arguments = PAGES.missing()
        app = Application(
            routes, default_handler_class=missing, default_handler_args=arguments, turn=self.edge.request_turn
        )
        self.server = self.edge.http_server(app)
        sockets = bind_sockets(0, "127.0.0.1")
        self.port = sockets[0].getsockname()[1]
        self.server.add_sockets(sockets)

    async def stop(self) -> None:
        for raw in self._raws:
            await raw.close()
        self.server.stop()
        await self.edge.stop()
        await self.server.close_all_connections()

    async def until(self, true: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Wait for something the server does after its last answer."""
        async with asyncio.timeout(within_s):
            while not true():  # noqa: ASYNC110  # what it waits for has no event of its own
                await asyncio.sleep(0.005)

    async def connect(
        self, headers: Mapping[str, str] | None = None, path: str = SOCKETIO, own_address: str = "127.0.0.1"
    ) -> Raw:
        """A WebSocket that has said nothing yet. Raises Refused."""
        return self._kept(await Raw.connect(self.port, headers, path, own_address))

    async def page(self, headers: Mapping[str, str] | None = None, own_address: str = "127.0.0.1") -> Raw:
        """Both namespaces connected."""
        return self._kept(await Raw.page(self.port, headers, own_address))

    async def tcp(self) -> Raw:
        return self._kept(await Raw.tcp(self.port))

    def _kept(self, raw: Raw) -> Raw:
        self._raws.append(raw)
        return raw

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[socketio.AsyncClient]:
        """python-socketio's own client, with both namespaces."""
        client = socketio.AsyncClient(reconnection=False)
        await client.connect(f"http://127.0.0.1:{self.port}", transports=["websocket"], namespaces=["/user", "/chat"])
        try:
            yield client
        finally:
            await client.disconnect()


async def is_well(page: Raw, number: int = 900) -> None:
    """The page says something and is answered."""
    await page.send(f'42/user,{number}["user-join",{{}}]')
    assert (await page.packet())[0] == f"43/user,{number}"


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
