"""The page's part of delivery (protocol §2.3, §2.6), in Python; a test holds its JavaScript twin to it."""

import json

import pytest

from citychat.client.acks import ACK_MESSAGES, ACK_MS
from citychat.client.drawn import HAVE_MAX
from citychat.client.entries import kept
from citychat.client.outbox import ANSWER_MS, ASK_MS, HEAD_MS, STORED_MAX, UNDELIVERED_MS, WAITING_MAX, WINDOW
from citychat.client.shapes import OUTBOX, WRITER
from citychat.model import LAMPORT_MAX, TEXT_MAX_CHARS
from tests.unit.client.desk import NOW, Desk, session, theirs


@pytest.fixture
def desk() -> Desk:
    return Desk().join()


# Writing


def test_a_message_is_kept_drawn_with_a_clock_and_sent_in_that_order(desk: Desk) -> None:
    kept_at_the_draw: list[int] = []
    draw = desk.draw
    desk.draw = lambda row, state: (kept_at_the_draw.append(len(kept(desk.storage))), draw(row, state))[1]  # type: ignore[method-assign,func-returns-value]
    desk.say("hello")
    assert kept_at_the_draw == [1]
    message = {"session": "s", "stream": "p0-st1", "number": 1, "lamport": 1, "text": "hello"}
    assert desk.drawn == [({**message, "side": 0, "at": NOW}, "waiting")]
    assert desk.emitted == [("chat-message", message)]


def test_what_cannot_be_written_is_told_apart(desk: Desk) -> None:
    for unseen in (" \n\u202e", "\u200b", "\u2800\u3164", "\u00ad\ufe0f"):
        assert desk.box.refusal(unseen) == "empty"
    assert desk.box.refusal("x" * (TEXT_MAX_CHARS + 1)) == "too-long"
    assert desk.box.refusal("\U0001f98a" * (TEXT_MAX_CHARS + 1)) == "too-long"
    desk.box.ended("another")
    assert desk.box.refusal("x") == ""
    desk.storage[WRITER] = "another page"
    assert desk.box.refusal("x") == "elsewhere"
    desk.box.ended("s")
    assert desk.box.refusal("x") == "closed"
    assert desk.box.compose("x", NOW) == "closed" and desk.emitted == []


def test_200_without_an_answer_are_full_and_32_of_them_are_on_their_way(desk: Desk) -> None:
    for _ in range(WAITING_MAX):
        desk.say("x")
    assert desk.box.compose("x", NOW) == "full"
    assert desk.sent() == list(range(1, WINDOW + 1))
    desk.status("stored", [1, 2], [5, 5])
    assert desk.sent() == list(range(1, WINDOW + 4))
    desk.say("x")


def test_texts_are_cleaned_before_they_are_drawn(desk: Desk) -> None:
    desk.say("e\u0301\u202e\x00\r\nx")
    assert desk.texts() == ["\u00e9\nx"]


def test_the_lamport_number_is_one_above_everything_seen_and_stays_at_the_cap(desk: Desk) -> None:
    desk.hear(1, lamport=41)
    desk.say("a", "b")
    desk.hear(2, lamport=LAMPORT_MAX)
    desk.say("c", "d")
    assert [entry["lamport"] for entry in desk.box.entries.all] == [42, 43, LAMPORT_MAX, LAMPORT_MAX]


def test_a_new_stream_is_linked_to_the_one_before_and_only_in_the_same_chat(desk: Desk) -> None:
    desk.say("a", "b")
    reloaded = Desk(desk.storage, "p1").join()
    reloaded.say("c", "d")
    assert [entry.get("previous") for entry in reloaded.box.entries.all] == [None, None, ["p0-st1", 2], None]
    reloaded.box.session(session("new"), NOW)
    reloaded.say("e")
    assert "previous" not in reloaded.box.entries.all[-1] and reloaded.box.entries.all[-1]["stream"] == "p1-st2"
    assert json.loads(reloaded.storage[OUTBOX + "p1"])["last"] == ["new", "p1-st2", 1, 1]


# Answers


def test_exact_ranges_get_their_tick_and_what_is_delivered_leaves_the_outbox(desk: Desk) -> None:
    desk.say("a", "b", "c", "d")
    desk.status("stored", [1, 1], [3, 3])
    assert desk.states() == ["stored", "waiting", "stored", "waiting"]
    desk.status("delivered", [1, 2])
    assert [entry["number"] for entry in desk.box.entries.all] == [3, 4]
    assert desk.marks == [(1, "stored", ""), (3, "stored", ""), (1, "delivered", ""), (2, "delivered", "")]
    assert [entry["number"] for entry in kept(desk.storage)] == [3, 4]


