"""A page's desk and the hub of a process: who may do what, and the machines over bus, mailbox and history."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from citychat.delivery.endpoint import BUSY_MS
from citychat.delivery.inbox import OPEN_S
from citychat.delivery.sender import PENDING_MAX
from citychat.model import LAMPORT_MAX, TEXT_MAX_CHARS, BadPayload, NoSession
from citychat.ports import Mail, NewMessage, PartnerTyping, Receipt, SessionEnded, TextsErased
from tests.unit.delivery.room import NotedPage, Room, S, message, session

DAY_MS = 86_400_000


@pytest.fixture
def room() -> Iterator[Room]:
    room = Room()
    yield room
    room.end()


def say(room: Room, n: int, x: str = "", node: int = 0, st: str = "mine") -> None:
    room.nodes[node].endpoints["ann"].say(S, st, n, n, x or f"{st} {n}", None)


# One message


@pytest.mark.parametrize("node", [0, 1])
def test_a_message_reaches_the_page_of_the_partner_and_its_tick_comes_back(room: Room, node: int) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", node)
    say(room, 1, "hello")
    room.wait(0.1)
    (row,) = ben.heard("chat-message")
    assert row == {"s": S, "side": 0, "st": "mine", "n": 1, "l": 1, "x": "hello", "at": row["at"]}
    assert ann.heard("chat-status") == []
    room.ack("ben", ben, node)
    room.wait(0.1)
    assert ann.heard("chat-status") == [{"s": S, "st": "mine", "ranges": [(1, 1)], "state": "delivered"}]
    assert room.held() == ["hello"] and room.stored() == []


def test_a_partner_who_is_away_finds_it_in_the_mailbox_and_the_mailbox_forgets_it_once_drawn(room: Room) -> None:
    _, ann = room.join("ann")
    say(room, 1)
    say(room, 2)
    room.wait(0.1)
    assert sorted(r for ranges in ann.states("stored") for r in ranges) in ([(1, 1), (2, 2)], [(1, 2)])
    _, ben = room.join("ben", 1)
    room.wait(0.1)
    assert ben.texts() == ["mine 1", "mine 2"] and room.stored() == [("mine", 1), ("mine", 2)]
    room.ack("ben", ben, node=1)
    room.wait(0.2)
    assert room.stored() == [] and ann.states("delivered") == [[(1, 2)]]


def test_a_lost_receipt_is_healed_by_the_copy_in_the_mailbox(room: Room) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", 1)
    say(room, 1)
    room.wait(0.05)
    room.world.subscriptions["ann"].clear()  # the receipt will find nobody
    room.ack("ben", ben, node=1)
    room.wait(1)
    assert ann.states("delivered") == [] and room.held() == ["mine 1"]
    room.run(room.nodes[0].bus.listen("ann", lambda record: room.nodes[0].hear("ann", record)))
    room.wait(4)
    assert ann.states("delivered") == [[(1, 1)]] and ben.texts() == ["mine 1"] and room.stored() == []


# What a page may do


def test_somebody_else_may_neither_write_nor_read_nor_ack_nor_ask(room: Room) -> None:
    room.join("ann")
    room.join("ben")
    room.world.sessions["other"] = session("other", ("eve", "carl"))
    _, eve = room.join("eve")
    theirs = room.nodes[0].endpoints["eve"]
    say(room, 1, "secret")
    room.wait(0.1)
    with pytest.raises(NoSession):
        theirs.say(S, "st", 1, 1, "x", None)
    with pytest.raises(NoSession):
        theirs.drawn(S, "mine", 1)
    with pytest.raises(NoSession):
        theirs.typing(S, True)
    with pytest.raises(NoSession):
        room.run(theirs.ask(S, "mine", [(1, 1)]))
    with pytest.raises(NoSession):
        room.run(theirs.older(S, None, 10))
    room.wait(1)
    assert eve.told == [] and room.held() == []


def test_an_ack_in_a_chat_of_ones_own_does_not_reach_into_another(room: Room) -> None:
    room.join("ann")
    room.join("ben")
    room.world.sessions["other"] = session("other", ("eve", "carl"))
    room.join("eve")
    say(room, 1)
    room.wait(0.1)
    room.nodes[0].endpoints["eve"].drawn("other", "mine", 1)
    room.wait(1)
    assert room.held() == []


@pytest.mark.parametrize(
    "record",
    [
        NewMessage(message(1, "forged", s="not ours")),
        NewMessage(message(1, "forged", side=1)),  # as if ben had written it himself
        Receipt("not ours", "mine", [(1, 1)]),
        PartnerTyping("not ours", True),
        TextsErased("not ours"),
    ],
)
def test_records_of_other_chats_and_of_the_wrong_side_are_not_heard(room: Room, record: Any) -> None:
    _, ben = room.join("ben")
    room.nodes[0].hear("ben", record)
    room.wait(0.1)
    assert ben.told == []


def test_mail_of_the_wrong_side_or_of_a_chat_of_others_is_taken_out_of_the_mailbox(room: Room) -> None:
    room.world.sessions["other"] = session("other", ("eve", "carl"))
    room.put("ben", [message(1, side=1), message(1, s="other"), message(1, s="never was"), message(2, s="other")])
    _, ben = room.join("ben")
    room.wait(0.5)
    assert ben.told == [] and room.stored() == []


@pytest.mark.parametrize(("n", "lamport", "p"), [(0, 1, None), (1, 0, None), (2**52 + 1, 1, None), (1, 2**52 + 1, None),
                                                 (2, 2, ("old", 1))])  # fmt: skip
def test_numbers_out_of_range_are_refused(room: Room, n: int, lamport: int, p: tuple[str, int] | None) -> None:
    room.join("ann")
    with pytest.raises(BadPayload):
        room.nodes[0].endpoints["ann"].say(S, "st", n, lamport, "x", p)


def test_a_text_that_is_blank_or_too_long_travels_empty_and_its_number_is_used(room: Room) -> None:
    room.join("ann")
    _, ben = room.join("ben")
    texts = [" \n", "x" * (TEXT_MAX_CHARS + 1), "\U0001f98a" * 1_025, "\u202e\x00", "ok\x00 \u202ead\r\n"]
    for n, text in enumerate(texts, 1):
        say(room, n, text)
    room.wait(0.1)
    assert ben.texts() == ["", "", "", "", "ok ad\n"]


def test_what_is_pending_already_is_neither_sent_twice_nor_counted(room: Room) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", 1)
    say(room, 1)
    room.nodes[0].rate_s = 1.0
    for _ in range(100):
        say(room, 1)
    room.wait(0.1)
    assert ben.texts() == ["mine 1"] and ann.heard("chat-busy") == []


def test_more_than_32_unanswered_are_too_fast_and_can_be_sent_later(room: Room) -> None:
    _, ann = room.join("ann")
    desk, ben = room.join("ben", 1)
    for n in range(1, PENDING_MAX + 4):
        say(room, n)
    assert ann.heard("chat-busy") == [{"s": S, "retry_ms": BUSY_MS}] * 3
    room.wait(0.1)
    room.ack("ben", ben, node=1)
    room.wait(0.1)
    say(room, PENDING_MAX + 1)
    room.wait(0.1)
    assert len(ben.texts()) == PENDING_MAX + 1 and len(ann.heard("chat-busy")) == 3
    assert desk.partner_here


def test_over_the_rate_the_page_hears_when_to_try_again(room: Room) -> None:
    _, ann = room.join("ann")
    room.nodes[0].rate_s = 2.5
    say(room, 1)
    assert ann.heard("chat-busy") == [{"s": S, "retry_ms": 2_500}]
    room.wait(1)
    assert room.stored() == []


def test_typing_is_passed_on_while_the_chat_lives_and_kept_nowhere(room: Room) -> None:
    room.join("ann")
    _, ben = room.join("ben", 1)
    room.nodes[0].endpoints["ann"].typing(S, True)
    room.wait(0.1)
    assert ben.heard("chat-typing") == [{"s": S, "on": True}] and room.stored() == [] and room.held() == []


def test_ask_is_answered_with_exactly_what_history_holds_of_my_own(room: Room) -> None:
    _, ann = room.join("ann")
    rows = [message(1), message(2, k="gap"), message(3), message(5), message(4, side=1)]
    room.nodes[0].history.messages.add(rows, lambda committed: None)
    room.wait(0.1)
    room.run(room.nodes[0].endpoints["ann"].ask(S, "st", [(1, LAMPORT_MAX)]))
    assert ann.heard("chat-status") == [{"s": S, "st": "st", "ranges": [(1, 1), (3, 3), (5, 5)], "state": "delivered"}]
    room.run(room.nodes[0].endpoints["ann"].ask(S, "st", [(2, 2), (6, 9)]))
    assert len(ann.heard("chat-status")) == 1, "nothing held, nothing said"


def test_history_comes_in_pages_oldest_first(room: Room) -> None:
    room.join("ann")
    room.nodes[0].history.messages.add([message(n) for n in range(1, 6)], lambda committed: None)
    room.wait(0.1)
    newest: Any = room.run(room.nodes[0].endpoints["ann"].older(S, None, 2))
    assert [row["n"] for row in newest["messages"]] == [4, 5] and newest["more"]
    before = (4, 0, "st", 4)
    oldest: Any = room.run(room.nodes[0].endpoints["ann"].older(S, before, 3))
    assert [row["n"] for row in oldest["messages"]] == [1, 2, 3] and not oldest["more"]


# The end of a session


def test_an_end_sends_what_is_pending_to_the_mailbox_and_takes_nothing_new(room: Room) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", 1)
    say(room, 1)
    over = replace(session(), ended=room.world.sessions[S].started + 1)
    room.nodes[0].endpoints["ann"].ended(over)
    room.nodes[1].endpoints["ben"].ended(over)
    with pytest.raises(NoSession):
        say(room, 2)
    room.wait(0.1)
    assert ann.states("stored") == [[(1, 1)]]
    room.ack("ben", ben, node=1)
    room.wait(0.1)
    assert ben.texts() == ["mine 1"] and ann.states("delivered")[-1] == [(1, 1)] and room.stored() == []


def test_mail_of_the_chat_before_comes_in_the_new_one(room: Room) -> None:
    room.world.sessions[S] = replace(session(), ended=session().started + 1)
    room.put("ben", [message(1)])
    _, ben = room.join("ben", living=False)
    room.wait(0.1)
    room.run(room.nodes[0].endpoints["ben"].began(session("new")))
    room.put("ben", [message(2)])
    assert ben.texts() == ["st 1", "st 2"]


def test_mail_of_a_chat_that_was_not_loaded_is_looked_up(room: Room) -> None:
    room.world.sessions[S] = replace(session(), ended=session().started + 1)
    room.nodes[0].history.messages.add([message(1)], lambda committed: None)
    desk, page = room.join("ben", living=False)
    desk.sessions.clear()
    desk.receiver.streams.clear()
    room.world.history_up = False
    room.put("ben", [message(2)])
    assert page.texts() == [] and room.stored() == [("st", 2)], "kept for when history is back"
    room.world.history_up = True
    room.put("ben", [message(3)])
    room.wait(1.1)
    assert page.texts() == ["st 2", "st 3"]


def test_mail_of_a_chat_that_was_over_before_its_other_side_heard_of_it_is_fetched(room: Room) -> None:
    desk, page = room.join("ben", living=False)
    room.run(desk.close_mailbox())
    desk.sessions.clear()
    room.world.sessions[S] = replace(session(), ended=session().started + 1)
    room.put("ben", [message(1)])
    assert page.texts() == []
    room.nodes[1].bus.publish("ben", SessionEnded(S, session().started + 1))
    room.wait(0.1)
    assert page.texts() == ["st 1"]


# Holes


def test_a_hole_is_a_line_after_a_minute_and_its_late_copy_gets_no_receipt(room: Room) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", 1)
    room.put("ben", [message(2)])
    room.wait(59)
    assert ben.texts() == []
    room.wait(2)
    assert [(row["n"], row.get("k")) for row in ben.heard("chat-message")] == [(1, "gap"), (2, None)]
    room.ack("ben", ben, node=1)
    room.wait(0.1)
    assert ann.states("delivered") == [[(2, 2)]]
    room.put("ben", [message(1)])
    room.ack("ben", ben, node=1)
    room.wait(1)
    assert room.stored() == [] and len(ann.states("delivered")) == 1
    assert len(ben.texts()) == 2 and room.nodes[1].delivery.counts["gap rows"] == 1


def test_a_hole_stays_open_while_its_sender_is_away(room: Room) -> None:
    desk, ben = room.join("ben")
    room.put("ben", [message(2)])
    desk.partner(False)
    room.wait(20 * 3_600)
    assert ben.texts() == []
    desk.partner(True)
    room.wait(59)
    room.put("ben", [message(1)])
    assert ben.texts() == ["st 1", "st 2"]


def test_after_a_day_away_a_hole_is_a_line_in_five_seconds_but_only_at_first(room: Room) -> None:
    _, ben = room.join("ben", away_ms=DAY_MS + 1)
    room.put("ben", [message(2)])
    room.wait(6)
    assert [row["n"] for row in ben.heard("chat-message")] == [1, 2]
    room.nodes[0].endpoints["ben"].drawn(S, "st", 2)
    room.wait(60)
    room.put("ben", [message(4)])
    room.wait(55)
    assert len(ben.texts()) == 2
    room.put("ben", [message(3)])
    assert ben.texts()[2:] == ["st 3", "st 4"]


def test_while_history_is_away_a_hole_waits(room: Room) -> None:
    _, ben = room.join("ben")
    room.put("ben", [message(2)])
    room.world.history_up = False
    room.wait(70)
    assert ben.texts() == []
    room.put("ben", [message(1)])
    assert ben.texts() == ["st 1", "st 2"]


def test_rows_that_history_has_beyond_a_hole_are_drawn_when_it_is_filled(room: Room) -> None:
    room.nodes[0].history.messages.add([message(1), message(3), message(4)], lambda committed: None)
    room.wait(0.1)
    desk, ben = room.join("ben")
    assert desk.receiver.streams["st"].seen == 1
    room.put("ben", [message(2)])
    assert ben.texts() == ["st 2", "st 3", "st 4"]


# Erasing


def test_what_comes_late_from_somebody_who_erased_is_blank(room: Room) -> None:
    _, ben = room.join("ben")
    room.nodes[0].hear("ben", TextsErased(S))
    assert ben.heard("chat-erased") == [{"s": S}]
    room.put("ben", [message(1, x="erased")])
    assert ben.texts() == [""]
    room.ack("ben", ben)
    room.wait(0.2)
    assert room.held() == [""] and room.stored() == []


def test_so_is_what_waited_while_it_was_erased(room: Room) -> None:
    room.put("ben", [message(1, x="erased"), message(1, "mine")])
    room.world.sessions[S] = replace(session(), erased=(0,))
    _, ben = room.join("ben")
    room.wait(0.1)
    assert ben.texts() == ["", ""]


# The mailbox


def test_a_full_process_closes_the_mailbox_and_opens_it_again_when_it_can(room: Room) -> None:
    _, ann = room.join("ann")
    _, ben = room.join("ben", 1)
    delivery = room.nodes[1].delivery
    room.world.history_up = False
    delivery.writer.bytes += 8 * 1024 * 1024  # of others
    say(room, 1)
    room.wait(0.1)
    room.ack("ben", ben, node=1)
    room.wait(5)
    assert ben.texts() == ["mine 1"] and room.stored() == [("mine", 1)]
    assert room.world.queues["ben"].consumers == [] and delivery.writer.counts["turned away"] >= 1
    room.run(room.nodes[1].reopen())
    assert room.world.queues["ben"].consumers == [], "still full"
    delivery.writer.bytes -= 8 * 1024 * 1024
    room.world.history_up = True
    room.run(room.nodes[1].reopen())
    room.wait(1)
    assert ben.texts() == ["mine 1"] and room.held() == ["mine 1"]
    assert room.stored() == [] and ann.states("delivered") == [[(1, 1)]]


def test_a_broker_that_is_away_holds_up_no_join_and_is_tried_again(room: Room) -> None:
    room.put("ben", [message(1)])
    room.world.mailbox_up = False
    before = room.loop.time()
    _, ben = room.join("ben")
    assert room.loop.time() - before < OPEN_S + 0.2
    room.world.mailbox_up = True
    room.run(room.nodes[0].reopen())
    room.wait(0.1)
    assert ben.texts() == ["st 1"]


def test_a_silent_broker_holds_up_a_join_for_a_second(room: Room) -> None:
    mailbox, answer = room.nodes[0].mailbox, asyncio.Event()
    opened = mailbox.open

    async def silent(guest: str, mail: Any) -> object:
        await answer.wait()
        return await opened(guest, mail)

    mailbox.open = silent  # type: ignore[method-assign]
    room.put("ben", [message(1)])
    before = room.loop.time()
    _, ben = room.join("ben")
    assert OPEN_S <= room.loop.time() - before < OPEN_S + 0.2
    room.run(room.nodes[0].reopen())  # asks no second time
    answer.set()
    room.wait(0.1)
    assert ben.texts() == ["st 1"] and len(room.world.queues["ben"].consumers) == 1


def test_mail_of_an_older_opening_is_not_acked_by_a_newer_one(room: Room) -> None:
    desk, ben = room.join("ben")
    room.put("ben", [message(1)])
    old = desk.inbox._opening
    assert old is not None and list(desk.receiver.tags) == [("st", 1)]
    room.run(desk.close_mailbox())
    assert desk.receiver.tags == {}
    desk.inbox._mail(old, Mail(99, message(2)))
    room.run(desk.open_mailbox())
    desk.inbox._mail(old, Mail(99, message(2)))
    room.wait(0.1)
    assert ben.texts() == ["st 1"] and list(desk.receiver.tags) == [("st", 1)]


def test_mail_that_comes_before_its_opening_is_answered_is_kept_until_then(room: Room) -> None:
    room.put("ben", [message(1)])
    mailbox, answer = room.nodes[0].mailbox, asyncio.Event()
    opened = mailbox.open

    async def slow(guest: str, mail: Any) -> object:
        handle = await opened(guest, mail)
        await answer.wait()
        return handle

    mailbox.open = slow  # type: ignore[method-assign]
    _, ben = room.join("ben")
    assert ben.texts() == []
    answer.set()
    room.wait(0.1)
    room.ack("ben", ben)
    room.wait(0.2)
    assert ben.texts() == ["st 1"] and room.stored() == []


def test_a_page_that_goes_gives_everything_back(room: Room) -> None:
    desk, ben = room.join("ben")
    room.put("ben", [message(1), message(2)])
    room.nodes[0].endpoints["ben"].say(S, "mine", 1, 1, "on its way", None)
    room.run(desk.close())
    room.wait(0.1)
    assert room.world.queues["ben"].consumers == [] and len(room.world.queues["ben"].ready) == 2
    assert room.stored("ann") == [("mine", 1)]
    told = len(ben.told)
    room.put("ben", [message(3)])
    assert len(ben.told) == told


def test_two_pages_of_one_guest_the_newer_gets_everything_again_and_the_older_receipts_nothing(room: Room) -> None:
    _, ann = room.join("ann")
    old_desk, old = room.join("ben")
    say(room, 1)
    room.wait(0.01)
    room.ack("ben", old)
    _, new = room.join("ben", 1)
    room.run(old_desk.close())
    room.wait(1)
    assert room.nodes[0].delivery.writer.counts["fenced"] == 1 and ann.states("delivered") == []
    room.wait(3)
    room.ack("ben", new, node=1)
    room.wait(1)
    assert ann.states("delivered") == [[(1, 1)]] and room.stored() == [] and room.held() == ["mine 1"]


def test_a_page_that_stops_answering_is_closed(room: Room) -> None:
    _, ben = room.join("ben")
    room.put("ben", [message(1)])
    room.wait(31)
    assert ben.closed == ["half-open"]


def test_a_second_page_is_no_desk_of_the_first(room: Room) -> None:
    first, _ = room.join("ben")
    second, page = room.join("ben")
    room.run(first.close())
    assert room.nodes[0].endpoints["ben"] is second
    assert isinstance(page, NotedPage)
