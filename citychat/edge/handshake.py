"""The WebSocket handshake: who may connect, before anything is kept for them; and who is not served at all."""

import base64
import hashlib
import re
import socket
from typing import Any, Protocol

from tornado.httputil import HTTPServerRequest
from tornado.iostream import IOStream
from tornado.routing import Matcher
from tornado.web import RequestHandler

from citychat.edge.transport import Bounds
from citychat.edge.websocket import WebSocket

Refusal = tuple[int, str, str]
"""Status, code, sentence."""

WEBSOCKET_ONLY: Refusal = (400, "websocket-only", "Connect over WebSocket: set transports to ['websocket'].")
WRONG_VERSION: Refusal = (400, "unsupported-version", "Connect with Engine.IO 4 (Socket.IO 5 protocol), without a sid.")
WRONG_WEBSOCKET: Refusal = (426, "unsupported-version", "Connect over WebSocket 13.")
WRONG_HTTP: Refusal = (400, "websocket-only", "Upgrade a request of HTTP/1.1; a proxy in between must ask so, too.")
WRONG_KEY: Refusal = (400, "websocket-only", "Send one Sec-WebSocket-Key: 16 random bytes in base64.")
_VERSION = "13"
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")
_ANSWERS_KEYS = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Gate(Protocol):
    """Interface of the edge, as a handshake needs it."""

    bounds: Bounds

    def address(self, request: HTTPServerRequest) -> str: ...

    async def request_turn(self, request: HTTPServerRequest) -> Refusal | None: ...

    async def handshake_turn(self, address: str) -> Refusal | None: ...

    def unserved(self, request: HTTPServerRequest) -> Refusal | None: ...

    def refusal(self, request: HTTPServerRequest, address: str) -> Refusal | None: ...

    def connect(self, address: str, channel: WebSocket) -> None: ...


def unusable(request: HTTPServerRequest) -> Refusal | None:
    """Return why a request cannot become an Engine.IO 4 WebSocket (RFC 6455 §4.2.1). Looked at before the upgrade:
    afterwards there is no way to refuse, but by a close that a client which is none would not understand."""
    if request.method != "GET" or request.headers.get("Upgrade", "").lower() != "websocket":
        return WEBSOCKET_ONLY
    query = request.query_arguments
    if query.get("transport") != [b"websocket"]:
        return WEBSOCKET_ONLY
    if query.get("EIO") != [b"4"] or "sid" in query:
        return WRONG_VERSION
    if request.version == "HTTP/1.0":
        return WRONG_HTTP
    headers = request.headers
    if "upgrade" not in [option.strip().lower() for option in headers.get("Connection", "").split(",")]:
        return WEBSOCKET_ONLY
    if headers.get("Sec-WebSocket-Version") != _VERSION:
        return WRONG_WEBSOCKET
    return None if _KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")) else WRONG_KEY


def accept_value(key: str) -> str:
    """The answer that only a WebSocket server gives to the key of a handshake (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _ANSWERS_KEYS).digest()).decode()


def refuse(handler: RequestHandler, refusal: Refusal) -> None:
    """Answer a request with a refusal, and nothing else."""
    status, code, message = refusal
    handler.set_status(status)
    handler.set_header("X-Content-Type-Options", "nosniff")
    if status in (429, 503):
        handler.set_header("Retry-After", "30")
    if status == 426:
        handler.set_header("Sec-WebSocket-Version", _VERSION)
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


class Handshake(RequestHandler):
    """The handler of ``/socket.io/``; takes the place of python-socketio's."""

    _address: str

    def initialize(self, gate: Gate) -> None:
        self._gate = gate

    def set_default_headers(self) -> None:
        self.clear_header("Server")

    async def prepare(self) -> None:
        self._address = self._gate.address(self.request)
        refusal = await self._gate.handshake_turn(self._address)
        refusal = refusal or unusable(self.request) or self._gate.refusal(self.request, self._address)
        if refusal is not None:
            refuse(self, refusal)

    def get(self) -> None:
        """Answer the handshake, without extensions: a compressor and a decompressor cost 160 kB for every idle page.
        From then on the socket is no longer Tornado's, which keeps nothing of it."""
        self.set_status(101)
        self.set_header("Upgrade", "websocket")
        self.set_header("Connection", "Upgrade")
        self.set_header("Sec-WebSocket-Accept", accept_value(self.request.headers["Sec-WebSocket-Key"]))
        self.finish()
        stream = self.detach()
        try:
            connected, ahead = taken_over(stream)
        except OSError:
            stream.close()
        else:
            self._gate.connect(self._address, WebSocket(connected, ahead, self._gate.bounds.frame_bytes))


def taken_over(stream: IOStream) -> tuple[socket.socket, bytes]:
    """Take the socket out of a stream, and what it has read ahead. The stream is closed afterwards, the socket not.

    Raises OSError when the answer to the handshake has not left: the client of a new connection takes 200 bytes.
    """
    if stream.writing() or stream.closed():
        raise OSError("a client that does not take the answer to its handshake")
    old = stream.socket
    stream.io_loop.remove_handler(stream.fileno())
    own = socket.socket(old.family, old.type, old.proto, old.detach())
    own.setblocking(False)
    # Without it an ack followed by another frame waits for the client's delayed TCP ack: 44 ms.
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ahead = bytes(stream._read_buffer)  # tornado 6.5–6.6, private
    stream.close()
    return own, ahead


def logs_nothing(handler: RequestHandler) -> None:
    """Tornado's ``log_function``: its own writes addresses and query strings."""