def test_statuses_of_other_streams_and_chats_change_nothing(desk: Desk) -> None:
    desk.say("a")
    desk.status("delivered", [1, LAMPORT_MAX], stream="other")
    desk.box.status({"session": "other", "stream": "p0-st1", "ranges": [[1, 9]], "state": "delivered"}, NOW)
    assert desk.states() == ["waiting"] and desk.marks == []


def test_a_refusal_for_good_is_shown_and_any_other_is_sent_again(desk: Desk) -> None:
    desk.say("a", "b")
    desk.status("refused", [1, 1], error="no-session")
    desk.status("refused", [2, 2], error="internal")
    assert desk.states() == ["refused", "waiting"] and desk.marks == [(1, "refused", "no-session")]
    desk.now += HEAD_MS
    desk.box.tick(desk.now)
    assert desk.sent() == [1, 2, 2]


def test_a_tick_is_not_taken_back(desk: Desk) -> None:
    desk.say("a")
    desk.status("stored", [1, 1])
    desk.status("refused", [1, 1], error="no-session")
    assert desk.states() == ["stored"]


def test_after_busy_everything_unanswered_goes_again_in_order_and_not_before(desk: Desk) -> None:
    desk.say("a", "b")
    desk.box.busy({"session": "s", "retry_ms": 1_500}, desk.now)
    assert desk.alarms[-1] == NOW + 1_500
    desk.say("c")
    desk.now += 1_499
    desk.box.tick(desk.now)
    assert desk.sent() == [1, 2]
    desk.now += 1
    desk.box.tick(desk.now)
    assert desk.sent() == [1, 2, 1, 2, 3]


def test_a_head_without_an_answer_for_ten_seconds_is_sent_again_with_all_behind_it(desk: Desk) -> None:
    desk.say("a", "b")
    assert desk.alarms[-1] == NOW + HEAD_MS
    desk.now += HEAD_MS - 1
    desk.box.tick(desk.now)
    assert desk.sent() == [1, 2]
    desk.now += 1
    desk.box.tick(desk.now)
    assert desk.sent() == [1, 2, 1, 2]


def test_over_500_ticks_the_oldest_are_left_to_the_history(desk: Desk) -> None:
    for i in range(0, STORED_MAX + 20, 20):
        desk.say(*["x"] * 20)
        desk.status("stored", [i + 1, i + 20])
    assert len(desk.box.entries.all) == STORED_MAX and desk.box.entries.all[0]["number"] == 21


# Joining


def test_after_a_join_what_has_no_tick_goes_again_in_order_and_the_rest_is_asked_about(desk: Desk) -> None:
    desk.say("a", "b", "c")
    desk.status("stored", [2, 2])
    desk.box.closed()
    desk.say("d")
    assert desk.sent() == [1, 2, 3]
    desk.join()
    assert desk.sent() == [1, 2, 3, 1, 3, 4]
    asks = [payload for event, payload in desk.emitted if event == "chat-ask"]
    assert asks == [{"session": "s", "stream": "p0-st1", "ranges": [[2, 2]]}]


def test_a_page_that_takes_over_draws_and_sends_the_whole_outbox_of_the_browser(desk: Desk) -> None:
    desk.say("a", "b")
    desk.status("stored", [1, 1])
    second = Desk(desk.storage, "p1").join()
    assert second.texts() == ["a", "b"] and [state for _, state in second.drawn] == ["stored", "waiting"]
    assert second.sent() == [2] and desk.storage[WRITER] == "p1"
    assert desk.box.refusal("x") == "elsewhere"
    second.say("c")
    desk.status("delivered", [1, 2])
    assert [entry["text"] for entry in kept(desk.storage)] == ["a", "b", "c"], "kept by one page"
    desk.join()
    assert [entry["text"] for entry in desk.box.entries.all] == ["c"], "a and b were delivered, as this page knows"


