"""One Engine.IO socket on one WebSocket: packets in and out, pings, and every bound a connection has."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from citychat.edge.frames import BINARY, CLOSE, PROTOCOL_ERROR, TEXT, BrokenFrame, text_frame
from citychat.edge.packets import to_json
from citychat.edge.pings import PingWheel, Waiting
from citychat.edge.websocket import WebSocket
from citychat.limits import Shares, bound, rate

NORMAL, GOING_AWAY, BROKEN_RULE, INTERNAL, TRY_LATER = 1000, 1001, 1008, 1011, 1013
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


class EngineMessage(Protocol):
    """engineio.packet.Packet, as far as python-socketio's answers to CONNECT need it."""

    def encode(self) -> str: ...


class PacketHearer(Protocol):
    """Interface of the page behind a transport."""

    def heard(self, text: str) -> None:
        """Take one Socket.IO packet."""

    def refused(self, what: str) -> None:
        """Take note of a rule that was broken."""

    def ended(self) -> None:
        """Take it that the WebSocket is gone; once."""


class Transport:
    """Stands in python-engineio's table of sockets in place of its AsyncSocket, which has an unbounded queue each way,
    two tasks, and dies on a frame like ``x`` while its connection lives on."""

    __slots__ = (
        "_asked", "_frames", "_frames_left", "_holds", "_now_s", "_page", "_pings", "_source", "_strikes", "_tokens",
        "_tokens_at_s", "_unpaid", "bounds", "channel", "closed", "sid", "slot",
    )  # fmt: skip

    def __init__(
        self,
        eio_sid: str,
        channel: WebSocket,
        bounds: Bounds,
        now_s: Callable[[], float],
        page: PacketHearer,
        frames: Shares,
        source: str,
        pings: PingWheel,
    ) -> None:
        self.sid = eio_sid
        self.closed = False
        self.bounds = bounds
        self.channel = channel
        self.slot: set[Waiting] | None = None
        self._now_s = now_s
        self._page = page
        self._frames, self._source = frames, source
        self._pings = pings
        self._asked = False  # a ping has left and no pong has come
        self._unpaid = 0
        self._tokens = bounds.frames_burst
        self._tokens_at_s = now_s()
        self._holds = 0
        self._frames_left: float = bounds.frames_before_join
        self._strikes = 0

    def start(self) -> None:
        """Hear the client, greet it, and begin to ping."""
        self.channel.start(self)
        bounds = self.bounds
        greeting = {
            "sid": self.sid,
            "upgrades": [],
            "pingInterval": int(bounds.ping_s * 1000),
            "pingTimeout": int(bounds.answer_s * 1000),
            "maxPayload": bounds.frame_bytes,
        }
        self.write(b"0" + to_json(greeting))
        self._pings.put(self, bounds.ping_s)

    def ping(self) -> None:
        """Send a ping beside those that look for a dead link; whose answer is not waited for."""
        self.write(b"2")

    def due(self) -> None:
        """Ping, and look for the answer in time (``pings.Waiting``)."""
        if self._asked:
            self.cut(GOING_AWAY)
            return
        self._asked = True
        self.ping()
        if not self.closed:
            self._pings.put(self, self.bounds.answer_s)

    def _ponged(self) -> None:
        self._asked = False
        self._pings.put(self, self.bounds.ping_s)

    def write(self, text: bytes) -> None:
        """Send one Engine.IO packet at once, in order; never blocks or raises. A reader too slow is cut off."""
        if self.closed:
            return
        channel, bounds = self.channel, self.bounds
        unsent = channel.unsent
        if unsent and (len(unsent) >= bounds.unsent_frames or channel.unsent_bytes >= bounds.unsent_bytes):
            self.refuse("a client that does not read", TRY_LATER)
        else:
            channel.send(text_frame(text))

    async def send(self, pkt: EngineMessage) -> None:
        """Send a packet for python-engineio's server, which calls this for packets python-socketio makes itself
        (answers to CONNECT)."""
        self.write(pkt.encode().encode())

    def heard(self, kind: int, said: str | bytes) -> None:
        """Take one frame of the client (``websocket.Hearer``)."""
        if not self.closed:
            if said[:1] == "4":
                self._page.heard(said[1:])  # type: ignore[arg-type]  # text, or it would not be equal
            elif kind in (TEXT, BINARY):
                self._heard_other(said)
            elif kind == CLOSE:
                self._stop()
        if held_s := self.pace():
            self.channel.pause(held_s)

    def _heard_other(self, said: str | bytes) -> None:
        if said == "3":
            self._ponged()
        elif said == "1":
            self.close(NORMAL)
        else:
            self.refuse("a malformed frame: no Engine.IO packet that a client may send", PROTOCOL_ERROR)

    def broke(self, error: BrokenFrame) -> None:
        """Take it that the client broke the rules of WebSocket."""
        if self.closed:
            self.channel.cut(error.code)  # in the closing handshake; nothing more is read
        else:
            self.refuse(f"a malformed frame: {error}", error.code)

    def pace(self) -> float:
        """Count a frame, pings and fragments too; for how many seconds not to read on."""
        self._frames_left -= 1
        if self._frames_left < 0:
            self.refuse("a client that does not join", BROKEN_RULE)
            return self.bounds.held_s  # in the closing handshake nothing is left to refuse
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
            return held_s  # what others of its network send closes no page
        self._holds += 1
        if self._holds > self.bounds.holds:
            self.refuse("a flood of frames", BROKEN_RULE)
            return self.bounds.held_s
        # What a flooder sends meanwhile stays in the system's buffers and costs this process nothing.
        return max(held_s, self.bounds.held_s)

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
            self._page.refused(what)
            self.cut(code)

    def close(self, code: int) -> None:
        """Close after everything written has left, at most 5 s later (the closing handshake); idempotent."""
        if not self.closed:
            self._stop()
            self.channel.close(code)

    def cut(self, code: int) -> None:
        """Close now and drop what was not sent: no handshake with somebody who broke the rules or is gone."""
        self._stop()
        self.channel.cut(code)

    def ended(self) -> None:
        """Take it that the WebSocket is gone, whoever closed it."""
        self._stop()
        self._page.ended()

    def _stop(self) -> None:
        self.closed = True
        self._pings.drop(self)
