"""The connections that mailboxes are read over: as many as the channels ask for, and no channel over a user's limit.

RabbitMQ closes a connection, with every channel on it, for one channel more than its user may have. So once a limit was
met the readers stay below it and leave some for what puts; more is tried on a connection of its own.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from citychat.adapters.rabbitmq.connection import AmqpChannel, AmqpConnection
from citychat.adapters.rabbitmq.errors import BrokerLimit

SPARE_ROOM = 200  # channels left when another connection is made, so that nobody waits for it
LIFTED_AT = 64  # so many channels more than the limit let us have: it is no longer there

log = logging.getLogger(__name__)


class ReadingConnections:
    """All connections that read. ``connect(name)`` makes one; ``takes(count)`` tells whether the broker would let us
    have so many channels more; ``kept``: the channels that what puts may need; ``limit``: what they stay below."""

    def __init__(
        self,
        connect: Callable[[str], AmqpConnection],
        takes: Callable[[int], Awaitable[bool]],
        kept: int,
    ) -> None:
        self._connect, self._takes, self._kept = connect, takes, kept
        self.all: list[AmqpConnection] = []
        self.limit: BrokerLimit | None = None
        self._most = 0
        self._room = asyncio.Event()

    def add(self) -> None:
        """One more connection to read from."""
        connection = self._connect(f"reads {len(self.all) + 1}")
        connection.left = self._room.set
        self.all.append(connection)
        connection.start()

    @property
    def up(self) -> bool:
        return any(connection.up for connection in self.all)

    @property
    def over(self) -> int:
        """Count the channels that are too many."""
        return self._used - self._most if self.limit else 0

    def on_up(self) -> None:
        """Let those go on who wait for room: there is a connection."""
        self._room.set()

    def met(self, limit: BrokerLimit) -> None:
        """Stay below a limit of channels; when it is met again, others share it, and they find less of it."""
        self._most = max(0, limit.number - self._kept) if self.limit is None else self._most * 3 // 4
        self.limit = limit

    async def channel(self) -> AmqpChannel:
        """One that is being opened, as soon as there is room. Raises Closed."""
        while (connection := self._with_room()) is None:
            self._room.clear()
            await self._room.wait()
        channel = connection.channel()
        self._keep_spare_room(connection.most)
        return channel

    async def try_more(self) -> None:
        """Find out how much of the limit is left, and whether it is gone."""
        step = 1
        while self.limit is not None and await self._takes(step + self._kept):
            self._most, step = self._most + step, 2 * step
            if step > LIFTED_AT:
                log.info("RabbitMQ lets its user have more channels again")
                self.limit = None
            self._room.set()

    @property
    def _used(self) -> int:
        return sum(connection.used for connection in self.all)

    def _with_room(self) -> AmqpConnection | None:
        if self.limit is not None and self._used >= self._most:
            return None
        return next((connection for connection in self.all if connection.room), None)

    def _keep_spare_room(self, most: int) -> None:
        """One more connection before the last is full, where each may have ``most`` channels; one at a time."""
        room = sum(connection.room for connection in self.all)
        if room <= min(SPARE_ROOM, most // 2) and all(connection.up for connection in self.all):
            self.add()
