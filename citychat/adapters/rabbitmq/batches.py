"""Batches of messages on their way into RabbitMQ's queues: what is known of each, and their lines."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from citychat.adapters.rabbitmq.connection import AmqpChannel
from citychat.ports import Timer

Stored = Callable[[bool], None]


class Batch:
    """Messages published together. ``life_ms``: how long they may wait, if shorter than all others; ``left``: its
    messages that are not confirmed yet; ``again``: it has been published twice already."""

    def __init__(self, queue: str, bodies: Sequence[bytes], stored: Stored, life_ms: int | None) -> None:
        self.queue, self.bodies, self.life_ms = queue, bodies, life_ms
        self.stored: Stored | None = stored
        self.size_bytes = sum(map(len, bodies))
        self.left = 0
        self.begun = self.refused = self.returned = self.again = False
        self.timer: Timer | None = None


class ConfirmedChannel:
    """A channel that confirms. ``waiting``: batches for a channel that is being opened; ``unconfirmed``: by delivery
    tag, in order; ``asked``: confirmed batches, in order, whose queues are looked for."""

    def __init__(self) -> None:
        self.channel: AmqpChannel | None = None
        self.published = 0
        self.unconfirmed: dict[int, Batch] = {}
        self.asked: deque[Batch] = deque()
        self.waiting: list[Batch] = []


class Lines:
    """Lines of batches, a queue each, of which one batch at a time is on its way (``begin``): the next one declares the
    queue anew, and would hide from one before that it had gone."""

    def __init__(self, begin: Callable[[Batch], None]) -> None:
        self._begin = begin
        self._lines: dict[str, deque[Batch]] = {}

    def join(self, batch: Batch) -> None:
        line = self._lines.setdefault(batch.queue, deque())
        line.append(batch)
        if len(line) == 1:
            self._next(batch.queue)

    def leave(self, batch: Batch) -> None:
        """Take out a batch that is answered; the next one begins, though not before this returns."""
        line = self._lines.get(batch.queue)
        if not line or batch not in line:
            return
        line.remove(batch)
        if line:
            asyncio.get_running_loop().call_soon(self._next, batch.queue)
        else:
            del self._lines[batch.queue]

    def of(self, queue: str) -> list[Batch]:
        return [*self._lines.get(queue, ())]

    def clear(self) -> None:
        self._lines.clear()

    def _next(self, queue: str) -> None:
        line = self._lines.get(queue)
        if line and not line[0].begun:
            line[0].begun = True
            self._begin(line[0])
