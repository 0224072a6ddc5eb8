"""The WebSocket handshake: who may connect, before anything is kept for them; and who is not served at all."""

from typing import Any, Protocol

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.routing import Matcher
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler, WebSocketProtocol, WebSocketProtocol13

from citychat.edge.connection import Connection
from citychat.edge.transport import Bounds, PacedProtocol, Transport, WebSocket

Refusal = tuple[int, str, str]
"""Status, code, sentence."""

WEBSOCKET_ONLY: Refusal = (400, "websocket-only", "Connect over WebSocket: set transports to ['websocket'].")
WRONG_VERSION: Refusal = (400, "unsupported-version", "Connect with Engine.IO 4 (Socket.IO 5 protocol), without a sid.")


class Gate(Protocol):
    """Interface of the edge, as a handshake needs it."""

    bounds: Bounds

    def address(self, request: HTTPServerRequest) -> str: ...

    async def request_turn(self, request: HTTPServerRequest) -> Refusal | None: ...

    async def handshake_turn(self, address: str) -> Refusal | None: ...

    def unserved(self, request: HTTPServerRequest) -> Refusal | None: ...

    def refusal(self, request: HTTPServerRequest, address: str) -> Refusal | None: ...

    def connect(self, address: str, channel: WebSocket) -> Connection: ...


def unusable(request: HTTPServerRequest) -> Refusal | None:
    """Return why a request cannot become an Engine.IO 4 WebSocket. Looked at before the upgrade: afterwards the library
    has no way to refuse and leaves a socket that nobody owns."""
    if request.method != "GET" or request.headers.get("Upgrade", "").lower() != "websocket":
        return WEBSOCKET_ONLY
    query = request.query_arguments
    if query.get("transport") != [b"websocket"]:
        return WEBSOCKET_ONLY
    if query.get("EIO") != [b"4"] or "sid" in query:
        return WRONG_VERSION
    return None


def refuse(handler: RequestHandler, refusal: Refusal) -> None:
    """Answer a request with a refusal, and nothing else."""
    status, code, message = refusal
    handler.set_status(status)
    handler.set_header("X-Content-Type-Options", "nosniff")
    if status in (429, 503):
        handler.set_header("Retry-After", "30")
    handler.finish({"ok": False, "error": code, "message": message})


class Unserved(Matcher):
    """Route of the requests that get no answer but a refusal, whatever they ask for."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return what ``RefusingHandler`` needs, or None."""
        refusal = self._gate.unserved(request)
        return None if refusal is None else {"target_kwargs": {"gate": self._gate, "refusal": refusal}}


class RefusingHandler(RequestHandler):
    """The handler of whatever is ``Unserved``."""

    def initialize(self, gate: Gate, refusal: Refusal) -> None:
        self._gate, self._refusal = gate, refusal

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    async def prepare(self) -> None:
        refuse(self, await self._gate.request_turn(self.request) or self._refusal)


class Handshake(WebSocketHandler):
    """The handler of ``/socket.io/``; takes the place of python-socketio's."""

    gate: Gate
    _address: str
    _connection: Connection | None = None
    transport: Transport | None = None

    def initialize(self, gate: Gate) -> None:
        self.gate = gate

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    async def prepare(self) -> None:
        self._address = self.gate.address(self.request)
        refusal = await self.gate.handshake_turn(self._address)
        refusal = refusal or unusable(self.request) or self.gate.refusal(self.request, self._address)
        if refusal is not None:
            refuse(self, refusal)

    def check_origin(self, origin: str) -> bool:
        return True  # decided in prepare(), by an exact rule that does not believe Sec-Fetch-Site

    def get_compression_options(self) -> dict[str, Any] | None:
        return None  # a compressor and a decompressor cost 160 kB for every idle connection

    @property
    def max_message_size(self) -> int:
        return self.gate.bounds.frame_bytes

    def get_websocket_protocol(self) -> WebSocketProtocol | None:
        plain = super().get_websocket_protocol()
        return PacedProtocol(self, False, plain.params) if isinstance(plain, WebSocketProtocol13) else plain

    def open(self, *args: str, **kwargs: str) -> None:
        # Without it an ack followed by another frame waits for the client's delayed TCP ack: 44 ms.
        self.set_nodelay(True)
        self._connection = self.gate.connect(self._address, self)
        self.request.headers = HTTPHeaders()  # Tornado keeps the request as long as the page: up to 40 kB for nothing
        self.transport = self._connection.transport
        # Bound straight to the transport: a call less for each frame.
        self.on_message = self.transport.heard  # type: ignore[method-assign, assignment]
        self.transport.start()

    def on_message(self, message: str | bytes) -> Any:
        """Take nothing: no page is connected yet."""

    def on_close(self) -> None:
        if self._connection is not None:
            self._connection.ended()

    def shake_hands_and_close(self, code: int) -> None:
        self.close(code)


def logs_nothing(handler: RequestHandler) -> None:
    """Tornado's ``log_function``: its own writes addresses and query strings."""
