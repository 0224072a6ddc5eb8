"""A check that the broker keeps what waits in queues such as ours: a policy of its host's may have it forget sooner.

A policy cannot be read over AMQP, and the shorter of two lives, or lengths, holds. So a queue like those of guests is
filled with what nobody reads, and looked at.
"""

import asyncio
from collections.abc import Callable, Mapping

from citychat.adapters.rabbitmq.connection import AmqpChannel, AmqpConnection
from citychat.adapters.rabbitmq.errors import ChannelClosed
from citychat.ports import READY_MAX, Clock
from citychat.tasks import pause

FIRST_LOOK_S, LOOK_S = 1.0, 60.0  # the time between looks doubles
FORGETS = "it forgets what waits for a guest (message-ttl or expires in a policy)"
HOLDS_LESS = f"its queues hold less than {READY_MAX} messages (max-length in a policy)"


class KeepingCheck:
    """Tells ``advise`` what the broker does to ``queue``, a name that no other process uses; "" when all is well."""

    def __init__(
        self,
        connection: AmqpConnection,
        clock: Clock,
        arguments: Mapping[str, object],
        queue: str,
        advise: Callable[[str], None],
    ) -> None:
        self._connection, self._clock, self._advise = connection, clock, advise
        self._arguments, self._queue = arguments, queue
        self._forgot_after_s = 0.0

    async def watch(self) -> None:
        """Fill it and look, until it was found wrong or the connection is lost."""
        await self._connection.there.wait()
        try:
            channel = self._connection.channel()
            try:
                await self._watch(channel)
            finally:
                channel.close()
        except ChannelClosed:
            return  # also refused, by a limit or for lack of a right: who puts says so

    async def _watch(self, channel: AmqpChannel) -> None:
        """Return when something is missing. Raises Closed."""
        await channel.opened()
        await channel.call("queue_declare", self._queue, durable=True, exclusive=True, arguments=dict(self._arguments))
        began_s, look_s = self._clock.monotonic_s(), FIRST_LOOK_S
        if not await self._fill(channel, READY_MAX - await self._count(channel)):
            return self._advise(HOLDS_LESS)
        while True:
            await pause(self._clock, look_s)
            age_s = self._clock.monotonic_s() - began_s
            if await self._count(channel) < READY_MAX:
                self._forgot_after_s = age_s
                return self._advise(FORGETS)
            if age_s > self._forgot_after_s + FIRST_LOOK_S:
                self._advise("")
            look_s = min(LOOK_S, 2 * look_s)

    async def _fill(self, channel: AmqpChannel, missing: int) -> bool:
        """Tell whether all that is missing was taken: a count at once would come before what is on its way. Raises
        Closed."""
        answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def heard(tag: int, multiple: bool, taken: bool) -> None:
            if not answered.done() and (tag == missing or not taken):
                answered.set_result(taken)

        await channel.confirm(heard, lambda _: None)
        for _ in range(missing):
            channel.publish(self._queue, b"", "", self._clock.wall_ms() // 1_000)
        return missing == 0 or await channel.first(answered)

    async def _count(self, channel: AmqpChannel) -> int:
        """Count what waits; none where there is no queue any more. Raises Closed."""
        try:
            found: int = (await channel.call("queue_declare", self._queue, passive=True)).message_count
        except ChannelClosed as closed:
            if closed.code == 404:
                return 0
            raise
        return found
