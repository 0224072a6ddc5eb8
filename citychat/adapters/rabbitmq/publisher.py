"""Putting into RabbitMQ's queues: batches in order, each answered when the broker has all of it on disk, or never will.

A queue belongs to one of eight slots (channels with confirms): its order is kept, a slow declare holds up an eighth of
the others, and a queue that the broker will not have as we want it closes one slot, which sends the others' batches
again.
"""

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from zlib import crc32

from citychat.adapters.rabbitmq.batches import Batch, ConfirmedChannel, Lines, Stored
from citychat.adapters.rabbitmq.connection import AmqpChannel, AmqpConnection
from citychat.adapters.rabbitmq.errors import LARGEST_MESSAGE, ChannelClosed
from citychat.adapters.rabbitmq.refusals import Refusals
from citychat.expiring import Expiring
from citychat.limits import bound
from citychat.ports import Clock
from citychat.tasks import Tasks, pause

SLOTS = 8  # declaring new queues: 415/s on one channel, 1,225/s on 16
PUT_S = 5.0  # then the sender's page hears "waiting" and tries again
UNANSWERED_MAX_BYTES = bound("unanswered by RabbitMQ")
REOPEN_S = 0.2
MISFIT_S = 60.0  # how long a queue that the broker does not let us fill is left alone: each try closes a slot
MISFITS_MAX = 1_000
KNOWN_MAX = 10_000
# Of every queue of ours: a virtual host may make quorum queues of those that name no type, and RabbitMQ 4 drops what
# has come back to one of those 20 times. A queue that was made without the argument counts as made with it.
CLASSIC = {"x-queue-type": "classic"}
KNOWN_S = 10.0  # then another process may have deleted the queue, and a third one made it anew

log = logging.getLogger(__name__)


