"""A page's end of its chats: what it may say, hear, ack and ask, and what becomes of a message (protocol §2)."""

import pytest

from citychat.delivery.endpoint import BUSY_MS
from citychat.delivery.sender import PENDING_MAX
from citychat.model import LAMPORT_MAX, PENDING, TEXT_MAX_CHARS, Session
from citychat.ports import BusEvent, NewMessage, PartnerTyping, Receipt, SessionEnded, TextsErased
from tests.support.door_page import STREAM, DoorPage
from tests.support.stage import HISTORY_MS, Stage, on_stage
from tests.support.stores import message
from tests.support.virtual_time import START_MS


def carls(ended: int | None = None) -> Session:
    """A chat of ben's that his page knows nothing of."""
    return Session("other", ("carl", "ben"), ("Amber Fox", "Teal Owl"), "", START_MS, START_MS + HISTORY_MS, ended)


async def texts_of(stage: Stage, s: str) -> list[str]:
    """What the history holds."""
    return [row.text for row in await stage.history.messages.page(s, None, 100)]


# -- one message -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhere", [False, True])
@on_stage
async def test_a_message_reaches_the_page_of_the_partner_and_its_tick_comes_back(stage: Stage, elsewhere: bool) -> None:
    anna, ben, s = await stage.p.talking("anna", "ben", stage.q if elsewhere else stage.p)
    await anna.say(s, 1, "hello")
    await stage.after(0.1)
    (row,) = ben.events("chat-message")
    assert row == {"s": s, "side": 0, "st": STREAM, "n": 1, "l": 1, "x": "hello", "at": row["at"]}
    assert anna.events("chat-status") == []
    await ben.ack(s, 1)
    await stage.after(0.1)
    assert anna.events("chat-status") == [{"s": s, "st": STREAM, "ranges": [(1, 1)], "state": "delivered"}]
    assert await texts_of(stage, s) == ["hello"] and await stage.mail("ben") == 0


@on_stage
async def test_a_partner_who_is_away_finds_it_in_the_mailbox_and_the_mailbox_forgets_it_once_drawn(
    stage: Stage,
) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    for n in (1, 2):
        await anna.say(s, n)
    await stage.after(0.1)
    assert [each for ranges in anna.ranges("stored") for each in ranges] in ([(1, 1), (2, 2)], [(1, 2)])
    back = await ben.reload()
    await stage.after(0.1)
    assert back.texts() == ["text 1", "text 2"] and await stage.mail("ben") == 2
    await back.ack(s, 2)
    await stage.after(0.2)
    assert await stage.mail("ben") == 0 and anna.ranges("delivered") == [[(1, 2)]]


