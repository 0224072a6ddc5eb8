"""The life of a chat over two processes: leaving, ending by itself, being erased."""

import asyncio

from citychat.model import Message
from citychat.ports import Mail, SessionEnded
from citychat.rules import DAY_MS
from tests.support.door_page import STREAM
from tests.support.stage import HISTORY_MS, Stage, on_stage

HOUR_MS = 3_600_000


@on_stage
async def test_a_session_lasts_as_long_as_the_history_and_hides_who_is_who(stage: Stage) -> None:
    anna, ben = await stage.talking()
    session = await stage.row(anna.session)
    assert session.members == ("anna", "ben") and len(set(session.aliases)) == 2
    assert session.expires == session.started + HISTORY_MS
    assert ben.guest not in str(anna.told) and anna.guest not in str(ben.told)


@on_stage
async def test_leaving_is_told_to_the_partner_as_left_and_to_nobody_else(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await anna.leave()
    await stage.after(0.1)
    session = await stage.row(anna.session)
    assert session.ended is not None
    assert ben.last("user-left") == {"session": session.id, "how": "left", "since": session.ended}
    assert "user-left" not in anna.kinds()
    await stage.truth(anna, ben)


@on_stage
async def test_a_chat_that_a_page_leaves_while_it_is_replaced_is_over_on_the_newer_page_too(stage: Stage) -> None:
    anna, ben = await stage.talking()
    older = stage.p.registry.find("anna")
    newer = await stage.p.join("anna")
    assert older is not None
    await stage.p.matching.sessions.end(await stage.row(anna.session), older)
    await stage.after(0.1)
    assert newer.last("user-left") == ben.last("user-left")
    await stage.truth(newer, ben)


@on_stage
async def test_leaving_frees_the_partner_while_the_history_is_away_and_is_answered_when_durable(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.history.away = stage.q.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.5)
    assert ben.last("user-left")["how"] == "left" and not leaving.done()
    assert (await ben.where()).state == (await anna.where()).state == "free"
    stage.p.history.away = set()
    await stage.after(31)
    assert leaving.done()
    session = await stage.row(anna.session)
    assert session.ended == ben.last("user-left")["since"]


@on_stage
async def test_leaving_with_the_lobby_away_is_final_for_the_page_and_reaches_the_partner_later(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.lobby.away = {"all"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(16)
    assert not ben.events("user-left")
    stage.p.lobby.away = set()
    await stage.after(31)
    assert leaving.done() and ben.last("user-left")["how"] == "left"
    assert len(anna.events("user-session")) == 1, "the chat that was left did not come back"
    await stage.truth(anna, ben)


@on_stage
async def test_a_chat_that_was_left_does_not_come_back_while_the_lobby_cannot_hear_of_it(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.lobby.away = {"end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(31)
    assert (await anna.where()).session == anna.session and len(anna.events("user-session")) == 1
    stage.p.lobby.away = set()
    await stage.after(31)
    await stage.truth(anna, ben)
    assert leaving.done()


@on_stage
async def test_a_chat_that_was_left_does_not_come_back_with_a_lobby_that_forgets(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.history.away = stage.q.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(1)
    stage.forget()
    await stage.after(40)
    assert (await anna.where()).state == (await ben.where()).state == "free"
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    assert not leaving.done()


@on_stage
async def test_leaving_twice_and_both_at_once_is_leaving_once(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await asyncio.gather(anna.leave(), ben.leave(), anna.leave())
    await stage.after(1)
    assert await anna.leave() == "ok"
    await stage.truth(anna, ben)
    assert len(ben.events("user-left")) <= 1


@on_stage
async def test_a_lost_left_is_noticed_within_fifteen_seconds(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.bus.lost = lambda event: isinstance(event, SessionEnded)
    await anna.leave()
    await stage.after(15.1)
    assert ben.last("user-left")["how"] == "left"


@on_stage
async def test_what_is_pending_goes_to_the_mailbox_before_the_session_ends(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await anna.say(s, 1, "still for you")
    await anna.leave()
    await stage.after(0.5)
    assert anna.last("chat-status") == {"s": s, "st": STREAM, "ranges": [(1, 1)], "state": "stored"}
    await anna.say(s, 2, "too late")
    assert anna.last("chat-status")["error"] == "no-session"


@on_stage
async def test_a_process_that_dies_in_the_middle_of_a_leave_does_not_bring_the_chat_back(stage: Stage) -> None:
    """The lobby knew, the history did not: the partner's process makes it durable."""
    anna, ben = await stage.talking()
    s = anna.session
    stage.p.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.1)
    stage.p.die()
    await stage.after(16)
    session = await stage.row(s)
    assert session.ended is not None
    again = await stage.q.join("anna")
    assert (await again.where()).state == "free" and ben.last("user-left")["session"] == s
    assert not leaving.done()


@on_stage
async def test_a_join_that_read_the_row_before_its_end_does_not_bring_the_chat_back(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    has_read = stage.q.history.hold_answer("guests.dossier")
    again = ben.next_page()
    joining = asyncio.ensure_future(again.join())
    await stage.after(0.1)
    stage.p.history.away = stage.q.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.1)
    has_read.set()
    assert (await joining)["state"] == "chat", "the lobby has taken the chat up for both"
    stage.p.history.away = stage.q.history.away = set()
    await leaving
    await stage.after(31)
    assert (await again.where()).session is None and (await anna.where()).session is None
    assert again.last("user-left")["how"] == "left" and (await stage.row(s)).ended is not None
    await stage.truth(anna, again)


@on_stage
async def test_nobody_leaves_blocks_reports_or_reads_the_session_of_others(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    eve = await stage.q.join("eve")
    for s in (anna.session, "nowhere"):
        for event in ("user-leave", "user-block", "user-again"):
            assert await eve.wish(event, session=s) == "no-session"
        assert await eve.wish("user-report", session=s, reason="spam") == "no-session"
        assert await eve.wish("chat-history", s=s, limit=10) == "no-session"
    assert (await eve.ask("user-chats"))["chats"] == []


@on_stage
async def test_somebody_who_reads_an_ended_chat_is_not_asked(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await anna.leave()
    await stage.after(0.1)
    await ben.wish("user-view", visible=True, touched=True)
    carl = await stage.p.join("carl")
    assert await carl.seek() == "waiting"
    await stage.after(126)  # M15
    assert not ben.events("user-offer")[1:]
    await ben.wish("user-available", on=True)
    await stage.after(5.1)
    assert ben.events("user-offer")[1:]


# -- erase, chats, time ----------------------------------------------------------------------------------------------


@on_stage
async def test_erasing_ends_the_chat_and_blanks_the_texts_everywhere(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    await stage.keep(*(Message(s, side, f"stream{side}", 1, 1 + side, f"text {side}", 1) for side in (0, 1)))
    assert await anna.wish("user-erase", confirm=True) == "ok"
    await stage.after(0.1)
    assert [row.text for row in await stage.history.messages.page(s, None, 10)] == ["", "text 1"]
    assert ben.kinds()[-2:] == ["user-left", "chat-erased"] and ben.last("chat-erased") == {"s": s}
    assert await stage.history.guests.find("anna") is None


@on_stage
async def test_erasing_blanks_what_waits_in_the_mailbox(stage: Stage) -> None:
    anna, ben = await stage.talking()
    s = anna.session
    ben.leaves()
    await stage.after(0.1)
    await anna.say(s, 1, "secret")
    await stage.after(4)
    assert anna.last("chat-status")["state"] == "stored"
    assert await anna.wish("user-erase", confirm=True) == "ok"
    waiting: list[Mail] = []
    await stage.mailbox.open("ben", waiting.append)
    await stage.after(1)
    assert [mail.message.text for mail in waiting] == [""]


@on_stage
async def test_erasing_waits_for_the_history(stage: Stage) -> None:
    anna, ben = await stage.talking()
    stage.p.history.away = {"guests.erase"}
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(5)
    assert not erasing.done() and ben.last("user-left")["how"] == "left"
    stage.p.history.away = set()
    await stage.after(31)
    assert erasing.done() and await stage.history.guests.find("anna") is None


@on_stage
async def test_my_chats_are_listed_newest_first_as_i_see_them(stage: Stage) -> None:
    anna, ben = await stage.talking()
    first = anna.session
    await anna.leave()
    carl = await stage.p.join("carl")
    await stage.after(1)
    await stage.meet(ben, carl)
    chats = (await ben.ask("user-chats"))["chats"]
    assert [chat["session"] for chat in chats] == [carl.session, first]
    assert [chat["side"] for chat in chats] == [0, 1]
    assert "ended" in chats[1] and "ended" not in chats[0]
    assert "anna" not in str(chats) and "carl" not in str(chats)


@on_stage
async def test_a_chat_shows_whether_the_partner_is_here_and_since_when_not(stage: Stage) -> None:
    anna, ben = await stage.talking()
    assert await anna.seek() == "matched" and anna.last("user-session")["here"] is True
    ben.leaves()
    await stage.after(0.1)
    row = await stage.history.guests.find("ben")
    assert row is not None and await anna.seek() == "matched"
    shown = anna.last("user-session")
    assert (shown["here"], shown["away_since"]) == (False, row.seen)


@on_stage
async def test_nobody_learns_from_an_ended_chat_whether_the_other_one_is_online(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await anna.leave()
    again = await anna.reload()
    shown = again.last("answer user-join")["session"]
    assert ben.open and "ended" in shown
    assert shown["here"] is False and "away_since" not in shown


@on_stage
async def test_a_chat_ends_when_its_date_has_come(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await stage.skip(HISTORY_MS)
    assert anna.last("user-left")["how"] == ben.last("user-left")["how"] == "left"
    await stage.truth(anna, ben)


@on_stage
async def test_a_chat_ends_when_both_were_away_for_a_day_and_not_while_one_is_here(stage: Stage) -> None:
    anna, ben = await stage.talking()
    ben.leaves()
    await stage.after(0.1)
    await stage.skip(2 * DAY_MS)
    assert (await stage.row(anna.session)).ended is None, "anna's page is open"
    anna.leaves()
    await stage.after(0.1)
    await stage.skip(DAY_MS - HOUR_MS)
    assert (await stage.row(anna.session)).ended is None
    await stage.skip(2 * HOUR_MS)
    assert (await stage.row(anna.session)).ended is not None
    assert (await anna.where()).session is None
