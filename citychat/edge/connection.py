"""A connected page: the one record per Engine.IO connection, with its two namespaces, its order and its way out."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import msgspec

from citychat.edge.frames import PROTOCOL_ERROR
from citychat.edge.packets import Malformed, ack_text, event_text
from citychat.edge.pings import PingWheel
from citychat.edge.redaction import RefusalLog
from citychat.edge.transport import BROKEN_RULE, GOING_AWAY, INTERNAL, Bounds, Transport
from citychat.edge.websocket import WebSocket
from citychat.limits import Shares
from citychat.networks import network
from citychat.tasks import described

NAMESPACES = ("/user", "/chat")


Reply = Callable[[Mapping[str, object]], None]
"""Sends the one ack of an event, at once; a second call does nothing."""


@dataclass(frozen=True)
class ConnectionContext:
    """The parts that all connections of one edge share."""

    bounds: Bounds
    now_s: Callable[[], float]
    dispatch: Callable[["Connection", str], Awaitable[None] | None]
    """Takes one Socket.IO packet; what it returns is to be awaited. Raises Malformed, and whatever the door raises."""
    closed: Callable[["Connection"], None]
    pings: PingWheel
    refusals: RefusalLog
    logger: logging.Logger
    frames: Shares
    refused_joins: Shares


class Connection:
    """A page (``ports.Page``). Its events are handled one after another, over both namespaces; ``closed`` comes once,
    after the last of them."""

    __slots__ = (
        "_address", "_around", "_deadline", "_full", "_given_up", "_held", "_inbound", "_inbound_bytes", "_over",
        "_refused_joins", "_told", "_worker", "eio_sid", "sids", "source", "spoke", "transport",
    )  # fmt: skip

    def __init__(self, eio_sid: str, address: str, channel: WebSocket, around: ConnectionContext) -> None:
        self.eio_sid = eio_sid
        self.source = network(address)
        self.sids: dict[str, str] = {}
        self.transport = Transport(
            eio_sid, channel, around.bounds, around.now_s, self, around.frames, self.source, around.pings
        )
        self._address = address
        self._around = around
        self._inbound: list[str] = []  # a deque takes 600 bytes while it is empty
        self._inbound_bytes = 0
        self._full = False
        self._worker: asyncio.Task[None] | None = None
        self._held: list[tuple[str, bytes]] = []
        self._over = self._given_up = False
        self._told = False
        self._refused_joins = 0
        self.spoke = False  # until a first event has come
        self._deadline: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            around.bounds.settle_s, self._settled
        )

    @property
    def address(self) -> str:
        """The client's address after trusted proxies. Never logged, never stored."""
        return self._address

    @property
    def open(self) -> bool:
        """Tell whether anything emitted can still leave."""
        return not self.transport.closed

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        """Send an event, in order, to the namespace its name starts with (``user-join`` → ``/user``)."""
        namespace = "/" + event.partition("-")[0]
        if namespace not in NAMESPACES:
            self._around.logger.error("No namespace for an event of ours: %s", event)
            return
        self._send(namespace, lambda: event_text(namespace, event, payload))

    def let_in(self) -> None:
        """Lift the bound on the frames of who has not joined."""
        self.transport.let_in()

    def turned_away(self) -> None:
        """Count a join that was refused; the last of a few closes, after its answer, and the first of a network that
        has had many."""
        self._refused_joins += 1
        few = self._refused_joins < self.transport.bounds.refused_joins
        if not (few and self._around.refused_joins.take("", self.source) == 0.0) and not self.transport.closed:
            self.refused("joins that were refused")
            self._inbound.clear()
            self.transport.close(BROKEN_RULE)

    def ping(self) -> None:
        """Let the page hear that this end lives."""
        self.transport.ping()

    def reply(self, namespace: str, number: int) -> Reply:
        """The way to answer event ``number`` of that namespace."""
        answered = False

        def reply(payload: Mapping[str, object]) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._send(namespace, lambda: ack_text(namespace, number, payload))

        return reply

    def _send(self, namespace: str, encode: Callable[[], bytes]) -> None:
        if self.transport.closed:
            return
        try:
            text = encode()
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            self._around.logger.error("A payload of ours cannot be sent: %s", described(error))
            self.transport.cut(INTERNAL)
            return
        if namespace in self.sids and not self._held:
            self.transport.write(text)
        elif len(self._held) < self.transport.bounds.unsent_frames:
            self._held.append((namespace, text))
        else:
            self.transport.refuse("a client that never connected the namespace of its events", PROTOCOL_ERROR)

    def opened(self, namespace: str, sid: str) -> None:
        """The client has been told that this namespace is connected: what waited for it leaves now.

        python-socketio drops, without an error, what is emitted to a namespace before that.
        """
        self.sids[namespace] = sid
        while self._held and self._held[0][0] in self.sids:
            self.transport.write(self._held.pop(0)[1])

    def refused(self, what: str) -> None:
        """Take note of a rule that the client broke."""
        self._around.refusals.note(self.source, what)

    def _settled(self) -> None:
        self._deadline = None
        if not (self.spoke and len(self.sids) == len(NAMESPACES)):
            self.transport.refuse("a client that did not connect both namespaces and speak in time", BROKEN_RULE)

    def close(self, why: str) -> None:
        """Close after what was emitted before; idempotent. Events that still wait are dropped."""
        self._inbound.clear()
        if not self.transport.closed:
            self._around.logger.debug("Closing a connection: %s", why)
            self.transport.close(GOING_AWAY)

    def heard(self, text: str) -> None:
        """Handle one packet, or queue it while an earlier one is awaited. The queue is bounded: when it is full nothing
        more is read, TCP holds the rest."""
        if self._worker is None:
            rest = self._take(text)
            if rest is not None:
                self._worker = asyncio.create_task(self._work(rest))
            return
        self._inbound.append(text)
        self._inbound_bytes += len(text)
        bounds = self.transport.bounds
        if len(self._inbound) < bounds.inbound_frames and self._inbound_bytes < bounds.inbound_bytes:
            return
        if not self._full:
            self._full = True
            self.transport.channel.pause()

    def _read_on(self) -> None:
        """There is space again."""
        self._full = False
        self.transport.channel.resume()

    def _take(self, text: str) -> Awaitable[None] | None:
        """Begin one packet; return what of it is to be awaited."""
        try:
            return self._around.dispatch(self, text)
        except Exception as error:
            self._failed(error)
            return None

    async def _work(self, rest: Awaitable[None] | None) -> None:
        try:
            while rest is not None:
                await self._end_of(rest)
                rest = None
                while rest is None and self._inbound:
                    rest = self._take(self._next())
        finally:
            self._worker = None
            self._inbound_bytes = 0
            if self._full:
                self._read_on()
            if self._over:
                self._tell()

    def _next(self) -> str:
        text = self._inbound.pop(0)
        self._inbound_bytes -= len(text)
        if self._full and len(self._inbound) * 2 <= self.transport.bounds.inbound_frames:
            self._read_on()
        return text

    async def _end_of(self, rest: Awaitable[None]) -> None:
        try:
            await (self._begun(rest) if self._given_up else rest)
        except asyncio.CancelledError:
            if not self._given_up:
                raise
        except Exception as error:
            self._failed(error)

    async def _begun(self, rest: Awaitable[None]) -> None:
        """Handle an event as far as it goes without waiting."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await rest

    def _failed(self, error: Exception) -> None:
        self._inbound.clear()
        if isinstance(error, Malformed):
            self.transport.refuse(f"a malformed frame: {error}", PROTOCOL_ERROR)
        else:
            self._around.logger.error("An event failed and its connection is closed: %s", described(error))
            self.transport.close(INTERNAL)

    def ended(self) -> None:
        """The WebSocket is gone. Events that came before it are still handled, in order; then ``closed`` is called."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._over = True
        self._held.clear()
        if self._worker is None:
            self._tell()
        else:
            asyncio.get_running_loop().call_later(self._around.bounds.last_events_s, self._give_up)

    def _give_up(self) -> None:
        """Wait no longer for what still runs. What changes something goes on by itself, what came after it begins."""
        if self._worker is not None:
            self._around.logger.error("An event still ran long after its page had gone; it is waited for no longer")
            self._given_up = True
            self._worker.cancel()

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            self._around.closed(self)
