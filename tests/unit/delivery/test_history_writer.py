"""History, then the fence, then the receipts (protocol §2.5.3), over the simulated history and the embedded lobby."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from citychat.delivery import HistoryWriter
from citychat.delivery.history_writer import BATCH_ROWS, BATCH_S, BODIES_MAX_BYTES
from citychat.model import Message, Unavailable
from citychat.ports import GuestStatus
from tests.unit.delivery.room import Room, entry, message


class Reader:
    """A page that draws; remembers what was settled, and what history held at that moment."""

    def __init__(self, bench: "Bench", guest: str, epoch: int) -> None:
        self.bench, self.guest, self.epoch, self.closed = bench, guest, epoch, False
        self.receipted: list[Message] = []
        self.silent: list[Message] = []

    def settled(self, receipted: list[Message], silent: list[Message]) -> None:
        held = self.bench.room.held()
        assert all(m.text in held for m in receipted), "a receipt before the commit"
        self.receipted += receipted
        self.silent += silent

    def numbers(self) -> list[int]:
        return [m.number for m in self.receipted]


class Absent:
    """The lobby, when it is away."""

    async def status(self, guests: list[str]) -> list[GuestStatus]:
        raise Unavailable


class Bench:
    def __init__(self) -> None:
        self.room = Room()
        self.node = self.room.nodes[0]
        self.ledger: HistoryWriter = self.node.delivery.writer
        self.batches: list[int] = []
        add = self.node.history.messages._add

        def counted(rows: list[Message], done: Any) -> None:
            self.batches.append(len(rows))
            add(rows, done)

        self.node.history.messages._add = counted  # type: ignore[method-assign]

    def reader(self, guest: str = "ben") -> Reader:
        entered = self.room.run(self.room.lobby.enter(entry(guest)))
        return Reader(self, guest, entered.epoch)

    def add(self, reader: Reader, *numbers: int) -> None:
        for n in numbers:
            assert self.ledger.add(reader, message(n))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.room.end()


def test_what_was_drawn_is_in_the_history_before_anybody_hears_of_it(bench: Bench) -> None:
    ben = bench.reader()
    bench.add(ben, 1, 2)
    assert ben.receipted == [] and bench.room.held() == []
    bench.room.wait(0.1)
    assert ben.numbers() == [1, 2] and bench.room.held() == ["st 1", "st 2"]
    assert bench.ledger.bytes == 0


def test_a_batch_is_what_came_within_20_ms_and_at_most_500(bench: Bench) -> None:
    ben = bench.reader()
    bench.add(ben, 1)
    bench.room.wait(BATCH_S / 2)
    bench.add(ben, 2)
    bench.room.wait(0.1)
    assert bench.batches == [2]
    bench.add(ben, *range(3, BATCH_ROWS + 13))
    bench.room.wait(0.2)
    assert bench.batches == [2, BATCH_ROWS, 10]
    assert ben.numbers() == list(range(1, BATCH_ROWS + 13))


def test_of_two_texts_in_one_batch_history_gets_the_one_that_was_drawn_first(bench: Bench) -> None:
    ben = bench.reader()
    bench.ledger.add(ben, message(1, x="drawn"))
    bench.ledger.add(ben, message(1, x="sent later"))
    bench.room.wait(0.1)
    assert bench.room.held() == ["drawn"]


def test_the_end_of_a_stream_is_committed_before_the_stream_that_links_to_it(bench: Bench) -> None:
    """A store that breaks off may keep any part of a batch."""
    ben = bench.reader()
    for drawn in (message(1), message(2), message(1, "next", p=("st", 2)), message(2, "next")):
        bench.ledger.add(ben, drawn)
    bench.room.wait(0.2)
    assert bench.batches == [2, 2]


def test_a_page_that_has_been_replaced_says_nothing(bench: Bench) -> None:
    old = bench.reader()
    bench.add(old, 1)
    new = bench.reader()
    bench.add(new, 2)
    bench.room.wait(0.1)
    assert old.numbers() == [] and new.numbers() == [2]
    assert bench.room.held() == ["st 1", "st 2"], "kept all the same"
    assert bench.ledger.counts["fenced"] == 1 and bench.ledger.bytes == 0


def test_what_a_lobby_that_forgot_cannot_decide_waits_until_the_guest_is_entered_again(bench: Bench) -> None:
    ben = Reader(bench, "ben", 5_000)
    bench.add(ben, 1)
    bench.room.wait(10)
    assert ben.numbers() == [] and bench.ledger.bytes > 0
    bench.room.run(bench.room.lobby.enter(entry("ben", epoch=5_000)))
    bench.room.wait(2)
    assert ben.numbers() == [1] and bench.ledger.bytes == 0


def test_a_newer_epoch_decides_also_after_the_lobby_forgot(bench: Bench) -> None:
    ben = Reader(bench, "ben", 5_000)
    bench.add(ben, 1)
    bench.room.wait(3)
    bench.room.run(bench.room.lobby.enter(entry("ben", epoch=6_000)))
    bench.room.wait(2)
    assert ben.numbers() == [] and bench.ledger.counts["fenced"] == 1


def test_a_page_that_closed_unknown_to_the_lobby_is_not_waited_for(bench: Bench) -> None:
    ben = Reader(bench, "ben", 5_000)
    bench.add(ben, 1)
    ben.closed = True
    bench.room.wait(0.1)
    assert ben.numbers() == [] and bench.ledger.bytes == 0
    bench.room.run(asyncio.wait_for(bench.ledger.flushed(), 1))


def test_a_page_that_closed_and_is_still_the_newest_gets_its_receipts_out(bench: Bench) -> None:
    ben = bench.reader()
    bench.add(ben, 1)
    ben.closed = True
    bench.room.wait(0.1)
    assert ben.numbers() == [1]


def test_a_lobby_that_is_away_is_asked_again_and_commits_go_on(bench: Bench) -> None:
    ben = bench.reader()
    lobby, bench.ledger.lobby = bench.ledger.lobby, Absent()  # type: ignore[assignment]
    bench.add(ben, 1)
    bench.room.wait(3)
    bench.add(ben, 2)
    bench.room.wait(3)
    assert ben.numbers() == [] and bench.room.held() == ["st 1", "st 2"]
    bench.ledger.lobby = lobby
    bench.room.wait(2)
    assert ben.numbers() == [1, 2]


def test_a_history_that_is_away_gets_it_later_in_order(bench: Bench) -> None:
    ben = bench.reader()
    bench.room.world.history_up = False
    bench.add(ben, 1, 2)
    bench.room.wait(5)
    bench.add(ben, 3)
    bench.room.wait(60)
    assert ben.numbers() == [] and not bench.ledger._idle.is_set()
    bench.room.world.history_up = True
    bench.room.wait(3)
    assert ben.numbers() == [1, 2, 3] and bench.ledger.counts["commits failed"] > 10


def test_a_commit_whose_answer_was_lost_is_done_again_and_settles_once(bench: Bench) -> None:
    ben = bench.reader()
    bench.room.world.loss = 1.0
    bench.add(ben, 1)
    bench.room.wait(3)
    assert ben.numbers() == []
    bench.room.world.loss = 0.0
    bench.room.wait(3)
    assert ben.numbers() == [1] and bench.room.held() == ["st 1"]


def test_8_mib_of_texts_are_kept_and_no_more(bench: Bench) -> None:
    ben = bench.reader()
    bench.room.world.history_up = False
    n = 0
    while bench.ledger.add(ben, message(n + 1, x="x" * 2_000)):
        n += 1
    assert BODIES_MAX_BYTES / 8_200 - 1 <= n <= BODIES_MAX_BYTES / 8_200 + 1
    assert bench.ledger.full and bench.ledger.counts["turned away"] == 1
    bench.room.world.history_up = True
    bench.room.wait(20)
    assert len(ben.numbers()) == n and bench.ledger.bytes == 0 and not bench.ledger.full


def test_gap_rows_and_copies_that_came_after_them_are_settled_in_silence(bench: Bench) -> None:
    ben = bench.reader()
    bench.ledger.add(ben, message(1, x="", k="gap"))
    bench.room.wait(0.1)
    bench.add(ben, 1, 2)
    bench.room.wait(0.1)
    assert ben.numbers() == [2] and [(m.number, m.kind) for m in ben.silent] == [(1, "gap"), (1, None)]


def test_flushed_when_everything_is_settled(bench: Bench) -> None:
    ben = bench.reader()
    bench.room.run(bench.ledger.flushed())
    bench.add(ben, *range(1, 1_200))
    bench.room.run(bench.ledger.flushed())
    assert len(ben.numbers()) == 1_199
