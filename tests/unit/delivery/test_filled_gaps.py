"""A gap is a line, not a verdict: what comes after it all the same takes its place, on the page and in the history
(protocol §2.5.2)."""

from collections.abc import Callable, Sequence

from citychat.model import Message
from citychat.ports import Committed
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage
from tests.support.stores import message

PATIENCE_S = 60.0


def drawn(page: DoorPage) -> list[tuple[int, str, str | None]]:
    return [(row["n"], row["x"], row.get("k")) for row in page.events("chat-message")]


async def kept(stage: Stage, s: str) -> list[tuple[int, str, str | None]]:
    rows = await stage.history.messages.page(s, None, 10)
    return [(row.number, row.text, row.kind) for row in sorted(rows, key=lambda row: row.number)]


def held_back(stage: Stage) -> list[Message]:
    """Gap rows that are on their way to the history from now on."""
    under_way: list[Message] = []
    add = stage.history.messages.add

    def slow(rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        under_way.extend(row for row in rows if row.kind == "gap")
        stage.loop.call_later(2 if rows[0].kind == "gap" else 0, add, rows, done)

    stage.history.messages.add = slow  # type: ignore[method-assign]
    return under_way


@on_stage
async def test_a_message_that_gets_its_tick_while_the_gap_is_written_is_drawn_in_place_of_it(stage: Stage) -> None:
    """The marker has come out, and only then the sender's process reaches its broker again."""
    anna, ben = await stage.talking()
    s, under_way = anna.session, held_back(stage)
    await stage.put("ben", message(3, s=s))
    await stage.after(PATIENCE_S + 1)
    assert [(row.number, row.to) for row in under_way] == [(1, 2)] and ben.texts() == []
    await stage.put("ben", message(2, s=s))
    await stage.after(3)
    assert drawn(ben) == [(1, "", "gap"), (2, "text 2", None), (3, "text 3", None)]
    await ben.ack(s, 3, "st")
    await stage.after(0.2)
    assert await kept(stage, s) == [(1, "", "gap"), (2, "text 2", None), (3, "text 3", None)]
    assert anna.ranges("delivered") == [[(2, 3)]] and await stage.mail("ben") == 0


@on_stage
async def test_a_message_that_comes_before_its_line_is_acked_is_shown_after_it(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(3, s=s))
    await stage.after(PATIENCE_S + 1)
    await stage.put("ben", message(1, s=s), message(2, s=s))
    await stage.after(0.2)
    late = [(1, "text 1", "late"), (2, "text 2", "late")]
    assert drawn(ben) == [(1, "", "gap"), (3, "text 3", None), *late]
    await ben.ack(s, 3, "st")
    await stage.after(0.2)
    assert await kept(stage, s) == [(n, f"text {n}", None) for n in (1, 2, 3)] and await stage.mail("ben") == 0


@on_stage
async def test_a_message_that_comes_after_a_reload_fills_the_gap_the_page_was_given_with_its_join(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    await stage.after(PATIENCE_S + 1)
    await ben.ack(s, 2, "st")
    await stage.after(0.2)
    back = await ben.reload()
    assert [row.get("k") for row in back.last("answer user-join")["messages"]] == ["gap", None]
    await stage.put("ben", message(1, s=s))
    await stage.after(0.2)
    assert drawn(back) == [(1, "text 1", "late")] and anna.ranges("delivered") == [[(2, 2)], [(1, 1)]]
    assert [row.get("k") for row in (await back.reload()).last("answer user-join")["messages"]] == [None, None]


@on_stage
async def test_no_gap_stands_over_what_the_history_has_and_its_page_is_shown_it(stage: Stage) -> None:
    """An older page has drawn it, and its process committed it after the newer one had read the history."""
    anna, ben = await stage.talking()
    s = anna.session
    await stage.keep(message(2, s=s))
    await stage.put("ben", message(4, s=s))
    await stage.after(PATIENCE_S + 1)
    assert drawn(ben) == [(1, "", "gap"), (2, "text 2", None), (3, "", "gap"), (4, "text 4", None)]
    await ben.ack(s, 4, "st")
    await stage.after(0.2)
    assert [kind for _, _, kind in await kept(stage, s)] == ["gap", None, "gap", None]
    assert anna.ranges("delivered") == [[(2, 2), (4, 4)]]