def test_rows_of_the_answer_are_drawn_mine_all_and_the_partners_up_to_seen() -> None:
    mine = {"session": "s", "side": 0, "stream": "old", "number": 1, "lamport": 1, "text": "mine", "at": NOW}
    gap = {**mine, "number": 2, "kind": "gap", "text": ""}
    desk = Desk().join(messages=[mine, gap, theirs(1), theirs(2), theirs(3)], seen={"theirs": 2, "of a chat before": 7})
    assert desk.texts() == ["mine", "theirs 1", "theirs 2"]
    assert [state for _, state in desk.drawn] == ["delivered", "", ""]
    desk.hear(3)
    desk.hear(8, stream="of a chat before", session="before", side=0)
    assert desk.texts()[3:] == ["theirs 3", "theirs 8"]


def test_what_history_has_of_mine_leaves_the_outbox_and_a_gap_of_mine_does_not(desk: Desk) -> None:
    desk.say("a", "b")
    first = {"session": "s", "side": 0, "stream": "p0-st1", "number": 1, "lamport": 1, "text": "a", "at": NOW}
    desk.join(messages=[first, {**first, "number": 2, "lamport": 2, "text": "", "kind": "gap"}])
    assert [entry["text"] for entry in desk.box.entries.all] == ["b"] and desk.marks == [(1, "delivered", "")]
    assert desk.texts() == ["a", "b"]


def test_have_is_what_this_page_has_drawn_the_newest_streams_of_many() -> None:
    assert Desk().box.have() == {}
    desk = Desk().join(seen={f"old{i}": 1 for i in range(HAVE_MAX)})
    desk.hear(1, 2)
    desk.hear(2, stream="old0")
    assert len(desk.box.have()) == HAVE_MAX
    assert list(desk.box.have().items())[-2:] == [("theirs", 2), ("old0", 2)]
    assert "old1" not in desk.box.have()


def test_the_outbox_of_a_chat_before_is_sent_and_refused_and_its_failures_go_with_the_next(desk: Desk) -> None:
    desk.say("a", "b")
    desk.box.ended("s")
    desk.status("refused", [1, 1], error="no-session")
    desk.box.session(session("new"), NOW)
    assert desk.states() == ["waiting"] and desk.box.running == "new"


# The partner's words


def test_the_next_is_drawn_and_acked_and_anything_else_only_acked(desk: Desk) -> None:
    desk.hear(1)
    for number in (3, 1, 2):
        desk.now += ACK_MS
        desk.hear(number)
    assert desk.texts() == ["theirs 1", "theirs 2"] and desk.acks() == [1, 1, 1, 2]


def test_a_gap_is_drawn_wherever_it_lies_ahead(desk: Desk) -> None:
    desk.hear(1)
    desk.hear(5, kind="gap", text="")
    desk.hear(4, kind="gap", text="")
    desk.hear(6)
    assert [row["number"] for row, _ in desk.drawn] == [1, 5, 6]


def test_a_gap_of_several_is_one_line_and_its_last_number_is_acked(desk: Desk) -> None:
    desk.hear(1)
    desk.now += ACK_MS
    desk.hear(2, kind="gap", text="", to=9)
    desk.hear(10)
    assert [row["number"] for row, _ in desk.drawn] == [1, 2, 10] and desk.box.have() == {"theirs": 10}


def test_a_stream_of_a_chat_that_this_page_was_not_told_of_begins_where_the_server_begins(desk: Desk) -> None:
    for number in (6, 7, 9):
        desk.box.message({**theirs(number, "old"), "session": "older"}, desk.now)
    desk.hear(6)
    assert [row["number"] for row, _ in desk.drawn] == [6, 7] and desk.box.have() == {"old": 7}


def test_a_late_message_takes_the_place_of_its_gap_and_is_drawn_once(desk: Desk) -> None:
    desk.hear(1)
    desk.hear(3, kind="gap", text="")
    for number in (2, 3, 3, 1):
        desk.hear(number, kind="late")
    drawn = [(row["number"], row.get("kind")) for row, _ in desk.drawn]
    assert drawn == [(1, None), (3, "gap"), (2, "late"), (3, "late")]


def test_a_gap_that_has_been_filled_is_drawn_with_the_next_join(desk: Desk) -> None:
    desk.hear(1, kind="gap", text="")
    desk.join(messages=[theirs(1)], seen={"theirs": 1})
    assert [(row["number"], row.get("kind")) for row, _ in desk.drawn] == [(1, "gap"), (1, None)]


def test_a_kind_that_is_unknown_is_acked(desk: Desk) -> None:
    desk.hear(1, kind="wave")
    assert desk.acks() == [1]