class Publisher:
    """The publisher of messages with confirms. ``arguments``: those of every queue. ``sync_queue``: a name that no
    other process uses."""

    def __init__(
        self,
        connection: AmqpConnection,
        clock: Clock,
        tasks: Tasks,
        arguments: Mapping[str, object],
        sync_queue: str,
        refusals: Refusals,
    ) -> None:
        self._connection, self._clock, self._tasks, self._arguments = connection, clock, tasks, arguments
        self._sync_queue, self._refusals = sync_queue, refusals
        self._slots = [ConfirmedChannel() for _ in range(SLOTS)]
        self._open: set[Batch] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._unanswered_bytes = 0
        self._lines = Lines(self._begin)
        self._largest_bytes = math.inf  # of one message that the broker takes
        self._misfits = Expiring[str, None](MISFITS_MAX, MISFIT_S, clock.monotonic_s)
        self._known = Expiring[str, None](KNOWN_MAX, KNOWN_S, clock.monotonic_s)  # the broker will not forget them
        self._fresh: list[Batch] = []  # confirmed, but their queues may be forgotten yet
        self._are_fresh = asyncio.Event()
        self._syncing: AmqpChannel | None = None
        self.blocked = False

    def start(self) -> None:
        for slot in self._slots:
            self._tasks.spawn(self._keep(slot), "put into RabbitMQ")
        self._tasks.spawn(self._sync(), "new queues of RabbitMQ")

    def on_down(self) -> None:
        """The connection is gone: nothing is sure of what was not confirmed."""
        self.blocked = False
        self._known.clear()
        self._fresh.clear()
        self._lines.clear()
        for batch in list(self._open):
            self._answer(batch, False)
        for slot in self._slots:
            slot.channel = None
            slot.unconfirmed.clear()
            slot.asked.clear()
            slot.waiting.clear()

    def put(self, queue: str, bodies: Sequence[bytes], stored: Stored, life_ms: int | None = None) -> None:
        """Publish in order, durably. What cannot be taken is answered at once, though not before this returns."""
        batch = Batch(queue, bodies, stored, life_ms)
        full = self._unanswered_bytes + batch.size_bytes > UNANSWERED_MAX_BYTES or self._too_large(batch)
        self._open.add(batch)
        self._idle.clear()
        self._unanswered_bytes += batch.size_bytes
        if not self._connection.up or self.blocked or full or queue in self._misfits or not bodies:
            self._answer(batch, not bodies)
            return
        batch.timer = self._clock.later(PUT_S, partial(self._answer, batch, False))
        self._lines.join(batch)

    def _begin(self, batch: Batch) -> None:
        self._send(self._slots[crc32(batch.queue.encode()) % SLOTS], batch)

    async def settled(self) -> None:
        """Wait until everything put so far is answered, at most 5 s."""
        await self._idle.wait()

    async def _keep(self, slot: ConfirmedChannel) -> None:
        """A channel for the slot, and another whenever it is closed."""
        while True:
            await self._connection.there.wait()
            try:
                channel = self._connection.channel()
                await channel.opened()
                await channel.confirm(partial(self._confirmed, slot), partial(self._returned, slot))
                channel.answered(partial(self._found, slot))
            except ChannelClosed as closed:
                self._tell(closed)
                await pause(self._clock, REOPEN_S)
                continue
            slot.channel, slot.published = channel, 0
            waiting, slot.waiting = slot.waiting, []
            for batch in waiting:
                self._send(slot, batch)
            self._closed(slot, await channel.over)

    def _send(self, slot: ConfirmedChannel, batch: Batch) -> None:
        """Declare (which also gives the queue another 48 h), then publish, in one write."""
        if batch.stored is None:
            return
        if slot.channel is None:
            slot.waiting.append(batch)
            return
        batch.refused = batch.returned = False
        batch.left = len(batch.bodies)
        at_s = self._clock.wall_ms() // 1_000
        try:
            slot.channel.declare(batch.queue, self._arguments)
            for body in batch.bodies:
                slot.published += 1
                slot.unconfirmed[slot.published] = batch
                slot.channel.publish(batch.queue, body, str(slot.published), at_s, batch.life_ms)
        except ChannelClosed:
            self._answer(batch, False)

    def _confirmed(self, slot: ConfirmedChannel, tag: int, multiple: bool, taken: bool) -> None:
        tags = [tag]
        if multiple:
            tags = []
            for unconfirmed in slot.unconfirmed:
                if unconfirmed > tag:
                    break
                tags.append(unconfirmed)
        for each in tags:
            if batch := slot.unconfirmed.pop(each, None):
                batch.left -= 1
                batch.refused |= not taken
                if batch.left == 0:
                    self._complete(slot, batch)

    def _returned(self, slot: ConfirmedChannel, name: str) -> None:
        """There was no such queue: somebody has deleted it since the declare. The confirm still comes (fact 11)."""
        if name.isascii() and name.isdigit() and (batch := slot.unconfirmed.get(int(name))):
            batch.returned = True

    def _complete(self, slot: ConfirmedChannel, batch: Batch) -> None:
        if batch.returned and not batch.refused and not batch.again:
            batch.again = True
            self.forget(batch.queue)
            self._send(slot, batch)
        elif batch.refused or batch.returned:
            self._answer(batch, False)
        elif slot.channel is not None and batch.stored is not None:
            with suppress(ChannelClosed):  # then it is sent again
                slot.channel.find(batch.queue)
            slot.asked.append(batch)

    def _found(self, slot: ConfirmedChannel) -> None:
        """The queue outlived the confirm: what went to one that was being deleted is confirmed, and nowhere (fact 25).
        Nobody deletes a queue so soon after something has come out of it."""
        batch = slot.asked.popleft()
        if batch.queue in self._known:
            self._answer(batch, True)
        else:
            self._fresh.append(batch)
            self._are_fresh.set()

    async def _sync(self) -> None:
        """Make the broker remember new queues before what it has confirmed in them is answered (fact 19).

        Its next change of what is durable does: a queue that comes and goes, 3 to 9 ms for all that wait for it.
        """
        while True:
            await self._are_fresh.wait()
            self._are_fresh.clear()
            batches, self._fresh = self._fresh, []
            try:
                await self._change_what_is_durable()
            except ChannelClosed as closed:
                self._tell(closed)
                for batch in batches:
                    self._answer(batch, False)
                continue
            for batch in batches:
                self._remembered(batch)

    async def _change_what_is_durable(self) -> None:
        """Raises Closed."""
        channel = self._syncing
        if channel is None or channel.over.done():
            channel = self._syncing = self._connection.channel()
            await channel.opened()
        await channel.call("queue_declare", self._sync_queue, durable=True, exclusive=True, arguments=CLASSIC)
        await channel.call("queue_delete", self._sync_queue)

    def _remembered(self, batch: Batch) -> None:
        """Wait until what is in the queue stays in it, whatever happens to the broker."""
        if batch.stored is not None:
            self._known[batch.queue] = None
        self._answer(batch, True)

    def forget(self, queue: str) -> None:
        """Declare this queue again before the next put: it is being deleted, or was."""
        self._known.discard(queue)

    def _closed(self, slot: ConfirmedChannel, closed: ChannelClosed) -> None:
        """Send the batches of others once more when the broker has closed the channel because of one queue; when the
        connection is lost, nothing is sure."""
        batches = list(dict.fromkeys([*slot.unconfirmed.values(), *slot.asked]))
        slot.channel = None
        slot.unconfirmed.clear()
        slot.asked.clear()
        self._tell(closed)
        for batch in batches:
            is_misfit = closed.is_about(batch.queue) and not closed.is_gone
            if closed.is_about(batch.queue):
                self.forget(batch.queue)
            if is_misfit:
                self._note_misfit(batch.queue, closed.other_argument)
            is_misfit |= self._too_large(batch)
            if is_misfit or batch.again or closed.code == 0:
                self._answer(batch, False)
            else:
                batch.again = True
                slot.waiting.append(batch)

    def _tell(self, closed: ChannelClosed) -> None:
        """Say why the broker has closed a channel, and put nothing that would make it close the next one."""
        if closed.refusal:
            self._refusals.note(closed.refusal)
        elif closed.code and not closed.other_argument and not closed.is_gone:
            log.warning("the broker closed a channel that puts (code %d)", closed.code)
        if closed.may_not_write or (closed.limit and closed.limit.name == LARGEST_MESSAGE):
            self._largest_bytes = closed.limit.number if closed.limit else 0
            self._clock.later(MISFIT_S, self._try_any_size)

    def _try_any_size(self) -> None:
        self._largest_bytes = math.inf

    def _too_large(self, batch: Batch) -> bool:
        return any(len(body) > self._largest_bytes for body in batch.bodies)

    def _note_misfit(self, queue: str, argument: str) -> None:
        if argument and queue not in self._misfits:
            log.warning("a queue exists with other arguments than ours (%s): nothing is put into it", argument)
        self._misfits[queue] = None
        for batch in self._lines.of(queue):
            self._answer(batch, False)

    def _answer(self, batch: Batch, ok: bool) -> None:
        """Once, and never from inside ``put``."""
        if batch.stored is None:
            return
        asyncio.get_running_loop().call_soon(batch.stored, ok)
        batch.stored = None
        self._lines.leave(batch)
        self._open.discard(batch)
        if not self._open:
            self._idle.set()
        self._unanswered_bytes -= batch.size_bytes
        batch.bodies = ()  # its tags may stay for a while
        if batch.timer:
            batch.timer.cancel()
