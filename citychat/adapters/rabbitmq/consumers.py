"""Open mailboxes: a channel for each, because only closing a channel ends the consumer and puts everything unacked back
in one step. After a cancel alone, what is put before the nacks reaches the next opener first.

Measured with RabbitMQ 3.10: a channel of its own costs the broker 30 KiB (the queue 55) and this process 0.1 ms.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count, islice
from random import Random

import msgspec

from citychat.adapters.rabbitmq.connection import CLOSE_S, AmqpChannel
from citychat.adapters.rabbitmq.errors import ChannelClosed
from citychat.adapters.rabbitmq.reading import ReadingConnections
from citychat.adapters.rabbitmq.refusals import Refusals
from citychat.model import Message, Unavailable, sound
from citychat.ports import MARKER_S, PREFETCH, RECORD_MAX_BYTES, WIDENED_BY, WIDEST, Clock, Mail
from citychat.tasks import Tasks, pause

ATTACH_AT_ONCE = 32  # after a reconnect thousands want their consumer back, and others want the loop
AGAIN_S, AGAIN_MAX_S = 1.0, 30.0  # a queue deleted under us, or closed to us; the second after many times
OPEN_MAX_S = 60.0  # who opens waits in line as long: its page, or the guest, may have gone meanwhile
# A marker is no message: who does not look for one, as versions before it, drops it like anything else that is none.
MARKER = b"marker "
TAG_BITS = 40  # of a delivery in its channel; above them the channel's number, so that no old tag acks anything new

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_serials = count(1)
log = logging.getLogger(__name__)


def encode(message: Message) -> bytes:
    return msgspec.json.encode(message)


def decode(body: bytes) -> Message | None:
    """The message in ``body`` as it may be drawn, or None when it is none."""
    if len(body) > RECORD_MAX_BYTES:
        return None
    try:
        return sound(_decoder.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


class Consumer:
    """One opener. ``unacked``: deliveries of its channel of now, in order; ``window``: how many these may be;
    ``markers``: what to call when they come out."""

    def __init__(self, queue: str, mail: Callable[[Mail], None]) -> None:
        self.queue, self.mail = queue, mail
        self.channel: AmqpChannel | None = None
        self.serial = 0
        self.unacked: dict[int, None] = {}
        self.window = PREFETCH
        self.reading = False  # from its channel of now
        self.markers: dict[bytes, Callable[[bool], None]] = {}
        self.closed = False
        self.as_it_is = False  # the queue has other arguments than ours, and is read all the same
        self.keeper: asyncio.Task[None] | None = None
        self.attached: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Consumers:
    """The open mailboxes of a process; ``counts["mail dropped"]``: what was no message of ours."""

    def __init__(
        self,
        reading: ReadingConnections,
        refusals: Refusals,
        clock: Clock,
        random: Random,
        tasks: Tasks,
        arguments: Mapping[str, object],
        counts: Counter[str],
    ) -> None:
        self._reading, self._refusals, self._clock, self._random, self._tasks = reading, refusals, clock, random, tasks
        self._arguments, self._counts = arguments, counts
        self._open: dict[Consumer, None] = {}
        self._turns = asyncio.Semaphore(ATTACH_AT_ONCE)
        self._told = 0  # the code with which the broker closed a channel last

    def on_down(self) -> None:
        """A connection is gone. With the last of them who waits to open hears it; the others get a consumer when there
        is one again."""
        if not self._reading.up:
            for consumer in self._open:
                _answer(consumer.attached, False)

    def give_way(self) -> None:
        """Let go of as many channels as are too many; their mailboxes wait for room, the oldest last."""
        attached = [consumer.channel for consumer in self._open if consumer.channel is not None]
        for channel in islice(reversed(attached), max(0, self._reading.over)):
            channel.close()

    async def open(self, queue: str, mail: Callable[[Mail], None]) -> Consumer:
        """Raises Unavailable."""
        if not self._reading.up:
            raise Unavailable
        consumer = Consumer(queue, mail)
        self._open[consumer] = None
        consumer.keeper = self._tasks.spawn(self._keep(consumer), "read a mailbox")
        timer = self._clock.later(OPEN_MAX_S, partial(_answer, consumer.attached, False))
        try:
            if not await consumer.attached:
                raise Unavailable
        except BaseException:
            self._forget(consumer)
            raise
        finally:
            timer.cancel()
        return consumer

    def ack(self, consumer: Consumer, tags: Sequence[int]) -> None:
        """Ack in one frame when they are the oldest unacked ones, as they nearly always are."""
        if consumer.channel is None or consumer.closed:
            return
        mine = sorted({tag - (consumer.serial << TAG_BITS) for tag in tags} & consumer.unacked.keys())
        oldest = list(islice(consumer.unacked, len(mine)))
        try:
            if mine and mine == oldest:
                consumer.channel.ack(mine[-1], multiple=True)
            else:
                for tag in mine:
                    consumer.channel.ack(tag)
        except ChannelClosed:
            return  # they are delivered again
        for tag in mine:
            del consumer.unacked[tag]

    def mark(self, consumer: Consumer, name: str, read: Callable[[bool], None]) -> tuple[bytes, Callable[[bool], None]]:
        """The body of a marker to put, and how to answer for it before it comes out or its time is over."""
        body = MARKER + name.encode()
        timer = self._clock.later(MARKER_S, lambda: answer(False))

        def answer(yes: bool) -> None:
            if consumer.markers.pop(body, None) is not None:
                timer.cancel()
                read(yes)

        consumer.markers[body] = answer
        return body, answer

    def has_room(self, consumer: Consumer) -> bool:
        """Tell whether this opener reads, so that a marker can come out. A full window opens wider for the next one: by
        a new channel, because a broker keeps to the window that a consumer began with."""
        if not consumer.reading or consumer.channel is None:
            return False
        full = len(consumer.unacked) >= consumer.window
        if full and consumer.window < WIDEST:
            consumer.window += WIDENED_BY
            consumer.reading = False
            consumer.channel.close()
        return not full

    async def close(self, consumer: Consumer) -> None:
        """Waits until the broker has put everything back, at most 2 s: it does so when it is heard of again."""
        if not consumer.closed and (channel := self._forget(consumer)) is not None:
            await asyncio.wait([channel.over], timeout=CLOSE_S)

    def _forget(self, consumer: Consumer) -> AmqpChannel | None:
        consumer.closed = True
        self._open.pop(consumer, None)
        if consumer.keeper is not None:
            consumer.keeper.cancel()
        if consumer.channel is not None:
            consumer.channel.close()
        return consumer.channel

    async def _keep(self, consumer: Consumer) -> None:
        """A consumer on a channel of its own, and another whenever it is closed; then all unacked comes again."""
        again_s = AGAIN_S
        while True:
            try:
                async with self._turns:
                    channel = await self._attach(consumer)
                again_s = AGAIN_S
                closed = await asyncio.shield(channel.over)
            except ChannelClosed as error:
                closed = error
            consumer.channel, consumer.reading = None, False
            consumer.unacked.clear()
            for unanswered in [*consumer.markers.values()]:
                unanswered(False)  # what is put back may come behind it: brokers differ in that
            consumer.as_it_is = closed.other_argument != ""
            self._tell(closed)
            if closed.refusal:
                again_s = min(AGAIN_MAX_S, 2 * again_s)
            await pause(self._clock, 0.0 if consumer.as_it_is else self._random.uniform(again_s / 2, again_s))

    def _tell(self, closed: ChannelClosed) -> None:
        if closed.refusal:
            self._refusals.note(closed.refusal)
        elif closed.is_overdue:
            log.info("mail lay unacked for longer than the broker's consumer_timeout, and comes again")
        elif closed.code not in (0, self._told) and not closed.other_argument:
            self._told = closed.code
            log.warning("the broker closed a channel that reads (code %d)", closed.code)

    async def _attach(self, consumer: Consumer) -> AmqpChannel:
        """Raises Closed."""
        channel = consumer.channel = await self._reading.channel()
        consumer.serial = next(_serials)
        await channel.opened()
        await channel.call("basic_qos", prefetch_count=consumer.window)
        if not consumer.as_it_is:
            channel.declare(consumer.queue, self._arguments)
        await channel.consume(
            consumer.queue, partial(self._delivered, consumer, channel, consumer.serial), channel.close
        )
        consumer.reading = True
        _answer(consumer.attached, True)
        return channel

    def _delivered(
        self, consumer: Consumer, channel: AmqpChannel, serial: int, tag: int, body: bytes, _at_s: int | None
    ) -> None:
        if consumer.closed or consumer.channel is not channel:
            return  # goes back with its channel
        message = decode(body)
        if message is None:
            channel.ack(tag)
            if not body.startswith(MARKER):
                self._counts["mail dropped"] += 1
            elif answer := consumer.markers.get(body):
                answer(True)
            return
        consumer.unacked[tag] = None
        consumer.mail(Mail((serial << TAG_BITS) + tag, message))


def _answer(future: asyncio.Future[bool], yes: bool) -> None:
    if not future.done():
        future.set_result(yes)
