"""The edge: everything that bends Tornado, python-engineio and python-socketio, and the connected pages.

Behind it stands one door, awaited for every event of a page. Nothing else touches private parts of these libraries.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application

from citychat.edge.client_address import (
    ClientAddresses,
    ConnectionLimiter,
    is_own_name,
    names_of,
    peer_network,
    plain_share,
    said_by_proxy,
    same_origin,
)
from citychat.edge.connection import Connection, ConnectionContext, Reply
from citychat.edge.handshake import Handshake, Refusal, RefusingHandler, Unserved, logs_nothing
from citychat.edge.listener import BoundedServer, Capacity
from citychat.edge.pings import PingWheel
from citychat.edge.redaction import RateLimitedLog, RefusalLog, hush_libraries
from citychat.edge.socketio_server import Door, SocketIOServer
from citychat.edge.transport import Bounds
from citychat.edge.websocket import WebSocket
from citychat.limits import Shares, bound
from citychat.networks import network, own_network, parsed_network

__all__ = ["Bounds", "Connection", "Door", "Edge", "Reply"]

_HEADER_BYTES = 40 * 1024  # 32 kB of cookies that other sites of the parent domain have set come along
_HEADERS_WITHIN_S = 10.0  # Tornado's own: an hour
_HOST_SEATS = 16  # a scrape needs one
_BODY_BYTES = 64 * 1024
_READ_BYTES = 128 * 1024  # per socket; Tornado's own: 100 MB
_CLOSING_S = 6.0  # a client has 5 s for the closing handshake

STOPPING: Refusal = (503, "unavailable", "The server is restarting. Nothing is lost.")
NO_CLIENT: Refusal = (
    502,
    "unknown-client",
    "The proxy in front of this server does not say for whom it asks. Whoever runs it: let it set X-Forwarded-For to "
    "the client's address, or take it out of trusted_proxies.",
)
OTHER_NAME: Refusal = (
    421,
    "unknown-name",
    "On its own network this server goes by its address, localhost and the names in origins. Whoever runs it: to serve "
    "the name that was asked for, add it to origins.",
)
FOREIGN: Refusal = (403, "foreign-origin", "This page may not connect here.")
TOO_FAST: Refusal = (429, "busy", "Too many requests at once. Try again in a minute.")
TOO_MANY: Refusal = (429, "busy", "Too many connections from your network. Try again in a minute.")


class Edge:
    """Pages in, events to the ``door``, ``closed`` once for each page that is gone.

    ``origins``: pages of other sites that may connect, as browsers write them (``https://example.org``); their names
    are served on the own network too. ``trusted_proxies``: addresses or networks whose ``X-Forwarded-For`` is believed;
    raises ValueError for others.
    ``connections_per_address``: for each IPv4 address or IPv6 /64, ten times as many of a /48; loopback is unlimited.
    ``allow_connection`` may refuse an address for another reason (answered 429). ``now_s`` is monotonic.
    """

    def __init__(
        self,
        *,
        door: Door,
        closed: Callable[[Connection], None],
        now_s: Callable[[], float],
        logger: logging.Logger,
        origins: Iterable[str] = (),
        trusted_proxies: Iterable[str] = ("127.0.0.1", "::1"),
        connections_per_address: int = bound("connections"),
        allow_connection: Callable[[str], bool] = lambda address: True,
        bounds: Bounds = Bounds(),  # noqa: B008  # frozen
    ) -> None:
        hush_libraries(now_s)
        trusted = tuple(parsed_network(text) for text in trusted_proxies)
        self.bounds = bounds
        self.address: Callable[[HTTPServerRequest], str] = ClientAddresses(trusted, now_s, logger)
        """The client's address of a request, for pages as well."""
        self._closed = closed
        self._origins = frozenset(origins)
        self._names = names_of(self._origins)
        self._allow = allow_connection
        self._per_network = connections_per_address
        self._connections_of = ConnectionLimiter(connections_per_address)
        self._peer_network = lambda peer: peer_network(peer, trusted)
        self._now_s = now_s
        self._logger = logger
        self._refusals = RefusalLog(logger, now_s)
        self._server = SocketIOServer(door)
        scale = max(1.0, connections_per_address / bound("connections"))
        self._arrivals = Shares("arrivals", now_s, scale)
        self._handshakes = Shares("handshakes", now_s, scale)
        self._requests = Shares("requests", now_s, scale, calm=bound("requests of a visit"))
        self._held = 0
        self._around = ConnectionContext(
            bounds, now_s, self._server.dispatch, self._gone, PingWheel(max(bounds.ping_s, bounds.answer_s)),
            self._refusals, logger,
            Shares("frames", now_s, scale), Shares("refused joins", now_s, scale),
        )  # fmt: skip
        self._deserted = asyncio.Event()
        self._deserted.set()
        self._stopping = False

    @property
    def connections(self) -> int:
        """Return how many pages are connected."""
        return len(self._server.connections)

    def routes(self) -> list[Any]:
        """The Tornado routes of what is not served at all, which must stand before all that is, and of the Socket.IO
        endpoint."""
        return [Rule(Unserved(self), RefusingHandler), (r"/socket\.io/", Handshake, {"gate": self})]

    def http_server(self, app: Application, files: int = sys.maxsize, spare: int = 0) -> BoundedServer:
        """The server for ``app``, with every bound set and without access log. No ``xheaders``: with them Tornado
        believes ``X-Real-Ip`` from anybody.

        ``files``: how many files the process may have open; ``spare`` of them stay free of connections.
        """
        plain = ConnectionLimiter(plain_share(self._per_network, files - spare), files - spare)
        return self._bounded(app, files, spare, plain, self._arrivals, self._peer_network)

    def http_server_for_host(self, app: Application) -> BoundedServer:
        """The server for an ``app`` that is for the host alone, on a listener of its own: all who come, from wherever,
        are one network with few connections, which may have the files that are spared."""
        arrivals, seats = Shares("arrivals", self._now_s), ConnectionLimiter(_HOST_SEATS)
        return self._bounded(app, sys.maxsize, 0, seats, arrivals, lambda _: "whoever")

    def _bounded(
        self,
        app: Application,
        files: int,
        spare: int,
        seats: ConnectionLimiter,
        arrivals: Shares,
        source: Callable[[str], str],
    ) -> BoundedServer:
        app.settings["log_function"] = logs_nothing
        refusals, troubles = RefusalLog(self._logger, self._now_s), RateLimitedLog(self._now_s, "this trouble")
        return BoundedServer(
            app,
            capacity=Capacity(files, spare, seats, arrivals, source, refusals, troubles, self._logger),
            decompress_request=False,
            max_header_size=_HEADER_BYTES,
            idle_connection_timeout=_HEADERS_WITHIN_S,
            body_timeout=_HEADERS_WITHIN_S,
            max_body_size=_BODY_BYTES,
            max_buffer_size=_READ_BYTES,
        )

    def unserved(self, request: HTTPServerRequest) -> Refusal | None:
        """Return why nothing is answered to this request, or None: nobody knows whose it is, or somebody else may have
        led a browser on the own network here."""
        address = self.address(request)
        if not address:
            self._refusals.note(
                "a proxy",
                f"a trusted proxy that does not say for whom it asks (it sends {said_by_proxy(request)}): let it set "
                "X-Forwarded-For to the client's address, or take it out of trusted_proxies",
            )
            return NO_CLIENT
        if own_network(address) and not is_own_name(request.host, self._names):
            self._refusals.note(
                "a name",
                "a name that is not ours, asked for on our own network: to serve a name there, add it to origins",
            )
            return OTHER_NAME
        return None

    async def request_turn(self, request: HTTPServerRequest) -> Refusal | None:
        """Wait until a request for the page or a file may be answered; return why it may not, or None."""
        return await self._turn(self._requests, network(self.address(request)))

    async def handshake_turn(self, address: str) -> Refusal | None:
        """Wait until a handshake of this client may go on; return why it may not, or None."""
        return await self._turn(self._handshakes, network(address))

    async def _turn(self, shares: Shares, source: str) -> Refusal | None:
        """Hold what comes too fast. Also what is refused is held: who is answered at once asks again at once."""
        patience_s = self.bounds.patience_s
        wait_s = shares.take("", source, patience_s)
        refusal = TOO_FAST if wait_s > patience_s else None
        if wait_s and self._held >= bound("held requests"):
            refusal = TOO_FAST
        elif wait_s:
            self._held += 1
            try:
                await asyncio.sleep(min(wait_s, patience_s))
            finally:
                self._held -= 1
        if refusal is not None:
            self._refusals.note(source, "requests of one network, or of all, that came too fast")
        return refusal

    def refusal(self, request: HTTPServerRequest, address: str) -> Refusal | None:
        """Return why this client may not connect now, or None."""
        if self._stopping:
            return STOPPING
        origin = request.headers.get("Origin")
        source = network(address)
        # No Origin: not a browser. Nothing is authenticated by cookie, so such a client only speaks for itself.
        if origin is not None and not same_origin(origin, request.headers.get("Host", ""), self._origins):
            self._refusals.note(source, "a page of another site (to let it connect, add it to origins)")
            return FOREIGN
        if not (self._connections_of.free(source) and self._allow(address)):
            self._refusals.note(source, "too many connections of one network")
            return TOO_MANY
        return None

    def is_own_page(self, request: HTTPServerRequest) -> bool:
        """Tell whether a form was sent from a page of ours, or by no browser: else pages of others could have their
        visitors send it."""
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
        ours = origin is None or same_origin(origin, request.headers.get("Host", ""), self._origins)
        return ours and site == "same-origin"

    def connect(self, address: str, channel: WebSocket) -> None:
        """Keep a new connection from now until it ends."""
        connection = Connection(self._server.new_id(), address, channel, self._around)
        self._connections_of.take(connection.source)
        self._server.enter(connection)
        self._deserted.clear()
        connection.transport.start()

    def _gone(self, connection: Connection) -> None:
        self._server.leave(connection)
        self._connections_of.give_back(connection.source)
        if not self._server.connections:
            self._deserted.set()
        self._closed(connection)

    async def stop(self) -> None:
        """Let nobody in any more, close every page after what was emitted to it, and wait until all are gone."""
        self._stopping = True
        for connection in list(self._server.connections.values()):
            connection.close("stopping")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                await self._deserted.wait()
