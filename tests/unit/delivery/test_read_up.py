"""A hole is given up only when the reader's own mailbox is known to be read up to that moment, and by its newest page
(protocol §2.5.2): what has a tick may wait there."""

import pytest

from citychat.ports import NewMessage
from citychat.rules import DAY_MS
from tests.support.door_page import STREAM, DoorPage
from tests.support.stage import Stage, on_stage
from tests.support.stores import message

FULL_BYTES = 8 * 1024 * 1024
PATIENCE_S = 60.0


def broker(stage: Stage, *, away: bool) -> None:
    for node in stage.nodes:
        node.mailbox.away = {"all"} if away else set()


async def waits_for_ben(stage: Stage) -> tuple[DoorPage, DoorPage]:
    """Anna has a ✓ for a message to Ben, who has gone."""
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await anna.say(anna.session, 1)
    await stage.after(0.1)
    assert anna.ranges("stored") == [[(1, 1)]]
    return anna, ben


async def both_come(stage: Stage, anna: DoorPage, ben: DoorPage) -> None:
    """Nothing was lost: both messages are drawn, receipted, kept, and out of the mailbox."""
    assert ben.texts() == ["text 1", "text 2"]
    await ben.ack(anna.session, 2)
    await stage.after(0.2)
    rows = await stage.history.messages.page(anna.session, None, 10)
    assert [(row.text, row.kind) for row in rows] == [("text 1", None), ("text 2", None)]
    assert (1, 2) in [ranges for told in anna.ranges("delivered") for ranges in told]
    assert await stage.mail("ben") == 0


@pytest.mark.parametrize("away_s", [20, 50, 75, 600])
@on_stage
async def test_a_broker_that_is_away_while_its_guest_comes_back_loses_nothing(stage: Stage, away_s: float) -> None:
    anna, ben = await waits_for_ben(stage)
    broker(stage, away=True)
    back = await ben.reload()
    await anna.say(anna.session, 2)
    await stage.after(away_s)
    assert back.texts() == []
    broker(stage, away=False)
    await stage.after(16)
    await both_come(stage, anna, back)


@on_stage
async def test_nor_when_its_guest_was_away_for_25_hours(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(DAY_MS + 3_600_000)
    await anna.say(anna.session, 1)
    await stage.after(0.1)
    assert anna.ranges("stored") == [[(1, 1)]]
    broker(stage, away=True)
    back = await ben.reload()
    await anna.say(anna.session, 2)
    await stage.after(12)
    assert back.texts() == []
    broker(stage, away=False)
    await stage.after(16)
    await both_come(stage, anna, back)


@on_stage
async def test_after_a_broker_was_away_a_hole_is_waited_for_the_whole_time_also_by_who_was_away_for_a_day(
    stage: Stage,
) -> None:
    """What nobody could store meanwhile is tried again after half a minute at most."""
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(DAY_MS + 1)
    back = await ben.reload()
    await stage.put("ben", message(2, s=anna.session))
    broker(stage, away=True)
    await stage.after(6)
    broker(stage, away=False)
    await stage.after(PATIENCE_S - 5)
    assert back.texts() == []
    await stage.put("ben", message(1, s=anna.session))
    await stage.after(0.1)
    assert back.texts() == ["text 1", "text 2"]


@on_stage
async def test_nor_while_a_process_that_hears_nothing_holds_the_mailbox(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    deaf = await stage.mailbox.open("ben", lambda mail: None)
    await anna.say(anna.session, 1)
    await stage.after(0.1)
    back = await ben.reload()
    await anna.say(anna.session, 2)
    await stage.after(5 * PATIENCE_S)
    assert back.texts() == []
    await stage.mailbox.close(deaf)
    await stage.after(0.1)
    await both_come(stage, anna, back)


@on_stage
async def test_nor_while_the_mailbox_waits_for_its_turn_to_open(stage: Stage) -> None:
    anna, ben = await waits_for_ben(stage)
    turn = stage.q.mailbox.hold("open")
    back = await ben.reload()
    await anna.say(anna.session, 2)
    await stage.after(5 * PATIENCE_S)
    assert back.texts() == []
    turn.set()
    await stage.after(0.1)
    await both_come(stage, anna, back)


@on_stage
async def test_nor_while_a_full_process_has_closed_the_mailbox(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s, writer = anna.session, stage.q.process.delivery.writer
    stage.q.history.away = {"messages.add"}
    writer.bytes += FULL_BYTES  # of others
    await anna.say(s, 1, stream="first")
    await stage.after(0.1)
    await ben.ack(s, 1, "first")
    await stage.after(4)
    assert "ben" not in stage.mailbox._consumers
    stage.p.bus.lost = lambda event: True
    await anna.say(s, 1)
    await stage.after(4)
    stage.p.bus.lost = lambda event: False
    stage.q.history.away = set()
    stage.bus.publish("ben", NewMessage(message(2, STREAM, s=s)))
    await stage.after(2 * PATIENCE_S)
    assert ben.texts() == ["text 1"]
    writer.bytes -= FULL_BYTES
    await stage.after(16)
    assert ben.texts() == ["text 1", "text 1", "text 2"]
    assert stage.q.process.delivery.counts["gap rows"] == 0


@on_stage
async def test_a_page_that_is_not_the_newest_gives_nothing_up(stage: Stage) -> None:
    """It holds the mailbox and hears nobody, as after a long sleep of its process."""
    anna, old = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    await stage.after(PATIENCE_S - 0.1)
    stage.bus.unlisten(old.client.subscription)
    new = old.next_page(stage.p)
    assert (await new.join())["ok"]
    await stage.after(2)
    assert old.texts() == new.texts() == [] and await stage.history.messages.page(s, None, 10) == []
    old.leaves()
    await stage.put("ben", message(1, s=s))
    await stage.after(0.1)
    assert new.texts() == ["text 1", "text 2"]


@on_stage
async def test_a_hole_is_not_given_up_before_the_lobby_has_answered(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    stage.q.lobby.away = {"all"}
    await stage.after(2 * PATIENCE_S)
    assert ben.texts() == []
    stage.q.lobby.away = set()
    await stage.after(PATIENCE_S + 1)
    assert [(row["n"], row.get("k")) for row in ben.events("chat-message")] == [(1, "gap"), (2, None)]


@on_stage
async def test_a_hole_that_is_filled_while_the_mailbox_is_asked_is_none(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(3, s=s))
    await stage.after(PATIENCE_S - 0.1)
    answered = stage.q.lobby.hold("status")
    await stage.after(1)
    await stage.put("ben", message(2, s=s), message(1, "other", s=s), message(3, "other", s=s))
    await stage.after(0.1)
    answered.set()
    await stage.after(0.1)
    rows = [(row["st"], row["n"], row.get("k")) for row in ben.events("chat-message")]
    assert ("st", 2, "gap") not in rows and ("other", 2, "gap") not in rows


@on_stage
async def test_a_partner_who_goes_while_the_mailbox_is_asked_is_waited_for(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(2, s=s))
    await stage.after(PATIENCE_S - 0.1)
    answered = stage.q.lobby.hold("status")
    await stage.after(1)
    anna.leaves()
    await stage.after(0.1)
    answered.set()
    await stage.after(2 * PATIENCE_S)
    assert ben.texts() == []


@on_stage
async def test_a_hole_that_is_given_up_costs_one_marker(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await stage.put("ben", message(4, s=anna.session))
    await stage.after(3 * PATIENCE_S)
    assert len(ben.texts()) == 2 and stage.q.calls.count("mark") == 1
    assert await stage.mail("ben") == 1, "the marker is no mail"
