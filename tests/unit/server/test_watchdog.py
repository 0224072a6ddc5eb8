"""A process lives when its work goes on: storage, bus and history writer, each held up for real."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from random import Random
from threading import Event
from types import SimpleNamespace

import pytest

from citychat.adapters.memory import MemoryBus, MemoryLobby
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.delivery import HistoryWriter
from citychat.model import Message, Unavailable
from citychat.ports import BusEvent, Engines, Timer
from citychat.server.watchdog import STUCK_S, Watchdog
from citychat.tasks import Tasks
from tests.support.patience import PATIENCE_S
from tests.support.stores import message


@contextmanager
def held_up(living: "Living") -> Iterator[None]:
    """A disk that stands still meanwhile."""
    moves = Event()
    living.database.submit(lambda _: moves.wait(), lambda _: None)
    living.disk_moves = False
    try:
        yield
    finally:
        living.disk_moves = True
        moves.set()


class AwayBus(MemoryBus):
    """A bus whose service is away, as the port describes it: it says so at once, and loses what it was given."""

    away = False

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        if not self.away:
            super().publish(guest, record, published)
        elif published is not None:
            self._call_soon(published, 0)

    async def listen(self, guest: str, heard: Callable[[BusEvent], None]) -> object:
        if self.away:
            raise Unavailable
        return await super().listen(guest, heard)


class Drawer:
    """A page that has drawn something."""

    guest, epoch, closed = "anna", 0, False

    def settled(self, receipted: list[Message], silent: list[Message], late: list[Message]) -> None:
        pass


class Living:
    """A process's engines with a watchdog; ``beats`` counts its signs of life, ``now_s`` is moved by the test."""

    def __init__(self) -> None:
        self.now_s, self.beats, self.disk_moves = 0.0, 0, True
        self.bus: AwayBus
        self.database: Database
        self.writer: HistoryWriter
        self.writers_task: asyncio.Task[None]
        self.watchdog: Watchdog

    async def open(self, folder: Path, stack: AsyncExitStack) -> None:
        self.database = await stack.enter_async_context(Database(folder / "citychat.db"))
        self.bus = await stack.enter_async_context(AwayBus(asyncio.get_running_loop().call_soon))
        history = await stack.enter_async_context(SqliteHistory(self.database))
        lobby = await stack.enter_async_context(MemoryLobby(lambda: 0, Random(1)))
        self.writer = HistoryWriter(history, lobby)
        mailbox = await stack.enter_async_context(SqliteMailbox(self.database, self))
        engines = Engines(self.bus, lobby, mailbox, history, self, Random(1))
        tasks = await stack.enter_async_context(Tasks(self, Random(1)))
        self.writers_task = tasks.spawn(self.writer.run(), "history writer")
        stack.callback(self.writers_task.cancel)
        self.watchdog = Watchdog(
            name="process",
            engines=engines,
            writer=self.writer,
            running=lambda: not self.writers_task.done(),
            spawn=tasks.spawn,
            alive=self._beat,
        )

    def wall_ms(self) -> int:
        return round(self.now_s * 1000)

    def monotonic_s(self) -> float:
        return self.now_s

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_later(delay_s, call)

    def _beat(self) -> None:
        self.beats += 1

    async def rounds(self, seconds: float, every_s: float = 5.0) -> int:
        """Let time pass; how many signs of life there were."""
        before, end_s = self.beats, self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += every_s
            await self.watchdog.round()
            quiet = 0
            while quiet < 20:  # what can move, moves; the writer's thread needs real time
                await asyncio.sleep(0.001)
                quiet = 0 if self.disk_moves and self.database._waiting else quiet + 1
        return self.beats - before


@pytest.fixture
async def living(tmp_path: Path) -> AsyncIterator[Living]:
    async with AsyncExitStack() as stack:
        one = Living()
        await one.open(tmp_path, stack)
        yield one


def complaints(caplog: pytest.LogCaptureFixture) -> Sequence[str]:
    return [record.message for record in caplog.records if record.levelno == logging.ERROR]


async def test_as_long_as_all_moves_every_round_is_a_sign_of_life(living: Living) -> None:
    assert await living.rounds(2 * STUCK_S) == 2 * STUCK_S / 5


async def test_a_stuck_writer_ends_them_after_a_minute_and_moving_again_brings_them_back(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    with held_up(living):
        assert await living.rounds(STUCK_S) == STUCK_S / 5, "a slow disk is not a dead one"
        assert await living.rounds(STUCK_S) == 0
        assert complaints(caplog) == ["No sign of life any more: nothing moves in history"]
    await living.rounds(5)
    assert await living.rounds(20) == 4


async def test_a_bus_that_carries_nothing_ends_them_one_that_is_away_does_not(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    assert await living.rounds(20) == 4
    living.bus.away = True
    assert await living.rounds(2 * STUCK_S) == 2 * STUCK_S / 5
    living.bus.away = False
    living.bus._call_soon = lambda *_: None  # takes records and is never heard of again
    assert await living.rounds(STUCK_S) < STUCK_S / 5 + 1
    assert await living.rounds(STUCK_S) == 0
    assert complaints(caplog) == ["No sign of life any more: nothing moves in bus"]


async def test_a_bus_that_is_away_from_the_beginning_is_waited_for(living: Living) -> None:
    living.bus.away = True
    assert await living.rounds(2 * STUCK_S) == 2 * STUCK_S / 5
    living.bus.away = False
    assert await living.rounds(20) == 4


async def test_one_lost_record_is_no_death(living: Living) -> None:
    await living.rounds(5)
    deliver, living.bus._call_soon = living.bus._call_soon, lambda *_: None
    await living.rounds(10)
    living.bus._call_soon = deliver
    assert await living.rounds(3 * STUCK_S) == 3 * STUCK_S / 5


async def test_a_history_writer_that_stops_moving_ends_them(living: Living, caplog: pytest.LogCaptureFixture) -> None:
    living.writer.history = SimpleNamespace(messages=Silent())
    living.writer.add(Drawer(), message(1))
    await living.rounds(5)
    assert await living.rounds(2 * STUCK_S) < STUCK_S / 5 + 1
    assert complaints(caplog) == ["No sign of life any more: nothing moves in history writer"]


class Silent:
    """A store that takes rows and never says what became of them."""

    def add(self, rows: object, done: object) -> None:
        pass


async def test_a_history_writer_whose_history_says_no_goes_on(living: Living) -> None:
    living.writer.history = SimpleNamespace(messages=Refusing())
    living.writer.add(Drawer(), message(1))
    await living.rounds(5)
    before = living.writer.turns
    async with asyncio.timeout(PATIENCE_S):
        while living.writer.turns <= before:  # noqa: ASYNC110 - its own retry, of which it tells nobody
            await asyncio.sleep(0.01)


class Refusing:
    """A store that is away."""

    def add(self, rows: object, done: Callable[[None], None]) -> None:
        asyncio.get_running_loop().call_soon(done, None)


async def test_a_history_writer_whose_task_has_ended_ends_them_at_once(
    living: Living, caplog: pytest.LogCaptureFixture
) -> None:
    await living.rounds(5)
    living.writers_task.cancel()
    await asyncio.wait([living.writers_task])
    assert await living.rounds(10) == 0
    assert complaints(caplog) == ["No sign of life any more: nothing moves in the history writer's task"]
