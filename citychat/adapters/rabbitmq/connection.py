"""RabbitMQ's driver, pika: connections that come back by themselves, and channels that can be awaited.

pika never reconnects (fact 11), stops at nothing when one of our callbacks raises, and finds a frozen broker late. Its
private parts are used in three places, all here: ``_consumers``, ``_send_method`` and ``_terminate_stream``.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import AMQPError, AMQPHeartbeatTimeout

from citychat.adapters.rabbitmq.errors import ChannelClosed, Trouble, too_few, trouble_of
from citychat.ports import Clock
from citychat.tasks import described, pause

HEARTBEAT_S = 5  # RabbitMQ then sends one every 2.5 s, and frees the consumers of a process frozen for 10 s
LOOK_S, SILENT_LOOKS = 2.5, 3  # by itself pika finds a frozen broker after 10 to 20 s
CONNECT_S = 4.0  # one attempt: TCP, TLS, login
CLOSE_S = 2.0
CHANNELS_MAX = 2_000  # a connection; RabbitMQ allows 2,047 unless told otherwise

# Its lines quote what was sent and what the broker answered, and ours name what is wrong.
logging.getLogger("pika").setLevel(logging.CRITICAL + 1)
log = logging.getLogger(__name__)


class AmqpChannel:
    """One channel. ``over`` is done with the reason when it is closed, by whomever."""

    def __init__(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[ChannelClosed] = loop.create_future()
        self._opened: asyncio.Future[object] = loop.create_future()
        try:
            self._raw = connection.channel(on_open_callback=partial(_settle, self._opened))
        except AMQPError as error:
            raise ChannelClosed(0, type(error).__name__) from error
        self._raw.add_on_close_callback(self._on_close)

    async def opened(self) -> None:
        """Raises Closed."""
        await self.first(self._opened)

    async def call(self, method: str, *values: object, **named: object) -> Any:
        """One of pika's calls that the broker answers; the answer. Raises Closed."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        try:
            getattr(self._raw, method)(*values, callback=partial(_settle, answer), **named)
        except AMQPError as error:
            raise self._closed() from error
        return (await self.first(answer)).method

    async def confirm(self, confirmed: Callable[[int, bool, bool], None], returned: Callable[[str], None]) -> None:
        """Make it a channel with confirms. ``confirmed(tag, all up to it, taken)``; ``returned(name)`` comes before the
        confirm of that message. Raises Closed."""

        def heard(frame: Any) -> None:
            method = frame.method
            _guard(confirmed, method.delivery_tag, method.multiple, method.NAME == "Basic.Ack")

        self._raw.add_on_return_callback(lambda _, __, properties, ___: _guard(returned, properties.message_id or ""))
        await self.call("confirm_delivery", heard)

    async def consume(
        self, queue: str, delivered: Callable[[int, bytes, int | None], None], cancelled: Callable[[], None]
    ) -> None:
        """Read a queue: ``delivered(tag, body, put at, s since 1970)``; ``cancelled``: it is gone. Raises Closed."""

        def heard(_: Any, method: Any, properties: Any, body: bytes) -> None:
            _guard(delivered, method.delivery_tag, body, properties.timestamp)

        self._raw.add_on_cancel_callback(lambda _: _guard(cancelled))
        await self.call("basic_consume", queue, heard)

    def declare(self, queue: str, arguments: Mapping[str, object]) -> None:
        """A durable queue, without waiting: what is sent behind it finds it, or the channel closes. Raises Closed."""
        self._send("queue_declare", queue, durable=True, arguments=dict(arguments))

    def publish(self, queue: str, body: bytes, name: str, at_s: int, left_ms: int | None = None) -> None:
        """A persistent message that comes back (``name``) when there is no such queue; ``left_ms``: a shorter
        life. Raises Closed."""
        life = None if left_ms is None else str(left_ms)
        properties = pika.BasicProperties(delivery_mode=2, message_id=name, timestamp=at_s, expiration=life)
        self._send("basic_publish", "", queue, body, properties, mandatory=True)

    def find(self, queue: str) -> None:
        """Ask for a queue; without it the channel closes. pika's own call lets nothing overtake it. Raises Closed."""
        if not self._raw.is_open:
            raise self._closed()
        self._send("_send_method", pika.spec.Queue.Declare(queue=queue, passive=True))

    def answered(self, found: Callable[[], None]) -> None:
        """Have ``found`` called once for each answer to ``find``, in order."""
        self._raw.add_callback(lambda _: _guard(found), [pika.spec.Queue.DeclareOk], one_shot=False)

    def ack(self, tag: int, multiple: bool = False) -> None:
        """Never the same tag twice: the broker closes the channel for that. Raises Closed."""
        self._send("basic_ack", tag, multiple)

    def close(self) -> None:
        """Put what is unacked back into its place, in one step with the end of the consumers; see ``over``. pika would
        cancel each consumer first, and what is put in between would reach the next one before the unacked."""
        self._raw._consumers.clear()
        if self._raw.is_open or self._raw.is_opening:
            self._raw.close()

    def _send(self, method: str, *values: object, **named: object) -> None:
        try:
            getattr(self._raw, method)(*values, **named)
        except AMQPError as error:
            raise self._closed() from error

    async def first(self, answer: asyncio.Future[Any]) -> Any:
        """Wait for an answer that comes over this channel. Raises Closed."""
        await asyncio.wait([answer, self.over], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise self._closed()

    def _closed(self) -> ChannelClosed:
        """A fresh one: an exception raised twice keeps both its pasts."""
        return (
            ChannelClosed(self.over.result().code, self.over.result().text)
            if self.over.done()
            else ChannelClosed(0, "closing")
        )

    def _on_close(self, _: Any, reason: Any) -> None:
        by_broker = isinstance(reason, pika.exceptions.ChannelClosedByBroker)
        _settle(
            self.over, ChannelClosed(reason.reply_code, reason.reply_text) if by_broker else ChannelClosed(0, "gone")
        )


class AmqpConnection:
    """One connection to the broker, made again whenever it is lost.

    ``on_up(version)`` when it is there, ``on_down(trouble)`` when it is lost or not made; ``blocked``: the broker
    takes nothing in (an alarm of memory or disk). ``wait_s(refused)``: how long to wait before the next attempt.
    ``there`` is set while it is up. ``most``: the channels it may have, which the broker says when it is made;
    ``left`` is called when one of them is closed.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        clock: Clock,
        on_up: Callable[[str], None],
        on_down: Callable[[Trouble], None],
        blocked: Callable[[bool], None],
        wait_s: Callable[[bool], float],
    ) -> None:
        """Raises ValueError, without the URL, when it is none."""
        self._url, self._name, self._clock, self._wait_s = url, name, clock, wait_s
        self._on_up, self._on_down, self._blocked = on_up, on_down, blocked
        self._raw: Any = None
        self._task: asyncio.Task[None] | None = None
        self._channels: set[AmqpChannel] = set()
        self.most = CHANNELS_MAX
        self.left: Callable[[], None] = lambda: None
        self.there = asyncio.Event()
        parameters(url, name)

    @property
    def up(self) -> bool:
        return self.there.is_set()

    @property
    def used(self) -> int:
        """Count the channels that are open or being opened."""
        return len(self._channels)

    @property
    def room(self) -> int:
        return max(0, self.most - self.used) if self.up else 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"RabbitMQ {self._name}")

    async def close(self) -> None:
        """Channels close, all that is unacked goes back; at most a few seconds."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def channel(self) -> AmqpChannel:
        """One that is being opened. Raises Closed."""
        if not self.there.is_set():
            raise ChannelClosed(0, "not connected")
        if not self.room:
            raise ChannelClosed(0, too_few(self.most))
        channel = AmqpChannel(self._raw)
        self._channels.add(channel)
        channel.over.add_done_callback(partial(self._closed, channel))
        return channel

    def _closed(self, channel: AmqpChannel, _: object) -> None:
        self._channels.discard(channel)
        self.left()

    async def _run(self) -> None:
        while True:
            try:
                trouble = trouble_of(await self._live())
            except Exception as error:
                log.error("RabbitMQ %s failed: %s", self._name, described(error))
                trouble = Trouble("a fault of ours")
            self._on_down(trouble)
            await pause(self._clock, self._wait_s(trouble.refused))

    async def _live(self) -> object:
        """Connect and stay until it is over; why."""
        raw = await _connect(parameters(self._url, self._name))
        if isinstance(raw, BaseException | type):
            return raw
        over: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(lambda _, error: _settle(over, error))
        raw.add_on_connection_blocked_callback(lambda *_: _guard(self._blocked, True))
        raw.add_on_connection_unblocked_callback(lambda *_: _guard(self._blocked, False))
        try:
            self._raw, self.most = raw, min(raw.params.channel_max or CHANNELS_MAX, CHANNELS_MAX)
            self.there.set()
            self._on_up(str(raw.server_properties.get("version", "")))
            await self._look(raw, over)
            return over.result()
        finally:
            self.there.clear()
            await _end(raw, over)

    async def _look(self, raw: Any, over: asyncio.Future[object]) -> None:
        """Watch until it is over; no heartbeats for long end it. Counted in looks, for this process may sleep."""
        heard, looks = -1, 0
        while not over.done():
            await asyncio.wait([over], timeout=LOOK_S)
            looks = looks + 1 if raw.bytes_received == heard else 0
            heard = raw.bytes_received
            if looks >= SILENT_LOOKS and not over.done():
                raw._terminate_stream(AMQPHeartbeatTimeout("silent"))
                looks = 0


def parameters(url: str, name: str) -> Any:
    """pika's parameters. Raises ValueError, without the URL, which may hold a password."""
    try:
        if not url.startswith(("amqp://", "amqps://")):
            raise ValueError
        found = pika.URLParameters(url)
    except Exception:
        raise ValueError("the mailbox's URL is not understood; expected amqp://user:password@host:port/vhost") from None
    found.heartbeat = HEARTBEAT_S
    found.connection_attempts, found.retry_delay = 1, 0
    found.socket_timeout = found.stack_timeout = CONNECT_S
    found.client_properties = {"connection_name": f"citychat {name}"}
    return found


async def takes_channels(url: str, name: str, count: int) -> bool:
    """Tell whether the broker has room for so many channels more: on a connection of their own, for it closes a
    connection with all that is on it for one channel over a user's limit."""
    raw = await _connect(parameters(url, name))
    if isinstance(raw, BaseException | type):
        return False
    over: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    raw.add_on_close_callback(lambda _, error: _settle(over, error))
    try:
        for channel in [AmqpChannel(raw) for _ in range(min(count, raw.params.channel_max or count))]:
            await channel.opened()
        return True
    except ChannelClosed:
        return False
    finally:
        await _end(raw, over)


async def _connect(wanted: Any) -> Any:
    """A connection, or why there is none."""
    made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    AsyncioConnection.create_connection([wanted], partial(_settle, made))
    try:
        return await asyncio.shield(made)
    except asyncio.CancelledError:
        # Aborting in the middle of a login breaks an assertion of pika's; an attempt ends by itself in CONNECT_S.
        await asyncio.wait([made], timeout=CONNECT_S + 1)
        if made.done() and isinstance(made.result(), AsyncioConnection):
            made.result().close()
        raise


async def _end(raw: Any, over: asyncio.Future[object]) -> None:
    """Close it in order, at most 2 s; then without."""
    if over.done():
        return
    for channel in list(raw._channels.values()):
        channel._consumers.clear()  # as in Channel.close
    if raw.is_open:
        raw.close()
    await asyncio.wait([over], timeout=CLOSE_S)
    if not over.done():
        raw._terminate_stream(AMQPHeartbeatTimeout("silent while closing"))
        await asyncio.wait([over], timeout=CLOSE_S)


def _settle(future: asyncio.Future[Any], value: object, *_: object) -> None:
    if not future.done():
        future.set_result(value)


def _guard(call: Callable[..., None], *values: object) -> None:
    """Guard a callback: what raises inside pika's reading of the socket would end the connection for everybody."""
    try:
        call(*values)
    except Exception as error:
        log.error("a callback of RabbitMQ failed: %s", described(error))
