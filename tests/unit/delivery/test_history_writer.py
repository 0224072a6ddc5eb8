"""History, then the fence, then the receipts (protocol §2.5.3)."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

from citychat.delivery import HistoryWriter
from citychat.delivery.history_writer import BATCH_ROWS, BATCH_S, BODIES_MAX_BYTES
from citychat.model import District, Message
from citychat.ports import Committed, Entry
from tests.support.stage import Stage, on_stage
from tests.support.stores import make_room, message


class DrawingPage:
    """A page that draws; remembers what was settled, and what history held at that moment."""

    def __init__(self, bench: "WriterBench", guest: str, epoch: int) -> None:
        self.bench, self.guest, self.epoch, self.closed = bench, guest, epoch, False
        self.receipted: list[Message] = []
        self.silent: list[Message] = []
        self.late: list[Message] = []

    def settled(self, receipted: list[Message], silent: list[Message], late: list[Message]) -> None:
        held = self.bench.held()
        assert all(m.text in held for m in receipted), "a receipt before the commit"
        self.receipted += receipted
        self.silent += silent
        self.late += late

    def numbers(self) -> list[int]:
        return [m.number for m in self.receipted]


class WriterBench:
    """A writer over the lines of one process. ``batches``: how many rows each had that was written."""

    def __init__(self, stage: Stage) -> None:
        node = stage.node("bench")
        self.stage, self.history, self.lobby = stage, node.history, node.lobby
        self.writer = HistoryWriter(node.engines.history, node.engines.lobby)
        node.tasks.spawn(self.writer.run(), "history writer")
        self.batches: list[int] = []
        add = stage.history.messages.add

        def counted(rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
            self.batches.append(len(rows))
            add(rows, done)

        stage.history.messages.add = counted  # type: ignore[method-assign]

    async def reader(self, guest: str = "ben") -> DrawingPage:
        await make_room(self.stage.history, message(1))
        entered = await self.stage.lobby.enter(entry(guest))
        return DrawingPage(self, guest, entered.epoch)

    def add(self, reader: DrawingPage, *numbers: int) -> None:
        for n in numbers:
            assert self.writer.add(reader, message(n))

    def held(self) -> list[str]:
        """What is on disk, as anybody else would read it."""
        with closing(sqlite3.connect(self.stage.folder / "citychat.db")) as database:
            return [text for (text,) in database.execute("SELECT x FROM messages ORDER BY n")]


def entry(guest: str, epoch: int = 0) -> Entry:
    return Entry(guest, "p", "lyon", District(0, 0), "Lyon", True, False, True, epoch=epoch)


@on_stage
async def test_what_was_drawn_is_in_the_history_before_anybody_hears_of_it(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.add(ben, 1, 2)
    assert ben.receipted == [] and bench.held() == []
    await stage.after(0.1)
    assert ben.numbers() == [1, 2] and bench.held() == ["text 1", "text 2"]
    assert bench.writer.bytes == 0


@on_stage
async def test_a_batch_is_what_came_within_20_ms_and_at_most_500(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.add(ben, 1)
    await stage.after(BATCH_S / 2)
    bench.add(ben, 2)
    await stage.after(0.1)
    assert bench.batches == [2]
    bench.add(ben, *range(3, BATCH_ROWS + 13))
    await stage.after(0.2)
    assert bench.batches == [2, BATCH_ROWS, 10]
    assert ben.numbers() == list(range(1, BATCH_ROWS + 13))


@on_stage
async def test_of_two_texts_in_one_batch_history_gets_the_one_that_was_drawn_first(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.writer.add(ben, message(1, x="drawn"))
    bench.writer.add(ben, message(1, x="sent later"))
    await stage.after(0.1)
    assert bench.held() == ["drawn"]


@on_stage
async def test_the_end_of_a_stream_is_committed_before_the_stream_that_links_to_it(stage: Stage) -> None:
    """A store that breaks off may keep any part of a batch."""
    bench = WriterBench(stage)
    ben = await bench.reader()
    for drawn in (message(1), message(2), message(1, "next", p=("st", 2)), message(2, "next")):
        bench.writer.add(ben, drawn)
    await stage.after(0.2)
    assert bench.batches == [2, 2]


@on_stage
async def test_a_page_that_has_been_replaced_says_nothing(stage: Stage) -> None:
    bench = WriterBench(stage)
    old = await bench.reader()
    bench.add(old, 1)
    new = await bench.reader()
    bench.add(new, 2)
    await stage.after(0.1)
    assert old.numbers() == [] and new.numbers() == [2]
    assert bench.held() == ["text 1", "text 2"], "kept all the same"
    assert bench.writer.counts["fenced"] == 1 and bench.writer.bytes == 0


@on_stage
async def test_what_a_lobby_that_forgot_cannot_decide_waits_until_the_guest_is_entered_again(stage: Stage) -> None:
    bench = WriterBench(stage)
    await make_room(stage.history, message(1))
    ben = DrawingPage(bench, "ben", 5_000)
    bench.add(ben, 1)
    await stage.after(10)
    assert ben.numbers() == [] and bench.writer.bytes > 0
    await stage.lobby.enter(entry("ben", epoch=5_000))
    await stage.after(2)
    assert ben.numbers() == [1] and bench.writer.bytes == 0


@on_stage
async def test_a_newer_epoch_decides_also_after_the_lobby_forgot(stage: Stage) -> None:
    bench = WriterBench(stage)
    await make_room(stage.history, message(1))
    ben = DrawingPage(bench, "ben", 5_000)
    bench.add(ben, 1)
    await stage.after(3)
    await stage.lobby.enter(entry("ben", epoch=6_000))
    await stage.after(2)
    assert ben.numbers() == [] and bench.writer.counts["fenced"] == 1


@on_stage
async def test_a_page_that_closed_unknown_to_the_lobby_is_not_waited_for(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = DrawingPage(bench, "ben", 5_000)
    bench.add(ben, 1)
    ben.closed = True
    await stage.after(0.1)
    assert ben.numbers() == [] and bench.writer.bytes == 0
    await asyncio.wait_for(bench.writer.flushed(), 1)


@on_stage
async def test_a_page_that_closed_and_is_still_the_newest_gets_its_receipts_out(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.add(ben, 1)
    ben.closed = True
    await stage.after(0.1)
    assert ben.numbers() == [1]


@on_stage
async def test_a_lobby_that_is_away_is_asked_again_and_commits_go_on(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.lobby.away = {"status"}
    bench.add(ben, 1)
    await stage.after(3)
    bench.add(ben, 2)
    await stage.after(3)
    assert ben.numbers() == [] and bench.held() == ["text 1", "text 2"]
    bench.lobby.away = set()
    await stage.after(2)
    assert ben.numbers() == [1, 2]


@on_stage
async def test_a_history_that_is_away_gets_it_later_in_order(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.history.away = {"messages.add"}
    bench.add(ben, 1, 2)
    await stage.after(5)
    bench.add(ben, 3)
    await stage.after(60)
    assert ben.numbers() == [] and not bench.writer._idle.is_set()
    bench.history.away = set()
    await stage.after(3)
    assert ben.numbers() == [1, 2, 3] and bench.writer.counts["commits failed"] > 10


@on_stage
async def test_a_commit_whose_answer_was_lost_is_done_again_and_settles_once(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.history.mute = {"messages.add"}
    bench.add(ben, 1)
    await stage.after(3)
    assert ben.numbers() == []
    bench.history.mute = set()
    await stage.after(3)
    assert ben.numbers() == [1] and bench.held() == ["text 1"]


@on_stage
async def test_8_mib_of_texts_are_kept_and_no_more(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.history.away = {"messages.add"}
    n = 0
    while bench.writer.add(ben, message(n + 1, x="x" * 2_000)):
        n += 1
    assert BODIES_MAX_BYTES / 8_200 - 1 <= n <= BODIES_MAX_BYTES / 8_200 + 1
    assert bench.writer.full and bench.writer.counts["turned away"] == 1
    bench.history.away = set()
    await stage.after(20)
    assert len(ben.numbers()) == n and bench.writer.bytes == 0 and not bench.writer.full


@on_stage
async def test_copies_of_what_is_kept_take_no_room_and_close_no_mailbox(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben, other = await bench.reader(), await bench.reader("carl")
    bench.history.away = {"all"}
    bench.add(ben, 1)
    await stage.after(2)
    once = bench.writer.bytes
    bench.add(ben, 1, 1, 1)
    assert bench.writer.bytes == once
    bench.add(other, 1)
    assert bench.writer.bytes == 2 * once, "another page has to be settled too"
    bench.writer.bytes += BODIES_MAX_BYTES
    bench.add(ben, 1)
    bench.writer.bytes -= BODIES_MAX_BYTES
    bench.history.away = set()
    await stage.after(2)
    assert ben.numbers() == other.numbers() == [1] and bench.writer.bytes == 0
    bench.add(ben, 1)
    await stage.after(0.1)
    assert ben.numbers() == [1, 1], "a copy that comes later heals a lost receipt"


@on_stage
async def test_a_copy_that_comes_after_its_gap_is_settled_late_and_the_gap_in_silence(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    bench.writer.add(ben, message(1, x="", k="gap"))
    await stage.after(0.1)
    bench.add(ben, 1, 2)
    await stage.after(0.1)
    assert ben.numbers() == [1, 2] and [m.number for m in ben.late] == [1]
    assert [(m.number, m.kind) for m in ben.silent] == [(1, "gap")]
    bench.add(ben, 1)
    await stage.after(0.1)
    assert ben.numbers() == [1, 2, 1] and [m.number for m in ben.late] == [1], "it is told once"


@on_stage
async def test_flushed_when_everything_is_settled(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    await bench.writer.flushed()
    bench.add(ben, *range(1, 1_200))
    await bench.writer.flushed()
    assert len(ben.numbers()) == 1_199


@on_stage
async def test_a_store_too_slow_for_a_whole_batch_gets_smaller_ones_until_it_takes_them(stage: Stage) -> None:
    bench = WriterBench(stage)
    ben = await bench.reader()
    add, tried = stage.history.messages.add, []

    def at_most_ten(rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        tried.append(len(rows))
        if len(rows) <= 10 or len(tried) > 40:
            add(rows, done)
        else:
            stage.loop.call_later(5, done, None)

    stage.history.messages.add = at_most_ten  # type: ignore[method-assign]
    bench.add(ben, *range(1, 101))
    await stage.after(120)
    assert tried[:5] == [100, 50, 25, 12, 6]
    assert ben.numbers() == list(range(1, 101)) and bench.writer.bytes == 0
    tried += [0] * 41
    bench.add(ben, *range(101, 2101))
    await stage.after(60)
    assert BATCH_ROWS in tried and ben.numbers() == list(range(1, 2101))
