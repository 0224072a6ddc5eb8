"""One Engine.IO socket on one WebSocket: frames in and out, pings, and every bound a connection has."""

import asyncio
import functools
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketProtocol, WebSocketProtocol13

from citychat.edge.packets import close_frame, text_frame, to_json
from citychat.limits import Shares, bound, rate

NORMAL, GOING_AWAY, PROTOCOL_ERROR, BROKEN_RULE, INTERNAL, TRY_LATER = 1000, 1001, 1002, 1008, 1011, 1013
"""WebSocket close codes (RFC 6455 §7.4.1; 1013 from its registry)."""
_PAID_TOGETHER = 8  # frames: to look into the buckets of network and process costs a tenth of the cheapest frame


@dataclass(frozen=True)
class Bounds:
    """Limits of one connection. Defaults are protocol §1 or the reason stands beside them."""

    ping_s: float = 20.0
    answer_s: float = 10.0
    """Without a pong for that long after a ping the link is dead: found after at most 30 s."""
    settle_s: float = 5.0
    """Both namespaces and a first event by then; otherwise a silent link would live for ever."""
    frames_per_s: float = rate("frames")
    """Past this the socket is not read for a while."""
    frames_burst: float = bound("frames")
    frames_before_join: int = bound("frames before the join")
    refused_joins: int = bound("refused joins")
    held_s: float = 0.5
    holds: int = 20
    """So many pauses (10 s of flooding) without a quiet moment in between close the connection."""
    frame_bytes: int = bound("frame size")
    inbound_frames: int = 64
    inbound_bytes: int = 64 * 1024
    unsent_frames: int = bound("outgoing queue")
    """A guest who comes back gets up to 600 held messages in one go (protocol §2.5.2): 256 would cut them off."""
    unsent_bytes: int = bound("outgoing size")
    strikes: int = 3
    patience_s: float = 8.0
    """So long may a request wait for its turn: nginx gives up after 10 s (deploy/nginx.conf)."""
    last_events_s: float = 10.0
    """So long is an event waited for after its page has gone: every service call gives up earlier, and nobody must look
    present for ever."""


class WebSocket(Protocol):
    """Interface of the WebSocket's handler, as a transport needs it."""

    ws_connection: WebSocketProtocol | None

    def shake_hands_and_close(self, code: int) -> None: ...


class PacedHandler(Protocol):
    """A handler whose frames are counted; None until its page is connected."""

    transport: "Transport | None"


class PacedProtocol(WebSocketProtocol13):
    """Counts every frame: floods of pings and of empty fragments reach no method of a handler that could slow them."""

    handler: PacedHandler  # type: ignore[assignment]  # ours alone

    async def _receive_frame(self) -> None:
        # tornado 6.5–6.6, private: reads and handles one frame; its loop calls it until the client is gone.
        await super()._receive_frame()
        transport = self.handler.transport
        if transport is not None and (pause := transport.pace()) is not None:
            await pause


class EngineMessage(Protocol):
    """engineio.packet.Packet, as far as python-socketio's answers to CONNECT need it."""

    def encode(self) -> str: ...


