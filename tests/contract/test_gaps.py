"""What every history promises of gaps: one row for each, which stands for what has not come, and gives way to what
comes all the same (protocol §2.5.2)."""

import asyncio

import pytest
from msgspec.structs import replace

from citychat.model import Message
from citychat.ports import Committed, History
from tests.contract.accusing import NOW, session
from tests.support.patience import PATIENCE_S
from tests.support.stores import add, make_room, message


def gap(first: int, last: int, st: str = "st", *, s: str = "s") -> Message:
    return replace(message(first, st, s=s, x="", k="gap"), to=last)


async def outcome(history: History, *rows: Message) -> Committed | None:
    await make_room(history, *rows)
    done: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()
    history.messages.add(rows, done.set_result)
    async with asyncio.timeout(PATIENCE_S):
        return await done


async def test_a_message_that_comes_after_its_gap_takes_its_place_and_is_told_as_late_once(history: History) -> None:
    gaps = [Message("s", 0, "st", n, 3, "", NOW, kind="gap") for n in (1, 2)]
    late = message(1, p=("older", 7))
    assert await outcome(history, *gaps, message(3), message(4)) == Committed()
    assert await outcome(history, late, message(5)) == Committed(filled=frozenset({late.row_key}))
    assert await outcome(history, late, message(5)) == Committed()
    rows = [late, gaps[1], message(3), message(4), message(5)]
    assert await history.messages.page("s", None, 10) == rows
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.lost) == ({"st": 5}, 1)
    assert await history.messages.held("s", 0, "st", [(1, 5)]) == [(1, 1), (3, 5)]


@pytest.mark.parametrize("number", [2, 3, 5, 8, 9])
async def test_a_gap_of_many_is_parted_by_what_comes_all_the_same(history: History, number: int) -> None:
    await add(history, message(1), gap(2, 9), message(10))
    assert await outcome(history, message(number)) == Committed(filled=frozenset({message(number).row_key}))
    assert await outcome(history, message(number)) == Committed()
    rows = sorted(await history.messages.page("s", None, 10), key=lambda row: row.number)
    assert message(number) in rows and sum(row.last - row.number + 1 for row in rows) == 10
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond, progress.lost) == ({"st": 10}, [], 7)
    others = [message(n) for n in range(2, 10) if n != number]
    assert await outcome(history, *others) == Committed(filled=frozenset(other.row_key for other in others))
    assert await history.messages.page("s", None, 20) == [message(n) for n in range(1, 11)]


async def test_a_late_message_of_a_side_whose_texts_are_erased_takes_the_place_of_its_gap_without_its_text(
    history: History,
) -> None:
    await history.sessions.begin(session())
    await add(history, message(1, x="", k="gap"))
    await history.guests.erase("anna", NOW)
    assert await outcome(history, message(1)) == Committed(filled=frozenset({("s", 0, "st", 1)}))
    assert await history.messages.page("s", None, 10) == [message(1, x="")]


async def test_a_gap_that_comes_after_its_message_changes_nothing_and_is_told_the_message(history: History) -> None:
    await add(history, message(1), message(3))
    assert await outcome(history, gap(1, 3)) == Committed(standing=(message(1), message(3)))
    rows = sorted(await history.messages.page("s", None, 10), key=lambda row: row.number)
    assert rows == [message(1), replace(gap(1, 3), number=2, to=None), message(3)]


async def test_a_gap_of_many_is_one_row(history: History) -> None:
    await add(history, message(1), gap(2, 9_999), message(10_000))
    assert await add(history, gap(2, 9_999)) == frozenset()
    rows = [message(1), gap(2, 9_999), message(10_000)]
    assert await history.messages.page("s", None, 10) == rows
    assert await history.messages.page("s", rows[2].order, 10) == rows[:2]
    progress = await history.messages.progress("s", 0)
    assert (progress.seen, progress.beyond, progress.lost) == ({"st": 10_000}, [], 9_998)
    assert await history.messages.held("s", 0, "st", [(1, 20_000)]) == [(1, 1), (10_000, 10_000)]


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
