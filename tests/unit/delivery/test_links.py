"""What the history has of a stream is not drawn from a join answer before what the stream links to (protocol §2.5.1).

A page may have drawn the end of one stream and the beginning of the next; when its process dies, the history may get to
know of the second one only.
"""

import pytest

from citychat.delivery.transcript import seen_of
from citychat.model import Message
from citychat.ports import Progress
from tests.support.door_page import STREAM, DoorPage
from tests.support.stage import Stage, on_stage

NEXT = "B" * 11
PATIENCE_S = 60.0


def from_answer(page: DoorPage) -> list[str]:
    """What the page draws from the answer to its join."""
    answer = page.last("answer user-join")
    return [row["x"] for row in answer["messages"] if row["n"] <= answer["seen"].get(row["st"], 0)]


@on_stage
async def test_words_of_the_history_wait_for_those_before_them_in_the_mailbox(stage: Stage) -> None:
    """Ben's process dies before it could keep what he had drawn; another one keeps what came next, before the broker
    has noticed."""
    anna, ben = await stage.talking()
    s, other = anna.session, stage.node("r")
    stage.q.history.away = {"messages.add"}
    await anna.say(s, 1)
    await anna.say(s, 2)
    await stage.after(0.1)
    await ben.ack(s, 2)
    await stage.after(5)
    assert await stage.mail("ben") == 2
    stage.q.die()
    of_the_dead = stage.mailbox._consumers["ben"][0]
    other.process.start()
    await stage.after(0.1)
    again = ben.next_page(other)
    assert (await again.join(have={STREAM: 2}))["ok"]
    anna = await anna.reload()
    await anna.tell("chat-message", {"s": s, "st": NEXT, "n": 1, "l": 3, "x": "text 3", "p": [STREAM, 2]})
    await stage.after(0.1)
    assert again.texts() == ["text 3"], "this page has drawn the others"
    await again.ack(s, 1, NEXT)
    await stage.after(1)
    await stage.mailbox.close(of_the_dead)
    fresh = await again.reload()
    await stage.after(0.1)
    assert from_answer(fresh) == []
    assert fresh.texts() == ["text 1", "text 2", "text 3"]
    await fresh.ack(s, 2)
    await fresh.ack(s, 1, NEXT)
    await stage.after(1)
    rows = await stage.history.messages.page(s, None, 10)
    assert [row.text for row in rows] == ["text 1", "text 2", "text 3"] and await stage.mail("ben") == 0
    assert from_answer(await fresh.reload()) == ["text 1", "text 2", "text 3"]


@pytest.mark.parametrize("over", [False, True])
@on_stage
async def test_words_that_never_come_become_a_line_and_the_rest_is_drawn(stage: Stage, over: bool) -> None:
    """Of a chat that runs, and of one that is over."""
    anna, ben = await stage.talking()
    s, at = anna.session, stage.clock.wall_ms()
    rows = [Message(s, 0, NEXT, 1, 3, "text 3", at, (STREAM, 2)), Message(s, 0, NEXT, 2, 4, "text 4", at)]
    stage.history.messages.add(rows, lambda committed: None)
    if over:
        await anna.leave(s)
    back = await ben.reload()
    await stage.after(PATIENCE_S - 1)
    assert from_answer(back) == [] and back.texts() == []
    await stage.after(2)
    line, *words = back.events("chat-message")
    assert (line["st"], line["n"], line.get("to"), line.get("k")) == (STREAM, 1, 2, "gap")
    assert [row["x"] for row in words] == ["text 3", "text 4"]


@on_stage
async def test_words_wait_also_where_more_than_a_join_answer_shows_has_come_after_them(stage: Stage) -> None:
    """The broker is away while fifty more are said; what it keeps has a tick, and belongs before all of them."""
    anna, ben = await stage.talking()
    s, at = anna.session, stage.clock.wall_ms()
    first, second = (Message(s, 0, STREAM, n, n, f"text {n}", at) for n in (1, 2))
    more = [Message(s, 0, NEXT, n, n + 2, f"more {n}", at, (STREAM, 2) if n == 1 else None) for n in range(1, 61)]
    last = Message(s, 0, "C" * 11, 1, 63, "last", at, (NEXT, 60))
    await stage.keep(first, *more, last)
    ben.leaves()
    await stage.after(0.1)
    await stage.put("ben", second)
    stage.q.mailbox.away = {"all"}
    back = ben.next_page()
    assert (await back.join())["ok"]
    await stage.after(1)
    assert from_answer(back) == [] and back.texts() == [] and len(back.last("answer user-join")["messages"]) == 50
    stage.q.mailbox.away = set()
    await stage.after(16)
    for _ in range(3):
        await back.ack(s, 2)
        await back.ack(s, 60, NEXT)
    assert back.texts() == ["text 2", *(row.text for row in more), "last"]
    await back.ack(s, 1, "C" * 11)
    await stage.after(1)
    assert await stage.mail("ben") == 0 and len(from_answer(await back.reload())) == 50


@pytest.mark.parametrize(
    ("seen", "have", "waiting"),
    [
        ({"x": 2, "y": 2, "z": 1}, {}, ""),
        ({"x": 1, "y": 2, "z": 1}, {}, "yz"),  # z links to what waits itself
        ({"y": 2, "z": 1}, {}, "yz"),
        ({"x": 2, "y": 2, "z": 1}, {"x": 2}, ""),
        ({"y": 2, "z": 1}, {"x": 2}, ""),  # only the page has it
        ({"x": 1, "y": 2, "z": 1}, {"y": 1}, ""),  # the page has gone beyond the link
        ({"x": 1, "y": 2, "z": 1}, {"y": 0}, "yz"),
    ],
)
def test_streams_wait_for_a_link_that_neither_the_history_nor_the_page_has(
    seen: dict[str, int], have: dict[str, int], waiting: str
) -> None:
    known = Progress(seen, [], links={"z": ("y", 2), "y": ("x", 2)})
    drawn = {stream: max(number, have.get(stream, 0)) for stream, number in seen.items()}
    assert seen_of(known, have) == drawn | dict.fromkeys(waiting, 0)


def test_streams_that_link_to_each_other_wait_for_what_neither_has_and_for_nothing_else() -> None:
    seen = {"x": 2, "y": 2}
    assert seen_of(Progress(seen, [], links={"x": ("y", 2), "y": ("x", 2)}), {}) == seen
    assert seen_of(Progress(seen, [], links={"x": ("y", 2), "y": ("x", 3)}), {}) == {"x": 0, "y": 0}
