"""Board of all processes on one bus: each tells its figures when one of them asks, and these are added up.

The bus tells how many have heard the question, so that a process that runs and says nothing is known, too. The embedded
bus has one process, which asks nobody else.
"""

import asyncio
from collections.abc import Awaitable, Callable

from citychat.figures import Figures, Summary, summary
from citychat.ports import Bus, BusEvent, Clock, FiguresAsked, FiguresTold
from citychat.tasks import Tasks

ANSWER_S = 3.0  # longer than a driver takes to say that its service is away
PROCESSES_MAX = 1_000  # of whom an answer is kept
ALL, ONE = "figures.all", "figures.{}"  # channels of the bus; no id of a guest has a dot


class Board:
    """Asks and answers for the process ``name``. ``own``: its figures now."""

    def __init__(self, name: str, bus: Bus, tasks: Tasks, clock: Clock, own: Callable[[], Awaitable[Figures]]) -> None:
        self._name, self._bus, self._tasks, self._clock, self._own = name, bus, tasks, clock, own
        self._heard_by_us = 0  # of those who hear a question one is this process
        self._told: dict[str, Figures] = {}
        self._expected: int | None = None
        self._all_told = asyncio.Event()
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Hear the questions of others, as soon as the bus is there."""
        self._tasks.spawn(self._tasks.retry(self._listen), "figures")

    async def _listen(self) -> None:
        await self._bus.listen(ONE.format(self._name), self._heard)
        await self._bus.listen(ALL, self._heard)
        self._heard_by_us = 1

    async def ask(self) -> Summary:
        """Return the figures of all processes, added up. Without the bus they are those of this one."""
        async with self._turn:
            self._told, self._expected = {}, None
            self._all_told.clear()
            self._bus.publish(ALL, FiguresAsked(self._name), self._published)
            own = await self._own()
            timer = self._clock.later(ANSWER_S, self._all_told.set)
            await self._all_told.wait()
            timer.cancel()
            return summary([own, *self._told.values()], self._silent())

    async def here(self) -> int:
        """Count the guests of all processes."""
        return (await self.ask()).here

    def _silent(self) -> int:
        return 0 if self._expected is None else max(0, self._expected - len(self._told))

    def _published(self, listeners: int) -> None:
        self._expected = max(0, listeners - self._heard_by_us)
        self._look()

    def _look(self) -> None:
        if self._expected is not None and len(self._told) >= self._expected:
            self._all_told.set()

    def _heard(self, record: BusEvent) -> None:
        if isinstance(record, FiguresAsked) and record.process != self._name:
            self._tasks.spawn(self._answer(record.process), "tell figures")
        elif isinstance(record, FiguresTold) and len(self._told) < (self._expected or PROCESSES_MAX):
            self._told[record.figures.process] = record.figures
            self._look()

    async def _answer(self, process: str) -> None:
        self._bus.publish(ONE.format(process), FiguresTold(await self._own()))
