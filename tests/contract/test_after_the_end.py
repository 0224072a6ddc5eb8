"""What every history promises of what is kept when its session has ended: its reader has it, its sender learns nothing
of it (protocol §2.2)."""

from msgspec.structs import replace

from citychat.ports import History
from tests.contract.accusing import NOW, session
from tests.support.stores import add, message

ANNA, BEN = 0, 1


async def test_of_what_is_kept_after_the_end_its_sender_sees_nothing_and_its_reader_all(history: History) -> None:
    await history.sessions.begin(session())
    before, answer, after = message(1), message(2, "ben-s", side=BEN), [message(n) for n in (3, 4)]
    await add(history, before, answer)
    await history.sessions.end("s", NOW + 1)
    await add(history, *after, before)
    assert await history.messages.page("s", None, 10, ANNA) == [before, answer]
    assert await history.messages.page("s", None, 10, BEN) == [before, answer, *after]
    assert await history.messages.page("s", after[1].order, 1, ANNA) == [answer], "not one row less"
    assert await history.messages.page("s", after[1].order, 1, BEN) == [after[0]]
    assert await history.messages.held("s", ANNA, "st", [(1, 9)]) == [(1, 1)]
    assert (await history.messages.progress("s", ANNA)).seen == {"st": 1}, "2 is a hole"
    assert (await history.messages.progress("s", ANNA)).beyond == after


async def test_a_sender_sees_no_gaps_of_its_own_nor_what_takes_their_place_after_the_end(history: History) -> None:
    await history.sessions.begin(session())
    gap = replace(message(2, x="", k="gap"), to=4)
    await add(history, message(1), gap, message(5))
    assert [row.number for row in await history.messages.page("s", None, 10, ANNA)] == [1, 5]
    await history.sessions.end("s", NOW + 1)
    await add(history, message(3))
    assert [row.number for row in await history.messages.page("s", None, 10, ANNA)] == [1, 5]
    assert sorted(row.number for row in await history.messages.page("s", None, 10, BEN)) == [1, 2, 3, 4, 5]
    assert await history.messages.held("s", ANNA, "st", [(1, 9)]) == [(1, 1), (5, 5)]
