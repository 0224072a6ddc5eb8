"""The mailbox over RabbitMQ: one durable queue a guest (ports.Mailbox, protocol §2.7).

One connection puts, others read: a broker that stops taking in (an alarm of memory or disk) stops reading from those
that put, and acks must still get through.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from random import Random
from typing import Any, Self

from msgspec.structs import replace

from citychat.adapters.rabbitmq.connection import CLOSE_S, AmqpChannel, AmqpConnection, takes_channels
from citychat.adapters.rabbitmq.consumers import Consumer, Consumers, decode, encode
from citychat.adapters.rabbitmq.errors import CHANNELS_OF_USER, ChannelClosed, Trouble
from citychat.adapters.rabbitmq.keeping import KeepingCheck
from citychat.adapters.rabbitmq.publisher import CLASSIC, SLOTS, Publisher
from citychat.adapters.rabbitmq.reading import ReadingConnections
from citychat.adapters.rabbitmq.refusals import Refusals
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Message, Unavailable, new_id
from citychat.ports import MARKER_S, READY_MAX, Clock, Mail
from citychat.rules import MAILBOX_MS, mailbox_expires_ms
from citychat.tasks import Tasks

LEAST_VERSION = (3, 10)  # of those before, none is supported and none was tried
ASK_S, ASKS_AT_ONCE = 5.0, 2
TRY_MORE_S = 20.0  # while a limit of channels is met; a trial is a connection and a line in the broker's log
WATCH_AGAIN_S = 5.0
PUT_CHANNELS = SLOTS + 2 + ASKS_AT_ONCE  # what the connection that puts may have open at once
BLOCKED = "it takes nothing in: an alarm of its memory or disk"


class RabbitMailbox:
    """The mailbox over RabbitMQ, a queue for each guest. ``counts["mail dropped"]``: what lay in a queue and was no
    message. ``ttl_ms``: how long a message waits."""

    def __init__(
        self,
        url: str,
        *,
        status: ServiceStatus,
        clock: Clock,
        random: Random,
        prefix: str = "inbox.",
        ttl_ms: int = MAILBOX_MS,
    ) -> None:
        """Raises ValueError, without the URL, when that is none."""
        self.counts: Counter[str] = Counter()
        self._url, self._status, self._clock, self._random = url, status, clock, random
        self._prefix, self._ttl_ms = prefix, ttl_ms
        self._arguments = {
            **CLASSIC,
            "x-single-active-consumer": True,
            "x-message-ttl": ttl_ms,
            "x-expires": mailbox_expires_ms(ttl_ms),  # since the last declare
            "x-max-length": READY_MAX,
            "x-overflow": "reject-publish",  # the default drops the oldest and says nothing
        }
        self._tasks = Tasks(clock, random)
        self._version = ""
        self._asks = asyncio.Semaphore(ASKS_AT_ONCE)
        self._refusals = Refusals(clock, self._show)
        self._putting = self._connection("puts")
        own = new_id(random)  # no id of a guest has a dot
        self._publisher = Publisher(
            self._putting, clock, self._tasks, self._arguments, f"{prefix}seal.{own}", self._refusals
        )
        self._keeping = KeepingCheck(self._putting, clock, self._arguments, f"{prefix}kept.{own}", status.advise)
        self._reading = ReadingConnections(self._connection, self._takes, PUT_CHANNELS)
        self._consumers = Consumers(
            self._reading, self._refusals, clock, random, self._tasks, self._arguments, self.counts
        )

    async def __aenter__(self) -> Self:
        """Return at once; connecting goes on in the background."""
        self._putting.start()
        self._publisher.start()
        self._reading.add()
        self._tasks.every(TRY_MORE_S, self._reading.try_more, "more channels of RabbitMQ")
        self._tasks.every(WATCH_AGAIN_S, self._keeping.watch, "what RabbitMQ keeps")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Answer first for what is put (at most 5 s), then give back what is open."""
        await self._publisher.settled()
        await asyncio.gather(*(connection.close() for connection in (self._putting, *self._reading.all)))
        self._consumers.on_down()
        self._refusals.close()
        self._tasks.cancel()
        await self._tasks.close()

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        """Over 500 that wait are refused one by one: some of these messages may be kept then.

        A batch that is sent twice, because its queue or its channel went meanwhile, may come behind one put later.
        """
        self._publisher.put(self._prefix + guest, [encode(message) for message in messages], stored)

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        """Raises Unavailable. After a loss of the connection everything unacked is delivered again, with new tags."""
        return await self._consumers.open(self._prefix + guest, mail)

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        self._consumers.ack(_consumer(handle), tags)

    def mark(self, handle: object, read: Callable[[bool], None]) -> None:
        """A marker counts on the channel on which it was asked for; while that is being made anew nobody knows."""
        consumer = _consumer(handle)
        if not self._consumers.has_room(consumer):
            asyncio.get_running_loop().call_soon(read, False)
            return
        body, answer = self._consumers.mark(consumer, new_id(self._random), read)

        def stored(ok: bool) -> None:
            if not ok:
                answer(False)

        self._publisher.put(consumer.queue, [body], stored, round(1_000 * MARKER_S))

    async def close(self, handle: object) -> None:
        await self._consumers.close(_consumer(handle))

    async def discard(self, guest: str) -> None:
        """Delete the queue on a channel of its own, which the broker closes when the queue is used or holds something,
        or is not ours: deleting a quorum queue on conditions ends the whole connection."""

        queue = self._prefix + guest

        async def delete(channel: AmqpChannel) -> None:
            self._publisher.forget(queue)
            try:
                channel.declare(queue, self._arguments)
                await channel.call("queue_delete", queue, if_unused=True, if_empty=True)
            except ChannelClosed as closed:
                if closed.code == 0:
                    raise

        await self._ask(delete)

    async def blank(self, guest: str, session_id: str, side: int) -> None:
        """Blank texts, only in a queue that nobody has open: an opener has these messages already, and voids what was
        erased.

        From the first of that side on everything is put again behind, in order, blanked, and then acked in front. What
        breaks in between leaves messages twice, never none; one put meanwhile comes before those put again, and the
        receiver sorts that out.
        """
        await self._ask(partial(self._blank, self._prefix + guest, session_id, side))

    async def waiting(self) -> None:
        """Return nothing: AMQP counts a queue for who can name it, and nobody here knows all that there are."""

    async def _blank(self, queue: str, session_id: str, side: int, channel: AmqpChannel) -> None:
        try:
            known = await channel.call("queue_declare", queue, passive=True)
        except ChannelClosed as closed:
            if closed.code == 404:
                return
            raise
        if known.consumer_count or not known.message_count:
            return
        waiting: list[tuple[int, bytes, int | None]] = []
        await channel.consume(queue, lambda *delivery: waiting.append(delivery), channel.close)
        while (await channel.call("queue_declare", queue, passive=True)).message_count:
            pass  # still on their way to us
        await channel.call("queue_declare", queue, passive=True)  # its answer comes behind the last of them
        first = next((i for i, (_, body, __) in enumerate(waiting) if _is_of(decode(body), session_id, side)), None)
        if first is not None:
            await self._put_again(channel, queue, waiting[first:], session_id, side)

    async def _put_again(
        self,
        channel: AmqpChannel,
        queue: str,
        waiting: list[tuple[int, bytes, int | None]],
        session_id: str,
        side: int,
    ) -> None:
        """Raises Closed when they are not all taken: what was in front then stays there."""
        left, refused = set(range(1, len(waiting) + 1)), False
        confirmed = asyncio.Event()

        def heard(tag: int, multiple: bool, taken: bool) -> None:
            nonlocal left, refused
            left = {each for each in left if each > tag} if multiple else left - {tag}
            refused |= not taken
            if not left:
                confirmed.set()

        def returned(_: str) -> None:
            nonlocal refused
            refused = True

        await channel.confirm(heard, returned)
        now_s = self._clock.wall_ms() // 1_000
        for _, body, at_s in waiting:
            message = decode(body)
            if message is not None and _is_of(message, session_id, side):
                body = encode(replace(message, text=""))
            channel.publish(queue, body, "", at_s or now_s, self._left_ms(now_s - (at_s or now_s)))
        await confirmed.wait()
        if refused:
            raise ChannelClosed(0, "not taken")
        for tag, _, __ in waiting:
            channel.ack(tag)

    def _left_ms(self, age_s: int) -> int:
        """Return how long what was put ``age_s`` ago, by the clock of whoever put it, may still wait. The broker has it
        yet: an age beyond its life, or before its birth, shows that a clock is wrong, and counts as none."""
        left_ms = self._ttl_ms - 1_000 * age_s
        return left_ms if 0 < left_ms <= self._ttl_ms else self._ttl_ms

    async def _ask(self, work: Callable[[AmqpChannel], Coroutine[Any, Any, None]]) -> None:
        """Do something on a channel of its own, in bounded time. Raises Unavailable."""
        channel = None
        async with self._asks:
            try:
                async with asyncio.timeout(ASK_S):
                    channel = self._putting.channel()
                    await channel.opened()
                    await work(channel)
            except (ChannelClosed, TimeoutError) as error:
                if isinstance(error, ChannelClosed) and error.refusal:
                    self._refusals.note(error.refusal)
                raise Unavailable from error
            finally:
                if channel is not None:
                    channel.close()
                    await asyncio.wait([channel.over], timeout=CLOSE_S)

    def _connection(self, name: str) -> AmqpConnection:
        return AmqpConnection(
            self._url, name=name, clock=self._clock, on_up=self._on_up, on_down=self._on_down, blocked=self._blocked,
            wait_s=self._status.wait_s,
        )  # fmt: skip

    async def _takes(self, count: int) -> bool:
        """Tell whether the broker would let its user have so many channels more."""
        takes = await takes_channels(self._url, "asks for more", count)
        if not takes and self._reading.limit is not None:
            self._refusals.note(str(self._reading.limit))
        return takes

    def _on_up(self, version: str) -> None:
        """A connection is there. With that which puts, and one that reads, the service is."""
        self._version = version
        self._reading.on_up()
        there = self._putting.up and self._reading.up and not self._publisher.blocked
        if there and self._status.on_up(version, LEAST_VERSION):
            self._show()

    def _on_down(self, trouble: Trouble) -> None:
        """A connection is gone, or was not made."""
        of_channels = trouble.limit is not None and trouble.limit.name == CHANNELS_OF_USER
        if trouble.limit is not None and of_channels:
            self._reading.met(trouble.limit)
            self._consumers.give_way()
        if not self._putting.up:
            self._publisher.on_down()
        self._consumers.on_down()
        serves = self._putting.up and self._reading.up
        if not serves:
            self._status.on_down(trouble.said)
        if trouble.limit is not None and (serves or of_channels):
            self._refusals.note(trouble.said)

    def _show(self) -> None:
        """Say what the broker refuses while it answers."""
        if self._status.up:
            self._status.degraded(str(self._refusals))

    def _blocked(self, on: bool) -> None:
        self._publisher.blocked = on
        if on:
            self._status.on_down(BLOCKED)
        else:
            self._on_up(self._version)


def _is_of(message: Message | None, session_id: str, side: int) -> bool:
    return message is not None and (message.session, message.side) == (session_id, side) and message.text != ""


def _consumer(handle: object) -> Consumer:
    if not isinstance(handle, Consumer):
        raise TypeError(f"not a handle of this mailbox: {type(handle).__name__}")
    return handle