def test_acks_leave_at_once_then_after_50_ms_or_8_messages(desk: Desk) -> None:
    desk.hear(1)
    assert desk.acks() == [1]
    desk.hear(2, 3)
    desk.hear(1, stream="other")
    assert desk.acks() == [1] and desk.alarms[-1] == NOW + ACK_MS
    desk.now += ACK_MS
    desk.box.tick(desk.now)
    assert desk.acks() == [1, 3, 1]
    desk.hear(*range(4, 4 + ACK_MESSAGES))
    assert desk.acks() == [1, 3, 1, 3 + ACK_MESSAGES]


def test_an_early_alarm_does_not_eat_the_ack(desk: Desk) -> None:
    desk.hear(1, 2)
    desk.alarms.clear()
    desk.now += 10
    desk.box.tick(desk.now)
    assert desk.acks() == [1] and NOW + ACK_MS in desk.alarms


def test_acks_of_a_link_that_is_gone_are_not_sent_on_the_next(desk: Desk) -> None:
    desk.hear(1, 2)
    desk.box.closed()
    desk.box.tick(NOW + ACK_MS)
    desk.join()
    assert desk.acks() == [1]


def test_a_page_of_older_rows_is_drawn_once_each(desk: Desk) -> None:
    desk.hear(1)
    rows = [theirs(1), {**theirs(1, "mine"), "side": 0}, {**theirs(2, "mine"), "side": 0, "kind": "gap"}, theirs(2)]
    desk.box.older("s", 0, rows)
    assert [(row["stream"], row["number"]) for row, _ in desk.drawn] == [("theirs", 1), ("mine", 1)], (
        "2 is still to come"
    )
    desk.box.older("past", 1, [{**theirs(4), "session": "past", "side": 0}])
    assert desk.drawn[-1][0]["session"] == "past"


# Asking and giving up


def test_what_is_kept_is_asked_about_every_30_seconds_while_the_partner_is_here(desk: Desk) -> None:
    desk.say("a", "b")
    desk.status("stored", [1, 2])
    desk.now += ASK_MS
    desk.box.tick(desk.now)
    assert desk.emitted[2:] == [("chat-ask", {"session": "s", "stream": "p0-st1", "ranges": [[1, 2]]})]
    desk.box.partner(False, desk.now)
    desk.now += 10 * ASK_MS
    desk.box.tick(desk.now)
    assert len(desk.emitted) == 3


def test_not_delivered_after_24_hours_and_ten_minutes_and_after_asking_once_more(desk: Desk) -> None:
    desk.say("a", "b")
    desk.status("stored", [1, 2])
    desk.box.partner(False, desk.now)
    desk.now += UNDELIVERED_MS - 1
    desk.box.tick(desk.now)
    assert desk.marks[2:] == []
    desk.now += 1
    desk.box.tick(desk.now)
    assert [event for event, _ in desk.emitted].count("chat-ask") == 1 and desk.marks[2:] == []
    desk.status("delivered", [2, 2])
    desk.now += ANSWER_MS
    desk.box.tick(desk.now)
    assert desk.marks[2:] == [(2, "delivered", ""), (1, "undelivered", "")]


def test_what_was_left_behind_in_a_chat_that_is_over_is_forgotten_and_nothing_is_said_of_it(desk: Desk) -> None:
    """Nobody tells the page whether it was read, so it is not called lost."""
    desk.say("a", "b")
    desk.status("stored", [1, 2])
    desk.box.ended("s")
    desk.now += UNDELIVERED_MS - 1
    desk.box.tick(desk.now)
    assert len(desk.box.entries.all) == 2
    for ms in (1, ANSWER_MS, ANSWER_MS):
        desk.now += ms
        desk.box.tick(desk.now)
    assert desk.marks[2:] == [] == desk.box.entries.all and "stored" not in str(desk.storage)
    desk.status("delivered", [1, 1])
    assert desk.box.entries.all == [], "it was delivered after all"


def test_without_a_link_nobody_despairs(desk: Desk) -> None:
    desk.say("a")
    desk.status("stored", [1, 1])
    desk.box.closed()
    desk.box.tick(NOW + 3 * UNDELIVERED_MS)
    assert desk.states() == ["stored"]


def test_of_a_storage_with_a_torn_outbox_the_whole_ones_are_listed(desk: Desk) -> None:
    desk.say("a")
    desk.storage["citychat.outbox.other"] = '{"entries":[{"s'
    assert [entry["text"] for entry in kept(desk.storage)] == ["a"]