@on_stage
async def test_a_lost_receipt_is_healed_by_the_copy_in_the_mailbox(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    stage.q.bus.lost = lambda event: isinstance(event, Receipt)
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await stage.after(1)
    assert anna.ranges("delivered") == [] and await texts_of(stage, s) == ["text 1"]
    stage.q.bus.lost = lambda event: False
    await stage.after(4)
    assert anna.ranges("delivered") == [[(1, 1)]] and ben.texts() == ["text 1"] and await stage.mail("ben") == 0


# -- what a page may do ------------------------------------------------------------------------------------------------


@on_stage
async def test_somebody_else_may_neither_write_nor_read_nor_ack_nor_ask(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    s = anna.session
    eve, carl = await stage.talking("eve", "carl")
    await anna.say(s, 1, "secret")
    await stage.after(0.1)
    told = len(eve.told)
    for event, fields in (
        ("chat-message", {"st": "st", "n": 1, "l": 1, "x": "x"}),
        ("chat-ack", {"st": STREAM, "n": 1}),
        ("chat-typing", {"on": True}),
        ("chat-ask", {"st": STREAM, "ranges": [(1, 1)]}),
        ("chat-history", {"limit": 10}),
    ):
        assert await eve.wish(event, s=s, **fields) == "no-session"
    await eve.ack(eve.session, 1)  # in a chat of one's own, what is another's
    await stage.after(1)
    assert "secret" not in str(eve.told[told:]) and carl.texts() == []
    assert await texts_of(stage, s) == [], "nobody has drawn it"


@pytest.mark.parametrize(
    "event",
    [
        NewMessage(message(1, "forged", s="other")),
        NewMessage(message(1, "forged", s="theirs", side=1)),  # as if ben had written it himself
        Receipt("other", "mine", [(1, 1)]),
        PartnerTyping("other", True),
        TextsErased("other"),
    ],
)
@on_stage
async def test_events_of_other_chats_and_of_the_wrong_side_are_not_heard(stage: Stage, event: BusEvent) -> None:
    _anna, ben = await stage.talking()
    if isinstance(event, NewMessage) and event.message.session == "theirs":
        event = NewMessage(message(1, "forged", s=ben.session, side=1))
    told = len(ben.told)
    stage.bus.publish("ben", event)
    await stage.after(0.1)
    assert ben.told[told:] == []


@on_stage
async def test_mail_of_the_wrong_side_or_of_a_chat_of_others_is_taken_out_of_the_mailbox(stage: Stage) -> None:
    eve, _carl = await stage.talking("eve", "carl")
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.put("ben", message(1, s=anna.session, side=1), message(1, s=eve.session))
    back = await ben.reload()
    await stage.after(0.5)
    assert back.texts() == [] and await stage.mail("ben") == 0


@on_stage
async def test_mail_of_a_session_that_is_not_found_stays_where_it_is_and_holds_nothing_up(stage: Stage) -> None:
    """A stale read, or a row that was rolled back: no proof that the session never was."""
    anna, ben = await stage.talking()
    s, calls = anna.session, stage.q.calls
    await stage.put("ben", message(1, "theirs", s="other"), message(1, s=s), message(2, "theirs", s="other"))
    await stage.after(0.1)
    await ben.ack(s, 1, "st")
    await stage.after(60)
    assert ben.texts() == ["text 1"] and await stage.mail("ben") == 2
    assert calls.count("sessions.find") == 1, "once for all of its mail"
    await stage.put("ben", message(3, "theirs", s="other"), message(2, s=s))
    await stage.after(0.1)
    assert ben.texts() == ["text 1", "text 2"] and calls.count("sessions.find") == 1
    await stage.history.sessions.begin(carls())
    back = await ben.reload()
    await stage.after(0.1)
    assert [row["n"] for row in back.events("chat-message") if row["s"] == "other"] == [1, 2, 3]


@on_stage
async def test_mail_of_a_session_that_is_pending_waits_until_it_is_confirmed(stage: Stage) -> None:
    """A stale read can tell so of a chat that runs; nobody may be let in by it."""
    _anna, ben = await stage.talking()
    await stage.history.sessions.begin(carls(PENDING))
    await stage.put("ben", message(1, s="other"))
    await stage.after(1)
    assert ben.texts() == [] and await stage.mail("ben") == 1
    assert await stage.history.sessions.confirm("other", HISTORY_MS) is not None
    back = await ben.reload()
    await stage.after(0.1)
    assert back.texts() == ["text 1"]


@on_stage
async def test_it_comes_as_soon_as_its_session_is_heard_of(stage: Stage) -> None:
    _anna, ben = await stage.talking()
    await stage.put("ben", message(1, s="other"))
    await stage.after(1)
    assert ben.texts() == []
    await stage.history.sessions.begin(carls())
    await stage.history.sessions.end("other", START_MS + 1)
    stage.bus.publish("ben", SessionEnded("other", START_MS + 1))
    await stage.after(0.1)
    assert ben.texts() == ["text 1"]
    await ben.ack("other", 1, "st")
    await stage.after(0.1)
    assert await stage.mail("ben") == 0


@pytest.mark.parametrize(("n", "lamport", "p"), [(0, 1, None), (1, 0, None), (2**52 + 1, 1, None), (1, 2**52 + 1, None),
                                                 (2, 2, ("old", 1))])  # fmt: skip
@on_stage
async def test_numbers_out_of_range_are_refused(stage: Stage, n: int, lamport: int, p: tuple[str, int] | None) -> None:
    anna, _ben = await stage.talking()
    assert await anna.wish("chat-message", s=anna.session, st="st", n=n, l=lamport, x="x", p=p) == "bad-payload"


@on_stage
async def test_a_text_that_is_blank_or_too_long_travels_empty_and_its_number_is_used(stage: Stage) -> None:
    anna, ben = await stage.talking()
    texts = [
        " \n",
        "x" * (TEXT_MAX_CHARS + 1),
        "\U0001f98a" * (TEXT_MAX_CHARS + 1),
        "\u202e\x00",
        "ok\x00 \u202ead\r\n",
    ]
    for n, text in enumerate(texts, 1):
        await anna.say(anna.session, n, text)
    await stage.after(0.1)
    assert ben.texts() == ["", "", "", "", "ok ad\n"]


async def slow_ones(stage: Stage) -> tuple[DoorPage, DoorPage, str]:
    """Two who talk at a process that takes a message in 2.5 s."""
    here = stage.node("here", message_burst=1, message_rate=0.4)
    here.process.start()
    return await here.talking()


@on_stage
async def test_what_is_pending_already_is_neither_sent_twice_nor_counted(stage: Stage) -> None:
    anna, ben, s = await slow_ones(stage)
    for _ in range(100):
        await anna.say(s, 1)
    await stage.after(0.1)
    assert ben.texts() == ["text 1"] and anna.events("chat-busy") == []


@on_stage
async def test_over_the_rate_the_page_hears_when_to_try_again(stage: Stage) -> None:
    anna, ben, s = await slow_ones(stage)
    for n in (1, 2):
        await anna.say(s, n)
    assert anna.events("chat-busy") == [{"s": s, "retry_ms": 2_500}]
    await stage.after(2.5)
    await anna.say(s, 2)
    await stage.after(0.1)
    assert ben.texts() == ["text 1", "text 2"]


@on_stage
async def test_more_than_32_unanswered_are_too_fast_and_can_be_sent_later(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    for n in range(1, PENDING_MAX + 4):
        await anna.say(s, n)
    assert anna.events("chat-busy") == [{"s": s, "retry_ms": BUSY_MS}] * 3
    await stage.after(0.1)
    await ben.ack(s, PENDING_MAX)
    await stage.after(0.1)
    await anna.say(s, PENDING_MAX + 1)
    await stage.after(0.1)
    assert len(ben.texts()) == PENDING_MAX + 1 and len(anna.events("chat-busy")) == 3


@on_stage
async def test_typing_is_passed_on_while_the_chat_lives_and_kept_nowhere(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.tell("chat-typing", {"s": s, "on": True})
    await stage.after(0.1)
    assert ben.events("chat-typing") == [{"s": s, "on": True}]
    assert await stage.mail("ben") == 0 and await texts_of(stage, s) == []
    await anna.leave()
    assert await anna.wish("chat-typing", s=s, on=True) == "no-session"


@on_stage
async def test_ask_is_answered_with_exactly_what_history_holds_of_my_own(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    s = anna.session
    rows = [message(n, s=s) for n in (1, 3, 5)]
    await stage.keep(*rows, message(2, s=s, k="gap"), message(4, s=s, side=1))
    await anna.tell("chat-ask", {"s": s, "st": "st", "ranges": [(1, LAMPORT_MAX)]})
    assert anna.events("chat-status") == [
        {"s": s, "st": "st", "ranges": [(1, 1), (3, 3), (5, 5)], "state": "delivered"}
    ]
    await anna.tell("chat-ask", {"s": s, "st": "st", "ranges": [(2, 2), (6, 9)]})
    assert len(anna.events("chat-status")) == 1, "nothing held, nothing said"


@on_stage
async def test_history_comes_in_pages_oldest_first(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    s = anna.session
    await stage.keep(*(message(n, s=s) for n in range(1, 6)))
    newest = await anna.ask("chat-history", {"s": s, "limit": 2})
    assert [row["n"] for row in newest["messages"]] == [4, 5] and newest["more"]
    oldest = await anna.ask("chat-history", {"s": s, "limit": 3, "before": (4, 0, "st", 4)})
    assert [row["n"] for row in oldest["messages"]] == [1, 2, 3] and not oldest["more"]


# -- the end of a session, and the next one ----------------------------------------------------------------------------


@on_stage
async def test_an_end_sends_what_is_pending_to_the_mailbox_and_what_is_drawn_later_is_kept(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await anna.say(s, 1)
    await stage.after(0.1)
    await anna.leave()
    await stage.after(0.1)
    assert anna.ranges("stored") == [[(1, 1)]] and ben.events("user-left")
    await ben.ack(s, 1)
    await stage.after(0.1)
    assert ben.texts() == ["text 1"] == await texts_of(stage, s) and await stage.mail("ben") == 0


@on_stage
async def test_mail_of_the_chat_before_comes_in_the_new_one(stage: Stage) -> None:
    anna, ben = await stage.talking()
    before = anna.session
    ben.leaves()
    await stage.after(0.1)
    await anna.leave()
    await stage.put("ben", message(1, s=before))
    ben = await ben.reload()
    s = await stage.meet(ben, await stage.p.join("carl"))
    await stage.put("ben", message(2, s=before), message(1, "new", s=s, side=1))
    await stage.after(0.1)
    assert [(row["s"], row["n"]) for row in ben.events("chat-message")] == [(before, 1), (before, 2), (s, 1)]


@on_stage
async def test_mail_of_a_chat_that_was_not_loaded_is_looked_up(stage: Stage) -> None:
    _anna, ben = await stage.talking()
    await stage.history.sessions.begin(carls())
    await stage.keep(message(1, s="other"))
    stage.q.history.away = {"all"}
    await stage.put("ben", message(2, s="other"))
    await stage.after(0.1)
    assert ben.texts() == [] and await stage.mail("ben") == 1, "kept for when history is back"
    stage.q.history.away = set()
    await stage.put("ben", message(3, s="other"))
    await stage.after(1.1)
    assert ben.texts() == ["text 2", "text 3"]


@on_stage
async def test_mail_of_a_chat_that_was_over_before_its_other_side_heard_of_it_is_fetched(stage: Stage) -> None:
    ben = await stage.q.join("ben")
    await stage.history.sessions.begin(carls())
    await stage.history.sessions.end("other", START_MS + 1)
    await stage.put("ben", message(1, s="other"))
    await stage.after(0.1)
    assert ben.texts() == []
    stage.bus.publish("ben", SessionEnded("other", START_MS + 1))
    await stage.after(0.1)
    assert ben.texts() == ["text 1"]


# -- erasing -----------------------------------------------------------------------------------------------------------


@on_stage
async def test_what_comes_late_from_somebody_who_erased_is_blank(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    stage.bus.publish("ben", TextsErased(s))
    await stage.put("ben", message(1, s=s, x="erased"))
    await stage.after(0.1)
    assert ben.events("chat-erased") == [{"s": s}] and ben.texts() == [""]
    await ben.ack(s, 1, "st")
    await stage.after(0.2)
    assert await texts_of(stage, s) == [""] and await stage.mail("ben") == 0


@on_stage
async def test_so_is_what_waited_while_it_was_erased(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await stage.history.guests.erase("anna", stage.clock.wall_ms())
    await stage.put("ben", message(1, s=s, x="erased"), message(1, "mine", s=s))
    back = await ben.reload()
    await stage.after(0.1)
    assert back.texts() == ["", ""]