class Transport:
    """Stands in python-engineio's table of sockets in place of its AsyncSocket, which has an unbounded queue each way,
    two tasks, and dies on a frame like ``x`` while its connection lives on."""

    def __init__(
        self,
        eio_sid: str,
        channel: WebSocket,
        bounds: Bounds,
        now_s: Callable[[], float],
        message: Callable[[str], Awaitable[None] | None],
        refused: Callable[[str], None],
        frames: Shares,
        source: str,
    ) -> None:
        self.sid = eio_sid
        self.closed = False
        self.bounds = bounds
        self._channel = channel
        self._now_s = now_s
        self._message = message
        self._refused = refused
        self._frames, self._source = frames, source
        self._unpaid = 0
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tokens = bounds.frames_burst
        self._tokens_at_s = now_s()
        self._holds = 0
        self._frames_left: float = bounds.frames_before_join
        self._strikes = 0
        self._unsent_frames = 0
        self._unsent_bytes = 0

    def start(self) -> None:
        """Greet the client and begin to ping."""
        bounds = self.bounds
        greeting = {
            "sid": self.sid,
            "upgrades": [],
            "pingInterval": int(bounds.ping_s * 1000),
            "pingTimeout": int(bounds.answer_s * 1000),
            "maxPayload": bounds.frame_bytes,
        }
        self.write(b"0" + to_json(greeting))
        self._timer = self._loop.call_later(bounds.ping_s, self._ping)

    def ping(self) -> None:
        """Send a ping beside those that look for a dead link; whose answer is not waited for."""
        self.write(b"2")

    def _ping(self) -> None:
        self.ping()
        if not self.closed:
            self._timer = self._loop.call_later(self.bounds.answer_s, self.cut, GOING_AWAY)

    def _ponged(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self.bounds.ping_s, self._ping)

    def write(self, text: bytes) -> None:
        """Send one Engine.IO packet at once, in order; never blocks or raises. A reader too slow is cut off."""
        stream = None if self.closed else self._stream()
        if stream is None:
            return
        if self._unsent_frames >= self.bounds.unsent_frames or self._unsent_bytes >= self.bounds.unsent_bytes:
            self.refuse("a client that does not read", TRY_LATER)
            return
        frame = text_frame(text)
        try:
            written = stream.write(frame)
        except StreamClosedError:
            return
        if not written.done():
            self._unsent_frames += 1
            self._unsent_bytes += len(frame)
            written.add_done_callback(functools.partial(self._left, len(frame)))

    def _stream(self) -> IOStream | None:
        """The stream while frames may still be written, else None."""
        ws = self._channel.ws_connection
        return None if ws is None or ws.is_closing() else ws.stream

    def _left(self, size: int, written: object) -> None:
        self._unsent_frames -= 1
        self._unsent_bytes -= size

    async def send(self, pkt: EngineMessage) -> None:
        """Send a packet for python-engineio's server, which calls this for packets python-socketio makes itself
        (answers to CONNECT)."""
        self.write(pkt.encode().encode())

    def heard(self, frame: str | bytes) -> Awaitable[None] | None:
        """Take one message of the client. What is returned must be awaited before the next is read (backpressure)."""
        if self.closed:
            return None
        if not isinstance(frame, str):
            self.refuse("a malformed frame: binary", PROTOCOL_ERROR)
        elif frame[:1] == "4":
            return self._message(frame[1:])
        elif frame == "3":
            self._ponged()
        elif frame == "1":
            self.close(NORMAL)
        else:
            self.refuse("a malformed frame: no Engine.IO packet that a client may send", PROTOCOL_ERROR)
        return None

    def pace(self) -> Awaitable[None] | None:
        """After every WebSocket frame, pings and fragments too: None, or how long not to read on."""
        self._frames_left -= 1
        if self._frames_left < 0:
            self.refuse("a client that does not join", BROKEN_RULE)
            return None
        held_s = 0.0
        self._unpaid += 1
        if self._unpaid >= _PAID_TOGETHER:
            held_s = self._frames.take("", self._source, math.inf, self._unpaid)
            self._unpaid = 0
        now_s = self._now_s()
        earned = (now_s - self._tokens_at_s) * self.bounds.frames_per_s
        self._tokens_at_s = now_s
        self._tokens = min(self.bounds.frames_burst, self._tokens + earned)
        if self._tokens >= self.bounds.frames_burst:
            self._holds = 0
        self._tokens -= 1
        if self._tokens >= 0:
            return asyncio.sleep(held_s) if held_s else None  # what others of its network send closes no page
        self._holds += 1
        if self._holds > self.bounds.holds:
            self.refuse("a flood of frames", BROKEN_RULE)
            return None
        # What a flooder sends meanwhile stays in the system's buffers and costs this process nothing.
        return asyncio.sleep(max(held_s, self.bounds.held_s))

    def let_in(self) -> None:
        """The page has joined: from now on its frames have a rate only."""
        self._frames_left = math.inf

    def strike(self, what: str) -> None:
        """A frame that is merely odd; the third closes the connection."""
        self._strikes += 1
        if self._strikes >= self.bounds.strikes:
            self.refuse(what, BROKEN_RULE)

    def refuse(self, what: str, code: int) -> None:
        """Break a rule and be gone: one sampled line in the log, the code if the client still listens."""
        if not self.closed:
            self._refused(what)
            self.cut(code)

    def close(self, code: int) -> None:
        """Close after everything written has left, at most 5 s later (Tornado's closing handshake); idempotent."""
        if not self.closed:
            self._stop()
            self._channel.shake_hands_and_close(code)

    def cut(self, code: int) -> None:
        """Close now and drop what was not sent: no handshake with somebody who broke the rules or is gone."""
        stream = self._stream()
        self._stop()
        if stream is None:
            return
        try:
            stream.write(close_frame(code))
        except StreamClosedError:
            return
        stream.close()

    def ended(self) -> None:
        """The WebSocket is gone, whoever closed it."""
        self._stop()

    def _stop(self) -> None:
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
