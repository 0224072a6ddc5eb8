"""Messages that are missing: how long they are waited for, and the line that stands for them (protocol §2.5.4)."""

from citychat.delivery.receiver import LOST_MAX
from citychat.rules import DAY_MS
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage
from tests.support.stores import message


def drawn(page: DoorPage) -> list[tuple[int, str | None]]:
    return [(row["n"], row.get("k")) for row in page.events("chat-message")]


@on_stage
async def test_a_hole_is_a_line_after_a_minute_and_its_late_copy_takes_the_place_of_it(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    await stage.after(59)
    assert ben.texts() == []
    await stage.after(2)
    assert drawn(ben) == [(1, "gap"), (2, None)]
    await ben.ack(s, 2, "st")
    await stage.after(0.1)
    assert anna.ranges("delivered") == [[(2, 2)]]
    await stage.put("ben", message(1, s=s))
    await stage.after(1)
    assert await stage.mail("ben") == 0 and anna.ranges("delivered") == [[(2, 2)], [(1, 1)]]
    assert drawn(ben)[2:] == [(1, "late")] and stage.q.process.delivery.counts["gap rows"] == 1


@on_stage
async def test_a_hole_stays_open_while_its_sender_is_away(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    anna.leaves()
    await stage.after(0.1)
    await stage.put("ben", message(2, s=s))
    await stage.after(0.1)
    await stage.skip(20 * 3_600_000)
    assert ben.texts() == []
    await anna.reload()
    await stage.after(59)
    await stage.put("ben", message(1, s=s))
    await stage.after(0.1)
    assert ben.texts() == ["text 1", "text 2"]


@on_stage
async def test_after_a_day_away_a_hole_is_a_line_in_five_seconds_but_only_at_first(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(DAY_MS + 1)
    back = await ben.reload()
    await stage.put("ben", message(2, s=s))
    await stage.after(6)
    assert drawn(back) == [(1, "gap"), (2, None)]
    await back.ack(s, 2, "st")
    await stage.after(60)
    await stage.put("ben", message(4, s=s))
    await stage.after(55)
    assert len(back.texts()) == 2
    await stage.put("ben", message(3, s=s))
    await stage.after(0.1)
    assert back.texts()[2:] == ["text 3", "text 4"]


@on_stage
async def test_while_history_is_away_a_hole_waits(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    stage.q.history.away = {"all"}
    await stage.after(70)
    assert ben.texts() == []
    await stage.put("ben", message(1, s=s))
    await stage.after(0.1)
    assert ben.texts() == ["text 1", "text 2"]


@on_stage
async def test_rows_that_history_has_beyond_a_hole_are_drawn_when_it_is_filled(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.keep(*(message(n, s=s) for n in (1, 3, 4)))
    back = await ben.reload()
    assert back.last("answer user-join")["seen"] == {"st": 1} and back.texts() == []
    await stage.put("ben", message(2, s=s))
    await stage.after(0.1)
    assert back.texts() == ["text 2", "text 3", "text 4"]


@on_stage
async def test_a_message_that_links_to_one_far_away_makes_one_row_and_no_more_with_another_page(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    for number in range(3):
        await stage.put("ben", message(1, f"after{number}", s=s, p=(f"never{number}", LOST_MAX - 1)))
        await stage.after(61)
        await ben.ack(s, LOST_MAX - 1, "never0")
        await ben.ack(s, 1, "after0")
        await stage.after(0.1)
        ben = await ben.reload()
    rows = await stage.history.messages.page(s, None, 100)
    assert {(row.stream, row.number, row.to) for row in rows} == {("never0", 1, LOST_MAX - 1), ("after0", 1, None)}
    assert await stage.mail("ben") == 0
