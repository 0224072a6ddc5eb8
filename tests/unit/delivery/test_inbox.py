"""A guest's mailbox while a page has it open: slow and absent brokers, openings that overlap, what goes back."""

import pytest

from citychat.delivery.inbox import OPEN_S
from citychat.ports import Mail
from tests.support.stage import Stage, on_stage
from tests.support.stores import message

FULL_BYTES = 8 * 1024 * 1024


@on_stage
async def test_a_full_process_closes_the_mailbox_and_opens_it_again_when_it_can(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s, here = anna.session, stage.q
    writer = here.process.delivery.writer
    here.history.away = {"messages.add"}
    writer.bytes += FULL_BYTES  # of others
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(5)
    assert ben.texts() == ["text 1"] and await stage.mail("ben") == 1
    assert "ben" not in stage.mailbox._consumers and writer.counts["turned away"] >= 1
    await here.joining.check()
    assert "ben" not in stage.mailbox._consumers, "still full"
    writer.bytes -= FULL_BYTES
    here.history.away = set()
    await here.joining.check()
    await stage.after(1)
    assert ben.texts() == ["text 1"] and anna.ranges("delivered") == [[(1, 1)]]
    assert await stage.mail("ben") == 0 and len(await stage.history.messages.page(s, None, 10)) == 1


@on_stage
async def test_a_broker_that_is_away_holds_up_no_join_and_is_tried_again(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.put("ben", message(1, s=anna.session))
    stage.q.mailbox.away = {"all"}
    before_s = stage.loop.time()
    back = await ben.reload()
    assert stage.loop.time() - before_s < OPEN_S + 0.2
    stage.q.mailbox.away = set()
    await stage.q.joining.check()
    await stage.after(0.1)
    assert back.texts() == ["text 1"]


@on_stage
async def test_a_silent_broker_holds_up_a_join_for_a_second(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.put("ben", message(1, s=anna.session))
    answers, back = stage.q.mailbox.hold("open"), ben.next_page()
    before_s = stage.loop.time()
    assert (await back.join())["ok"]
    assert stage.loop.time() - before_s == pytest.approx(OPEN_S)
    opened = stage.q.calls.count("open")
    await stage.q.joining.check()
    assert stage.q.calls.count("open") == opened, "it is not asked a second time"
    answers.set()
    await stage.after(0.1)
    assert back.texts() == ["text 1"] and len(stage.mailbox._consumers["ben"]) == 1


@on_stage
async def test_mail_that_comes_before_its_opening_is_answered_is_kept_until_then(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await stage.put("ben", message(1, s=s))
    answered, back = stage.q.mailbox.hold_answer("open"), ben.next_page()
    assert (await back.join())["ok"]
    assert back.texts() == []
    answered.set()
    await stage.after(0.1)
    await back.ack(s, 1, "st")
    await stage.after(0.2)
    assert back.texts() == ["text 1"] and await stage.mail("ben") == 0


@on_stage
async def test_mail_of_an_older_opening_is_not_acked_by_a_newer_one(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s, endpoint = anna.session, ben.client.endpoint
    await stage.put("ben", message(1, s=s))
    await stage.after(0.1)
    old = endpoint.inbox._opening
    assert old is not None and list(endpoint.receiver.tags) == [("st", 1)]
    await endpoint.close_mailbox()
    assert endpoint.receiver.tags == {}
    endpoint.inbox._mail(old, Mail(99, message(2, s=s)))
    await endpoint.open_mailbox()
    endpoint.inbox._mail(old, Mail(99, message(2, s=s)))
    await stage.after(0.1)
    assert ben.texts() == ["text 1"] and list(endpoint.receiver.tags) == [("st", 1)]


@on_stage
async def test_a_page_that_goes_gives_everything_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.put("ben", message(1, s=s), message(2, s=s))
    await stage.after(0.1)
    await ben.say(s, 1, "on its way")
    ben.leaves()
    await stage.after(0.1)
    assert "ben" not in stage.mailbox._consumers and await stage.mail("ben") == 2
    assert await stage.mail("anna") == 1
    told = len(ben.told)
    await stage.put("ben", message(3, s=s))
    await stage.after(0.1)
    assert len(ben.told) == told


@on_stage
async def test_two_pages_of_one_guest_the_newer_gets_everything_again_and_the_older_receipts_nothing(
    stage: Stage,
) -> None:
    anna, old = await stage.talking()
    s = anna.session
    await anna.say(s, 1)
    await stage.after(0.01)
    await old.ack(s, 1)
    new = old.next_page(stage.p)
    assert (await new.join())["ok"]
    await stage.after(1)
    assert stage.q.process.delivery.writer.counts["fenced"] == 1 and anna.ranges("delivered") == []
    await stage.after(3)
    await new.ack(s, 1)
    await stage.after(1)
    assert anna.ranges("delivered") == [[(1, 1)]] and await stage.mail("ben") == 0
    assert [row.text for row in await stage.history.messages.page(s, None, 10)] == ["text 1"]


@on_stage
async def test_a_page_that_stops_answering_is_closed(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await anna.say(anna.session, 1)
    await stage.after(31)
    assert ben.closed == "half-open"
