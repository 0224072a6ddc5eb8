"""When a process may say that it lives: not because a timer fires, but because its work goes on.

Each round asks anew what was answered: the bus carries a record of ours to ourselves, the history answers a question,
the history writer moves. A service that is away is no fault of ours: its adapter says so in time, and that is an
answer too.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from citychat.delivery import HistoryWriter
from citychat.ports import BusEvent, Engines, NewerPage

# Longer than any honest answer takes (drivers give up after seconds): a restart cures a stuck thread, no slow service.
STUCK_S = 60.0

log = logging.getLogger(__name__)


class Spawn(Protocol):
    def __call__(self, work: Coroutine[Any, Any, object], name: str, /) -> "asyncio.Task[Any]": ...


class Watchdog:
    """Calls ``alive`` in each round in which nothing has been stuck for ``stuck_s``.

    ``name``: the process's own, as a channel of the bus that nobody else uses. ``running``: whether the task that runs
    the history writer still does; it never ends by itself.
    """

    def __init__(
        self,
        *,
        name: str,
        engines: Engines,
        writer: HistoryWriter,
        running: Callable[[], bool],
        spawn: Spawn,
        alive: Callable[[], None],
        stuck_s: float = STUCK_S,
    ) -> None:
        self._name, self._bus, self._history, self._writer = name, engines.bus, engines.history, writer
        self._running, self._spawn, self._alive, self._stuck_s = running, spawn, alive, stuck_s
        self._now_s = engines.clock.monotonic_s
        self._listening: object | None = None
        self._carried = asyncio.Event()
        self._turns = -1
        self._asked: dict[str, asyncio.Task[Any]] = {}
        self._moved_s = dict.fromkeys(("bus", "history", "history writer"), self._now_s())
        self._told = ""

    async def round(self) -> None:
        """Ask again what was answered; then call ``alive``, or log what is stuck (once)."""
        now_s = self._now_s()
        for name, ask in (("bus", self._echo), ("history", self._question)):
            if name not in self._asked or self._asked[name].done():
                self._moved_s[name] = now_s
                self._asked[name] = self._spawn(ask(), "watchdog")
            elif name == "bus" and self._listening is not None:  # the record may have been lost on its way
                self._publish()
        if self._writer.idle or self._writer.turns != self._turns:
            self._moved_s["history writer"], self._turns = now_s, self._writer.turns
        stuck = [name for name, moved_s in self._moved_s.items() if now_s - moved_s >= self._stuck_s]
        if not self._running():
            stuck.append("the history writer's task")
        told = ", ".join(stuck)
        if told and told != self._told:
            log.error("No sign of life any more: nothing moves in %s", told)
        self._told = told
        if not stuck:
            self._alive()

    async def _question(self) -> None:
        await self._history.guests.find(self._name)

    async def _echo(self) -> None:
        if self._listening is None:
            self._listening = await self._bus.listen(self._name, self._heard)
        self._carried.clear()
        self._publish()
        await self._carried.wait()

    def _publish(self) -> None:
        self._bus.publish(self._name, NewerPage(0), self._published)

    def _published(self, listeners: int) -> None:
        if not listeners:  # the bus is away, and has said so
            self._carried.set()

    def _heard(self, record: BusEvent) -> None:
        self._carried.set()
