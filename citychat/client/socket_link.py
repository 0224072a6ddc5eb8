"""A page's link on python-socketio's client: WebSocket only, both namespaces, no reconnection of its own (the page
decides). The terminal guest, the load programme and the tests with real processes are connected by it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aiohttp

from citychat.client.page import Answer
from citychat.client.shapes import Row
from citychat.leaving_out import leaving_out

with leaving_out("requests", "redis"):  # of the client that knows no asyncio, and of brokers
    import engineio
    import socketio

engineio.async_client.aiohttp = aiohttp  # where the server's door came first, the library was imported without it
NAMESPACES = ("/user", "/chat")
OPEN_S = 8.0  # from the first packet to both namespaces, as static/socket.js has it

_silent = logging.getLogger("citychat.client.socket_link")
_silent.disabled = True  # a link that breaks is the page's business, and what it carries is nobody's


class _EngineClient(engineio.AsyncClient):  # type: ignore[misc]  # the library is untyped
    """Tells of every packet: pings are signs of life too, and the library has no event for them."""

    heard: Callable[[], None]

    async def _receive_packet(self, pkt: object) -> None:
        self.heard()
        await super()._receive_packet(pkt)


class _SocketClient(socketio.AsyncClient):  # type: ignore[misc]  # the library is untyped
    def _engineio_client_class(self) -> type[_EngineClient]:
        return _EngineClient


class LinkedPage(Protocol):
    """Interface of a page, as its link calls it."""

    def opened(self) -> None: ...

    def event(self, name: str, payload: Mapping[str, Any]) -> None: ...

    def heard(self) -> None: ...

    def closed(self) -> None: ...


class SocketLink:
    """A ``page.Link`` to the server at ``url``. Set ``page`` before the first ``open``; lives on one event loop.
    ``headers``: of its handshake, besides those that every WebSocket has."""

    page: LinkedPage

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        self.url, self.headers = url, dict(headers or {})
        self._attempt: _Attempt | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        self.close()
        self._attempt = _Attempt(self)
        self._keep(self._attempt.task)

    def emit(self, event: str, payload: Row, answer: Answer | None = None) -> None:
        if self._attempt is not None:
            self._attempt.emits.put_nowait((event, payload, answer))

    def close(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.task.cancel()

    def is_current(self, attempt: "_Attempt") -> bool:
        """Tell whether this attempt is the page's; one that was given up must be heard no more."""
        return self._attempt is attempt

    def over(self, attempt: "_Attempt") -> None:
        if self._attempt is attempt:
            self._attempt = None
            self.page.closed()

    async def finish(self) -> None:
        """Give the connection up, and wait until every one is closed."""
        self.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _keep(self, task: "asyncio.Task[None]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Attempt:
    """One connection, from opening to its end."""

    def __init__(self, link: SocketLink) -> None:
        self.link = link
        self.emits: asyncio.Queue[tuple[str, Row, Answer | None]] = asyncio.Queue()  # the page's window bounds it
        self.client = _SocketClient(reconnection=False, logger=_silent, engineio_logger=_silent, handle_sigint=False)
        self.client.eio.heard = self._heard
        self.missing = set(NAMESPACES)
        self.closing = False
        for namespace in NAMESPACES:
            self.client.on("connect", self._connected(namespace), namespace=namespace)
            self.client.on("disconnect", self._disconnected, namespace=namespace)
            self.client.on("*", self._event, namespace=namespace)
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        sender = asyncio.create_task(self._send())
        try:
            async with asyncio.timeout(OPEN_S) as self.limit:
                await self.client.connect(
                    self.link.url, self.link.headers, transports=["websocket"], namespaces=[*NAMESPACES], wait=False
                )
                await asyncio.shield(self.client.eio.wait())
        except (socketio.exceptions.SocketIOError, TimeoutError, OSError, ValueError, LookupError, TypeError):
            pass  # no server, or something else that answers there: for a page it is a broken link either way
        finally:
            self.closing = True
            sender.cancel()
            self.link.over(self)
            await self.client.disconnect()

    def _connected(self, namespace: str) -> Callable[[], None]:
        def connected() -> None:
            self.missing.discard(namespace)
            if not self.missing and self.link.is_current(self):
                self.limit.reschedule(None)
                self.link.page.opened()

        return connected

    def _disconnected(self, reason: str) -> None:
        """One namespace is enough: a page without the other is no page."""
        if not self.closing:
            self.task.cancel()

    def _heard(self) -> None:
        if self.link.is_current(self):
            self.link.page.heard()

    def _event(self, event: str, payload: Mapping[str, Any]) -> None:
        if self.link.is_current(self):
            self.link.page.event(event, payload)

    async def _send(self) -> None:
        """One after the other, so that events leave in the order of the calls."""
        while True:
            event, payload, answer = await self.emits.get()
            try:
                await self.client.emit(
                    event,
                    payload,
                    namespace="/chat" if event.startswith("chat-") else "/user",
                    callback=self._answered(answer) if answer else None,
                )
            except socketio.exceptions.BadNamespaceError:
                return  # the connection has just ended

    def _answered(self, answer: Answer) -> Answer:
        def answered(payload: Mapping[str, Any]) -> None:
            if self.link.is_current(self):
                answer(payload)

        return answered
