"""What every history promises of gaps: one row for each, which stands for what never came (ports.MessageStore)."""

import pytest
from msgspec.structs import replace

from citychat.model import Message
from citychat.ports import History
from tests.support.stores import add, message


def gap(first: int, last: int, st: str = "st", *, s: str = "s") -> Message:
    return replace(message(first, st, s=s, x="", k="gap"), to=last)


async def test_a_message_that_comes_after_its_gap_is_reported_and_changes_nothing(history: History) -> None:
    lost = message(2, x="", k="gap")
    assert await add(history, message(1), lost) == frozenset()
    assert await add(history, message(2), message(3)) == {("s", 0, "st", 2)}
    assert await history.messages.page("s", None, 10) == [message(1), lost, message(3)]


async def test_a_gap_that_comes_after_its_message_changes_nothing(history: History) -> None:
    await add(history, message(1))
    assert await add(history, message(1, x="", k="gap")) == frozenset()
    assert await history.messages.page("s", None, 10) == [message(1)]


async def test_a_gap_of_many_is_one_row_and_all_its_numbers_come_too_late(history: History) -> None:
    await add(history, message(1), gap(2, 9_999), message(10_000))
    assert await add(history, message(2), message(5_000), message(9_999), message(10_001)) == {
        ("s", 0, "st", 2), ("s", 0, "st", 5_000), ("s", 0, "st", 9_999)
    }  # fmt: skip
    assert await add(history, gap(2, 9_999)) == frozenset()
    rows = [message(1), gap(2, 9_999), message(10_000), message(10_001)]
    assert await history.messages.page("s", None, 10) == rows
    assert await history.messages.page("s", rows[2].order, 10) == rows[:2]
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond, progress.lost) == ({"st": 10_001}, [], 9_998)
    assert await history.messages.held("s", 0, "st", [(1, 20_000)]) == [(1, 1), (10_000, 10_001)]


async def test_a_gap_of_many_stands_for_what_is_not_there_yet(history: History) -> None:
    single = message(6, x="", k="gap")  # as all were once
    await add(history, message(3), single, gap(8, 9))
    await add(history, gap(1, 10))
    rows = sorted((row.number, row.to, row.kind) for row in await history.messages.page("s", None, 10))
    assert rows == [
        (1, 2, "gap"), (3, None, None), (4, 5, "gap"), (6, None, "gap"), (7, None, "gap"), (8, 9, "gap"),
        (10, None, "gap"),
    ]  # fmt: skip
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond, progress.lost) == ({"st": 10}, [], 9)


async def test_rows_after_a_hole_and_gaps_among_them_are_beyond(history: History) -> None:
    await add(history, message(1), gap(2, 4), gap(7, 9), message(10))
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond, progress.lost) == ({"st": 4}, [gap(7, 9), message(10)], 6)


@pytest.mark.parametrize("bad", [gap(2, 2), gap(3, 2), gap(1, 10_001), replace(gap(1, 2), kind=None)])
async def test_only_a_gap_stands_for_several_and_not_for_too_many(history: History, bad: Message) -> None:
    assert await add(history, bad) == {(bad.session, bad.side, bad.stream, bad.number)}
    assert await history.messages.page("s", None, 10) == []
