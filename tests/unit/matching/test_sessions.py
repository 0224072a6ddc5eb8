"""The life of sessions over two stores and two processes: leaving, blocking, reporting, talking again, erasing."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from citychat.matching.moderation import new_code
from citychat.model import BadPayload, Message, NoSession, Session, Unavailable
from citychat.ports import BusEvent, GuestPaused, History, Mail, SessionBegun, SessionEnded
from citychat.rules import DAY_MS
from tests.unit.meeting import HISTORY_MS, Page, Town, kinds, meeting


async def talking(town: Town, a: str = "anna", b: str = "ben") -> tuple[Page, Page]:
    """They talk: ``a`` on p, ``b`` on q."""
    anna, ben = await town.p.join(a), await town.q.join(b)
    await town.meet(anna, ben)
    return anna, ben


async def wishes(town: Town, page: Page, s: str) -> None:
    await page.process.matching.reunions.wish(page.process.client(page.guest), s)
    await town.after(0.1)


@meeting
async def test_a_session_lasts_as_long_as_the_history_and_hides_who_is_who(town: Town) -> None:
    anna, ben = await talking(town)
    session = await town.session(anna.session)
    assert session is not None
    assert session.members == ("anna", "ben") and len(set(session.aliases)) == 2
    assert session.expires == session.started + HISTORY_MS
    assert ben.guest not in str(anna.told) and anna.guest not in str(ben.told)


@meeting
async def test_leaving_is_told_to_the_partner_as_left_and_to_nobody_else(town: Town) -> None:
    anna, ben = await talking(town)
    await anna.leave()
    await town.after(0.1)
    session = await town.session(anna.session)
    assert session is not None and session.ended is not None
    assert ben.last("user-left") == {"session": session.id, "how": "left", "since": session.ended}
    assert "user-left" not in kinds(anna)
    await town.truth(anna, ben)


@meeting
async def test_leaving_frees_the_partner_while_the_history_is_away_and_is_answered_when_durable(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.history.away = town.q.history.away = {"sessions.end"}
    task = await town.p.sessions.leave(town.p.client("anna"), anna.session)
    await town.after(0.5)
    assert ben.last("user-left")["how"] == "left" and task is not None and not task.done()
    assert (await ben.where()).state == (await anna.where()).state == "free"
    town.p.history.away = set()
    await town.after(31)
    assert task.done()
    session = await town.session(anna.session)
    assert session is not None and session.ended == ben.last("user-left")["since"]


@meeting
async def test_leaving_with_the_lobby_away_is_final_for_the_page_and_reaches_the_partner_later(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.lobby.away = {"all"}
    task = await town.p.sessions.leave(town.p.client("anna"), anna.session)
    await town.after(16)
    assert not ben.events("user-left")
    town.p.lobby.away = set()
    await town.after(31)
    assert task is not None and task.done() and ben.last("user-left")["how"] == "left"
    assert len(anna.events("user-session")) == 1, "the chat that was left did not come back"
    await town.truth(anna, ben)


@meeting
async def test_a_chat_that_was_left_does_not_come_back_while_the_lobby_cannot_hear_of_it(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.lobby.away = {"end"}
    await town.p.sessions.leave(town.p.client("anna"), anna.session)
    await town.after(31)
    assert (await anna.where()).session == anna.session and len(anna.events("user-session")) == 1
    town.p.lobby.away = set()
    await town.after(31)
    await town.truth(anna, ben)


@meeting
async def test_a_chat_that_was_left_does_not_come_back_with_a_lobby_that_forgets(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.history.away = town.q.history.away = {"sessions.end"}
    await town.p.sessions.leave(town.p.client("anna"), anna.session)
    await town.after(1)
    town.forget()
    await town.after(40)
    assert (await anna.where()).state == (await ben.where()).state == "free"
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1


@meeting
async def test_leaving_twice_and_both_at_once_is_leaving_once(town: Town) -> None:
    anna, ben = await talking(town)
    await asyncio.gather(anna.leave(), ben.leave(), anna.leave())
    await town.after(1)
    assert await town.p.sessions.leave(town.p.client("anna"), anna.session) is None
    await town.truth(anna, ben)
    assert len(ben.events("user-left")) <= 1


@meeting
async def test_a_lost_left_is_noticed_within_fifteen_seconds(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.bus.lost = lambda record: isinstance(record, SessionEnded)
    await anna.leave()
    await town.after(15.1)
    assert ben.last("user-left")["how"] == "left"


@meeting
async def test_what_is_pending_goes_to_the_mailbox_before_the_session_ends(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await ben.leaves()
    await town.after(0.1)
    town.p.client("anna").delivery.say(s, "stream", 1, 1, "still for you", None)
    await anna.leave()
    await town.after(0.5)
    assert anna.last("chat-status") == {"s": s, "st": "stream", "ranges": [(1, 1)], "state": "stored"}
    with pytest.raises(NoSession):
        town.p.client("anna").delivery.say(s, "stream", 2, 2, "too late", None)


@meeting
async def test_a_process_that_dies_in_the_middle_of_a_leave_does_not_bring_the_chat_back(town: Town) -> None:
    """The lobby knew, the history did not: the partner's process makes it durable."""
    anna, ben = await talking(town)
    s = anna.session
    town.p.history.away = {"sessions.end"}
    await town.p.sessions.leave(town.p.client("anna"), s)
    town.p.die()
    await town.after(16)
    session = await town.session(s)
    assert session is not None and session.ended is not None
    again = await town.q.join("anna")
    assert (await again.where()).state == "free" and ben.last("user-left")["session"] == s


@meeting
async def test_a_join_that_read_the_row_before_its_end_does_not_bring_the_chat_back(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    town.p.history.away = town.q.history.away = {"sessions.end"}
    task = await town.p.sessions.leave(town.p.client("anna"), s)
    again = await town.q.join("ben")  # the lobby takes the chat up for both
    assert (await again.where()).session == s
    town.p.history.away = town.q.history.away = set()
    assert task is not None
    await task
    await town.after(31)
    assert (await again.where()).session is None and (await anna.where()).session is None
    await town.truth(anna, again)
    assert not ben.events("user-join")


@meeting
async def test_nobody_leaves_blocks_reports_or_reads_the_session_of_others(town: Town) -> None:
    anna, _ben = await talking(town)
    eve = await town.q.join("eve")
    for act in (town.q.sessions.leave, town.q.moderation.block, town.q.matching.reunions.wish):
        for s in (anna.session, "nowhere"):
            with pytest.raises(NoSession):
                await act(eve.client, s)
    with pytest.raises(NoSession):
        await town.q.moderation.report(town.q.client(eve.guest), anna.session, "spam", "")
    assert await town.q.sessions.chats(eve.guest) == []


@meeting
async def test_somebody_who_reads_an_ended_chat_is_not_asked(town: Town) -> None:
    anna, ben = await talking(town)
    await anna.leave()
    await town.after(0.1)
    await town.q.matching.view(town.q.client("ben"), True, True)
    carl = await town.p.join("carl")
    assert await carl.seek() == "waiting"
    await town.after(126)  # M15
    assert not ben.events("user-offer")[1:]
    await town.q.matching.available(town.q.client("ben"), True, False)
    await town.after(5.1)
    assert ben.events("user-offer")[1:]


# -- block ------------------------------------------------------------------------------------------------------------


@meeting
async def test_m5_a_block_looks_like_leaving_and_is_for_ever(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await (await town.p.moderation.block(town.p.client("anna"), s))
    await town.after(0.1)
    assert ben.told[-1] == ("user-left", {"session": s, "how": "left", "since": ben.last("user-left")["since"]})
    assert await town.history.relations.blocked("ben") == ["anna"]
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    await town.after(20)
    await town.truth(anna, ben)


@meeting
async def test_a_block_of_a_past_chat_ends_an_offer_between_the_two(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    await town.q.matching.available(town.q.client("ben"), True, False)
    await town.after(120)  # M15: a ring in two minutes
    assert await anna.seek() == "asking"
    await (await town.p.moderation.block(town.p.client("anna"), s))
    await (await town.p.moderation.block(town.p.client("anna"), s))
    await town.after(0.5)
    assert ben.events("user-offer-end")
    await town.truth(anna, ben)


@meeting
async def test_m5_guests_made_after_a_block_on_that_network_stay_away_for_a_day(town: Town) -> None:
    anna = await town.p.join("anna")
    ben = await town.q.join("ben", networks=("cafe",))
    await town.meet(anna, ben)
    old = await town.q.join("old", networks=("cafe",), available=False)
    await town.after(1)
    await (await town.p.moderation.block(town.p.client("anna"), anna.session))
    assert list(await town.history.relations.avoided_networks("anna", town.clock.wall_ms())) == ["cafe"]
    await town.after(1)
    new = await town.q.join("new", networks=("cafe",))
    other = await town.q.join("other", networks=("home",), available=False)
    assert await anna.seek() == "waiting"
    await town.after(6)
    assert not new.events("user-offer")
    await town.q.matching.available(town.q.client("other"), True, False)
    await town.after(6)
    assert other.events("user-offer") and not old.events("user-offer")


@meeting
async def test_a_block_reaches_the_network_of_somebody_who_has_gone(town: Town) -> None:
    anna = await town.p.join("anna")
    ben = await town.q.join("ben", networks=("cafe",))
    await town.meet(anna, ben)
    await ben.leaves()
    town.forget()
    await town.after(31)
    assert (await ben.where()).session == anna.session and await town.lobby.networks("ben") == ()
    await (await town.p.moderation.block(town.p.client("anna"), anna.session))
    assert list(await town.history.relations.avoided_networks("anna", town.clock.wall_ms())) == ["cafe"]


@meeting
async def test_a_block_is_answered_when_durable_and_holds_at_once(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.history.away = {"relations.block"}
    task = await town.p.moderation.block(town.p.client("anna"), anna.session)
    await town.after(0.1)
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    await town.after(10)
    assert not task.done()
    await town.truth(anna, ben)
    town.p.history.away = set()
    await town.after(31)
    assert task.done() and await town.history.relations.blocked("anna") == ["ben"]


# -- report -----------------------------------------------------------------------------------------------------------


def say(town: Town, s: str, n: int) -> Message:
    return Message(s, n % 2, f"stream{n % 2}", 1 + n // 2, n + 1, f"text {n}", town.clock.wall_ms())


@meeting
async def test_a_report_ends_the_chat_and_answers_one_code_however_often(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    code = await (await town.p.moderation.report(town.p.client("anna"), s, "threat", "frightening"))
    assert code == await (await town.p.moderation.report(town.p.client("anna"), s, "spam", ""))
    assert len(code) == 10 and await town.q.moderation.case(f" {code.lower()}") == "received"
    await town.after(0.1)
    assert ben.last("user-left")["how"] == "left" and await town.history.relations.blocked("anna") == ["ben"]
    with pytest.raises(BadPayload):
        await town.p.moderation.case("AAAAAAAAAA")


@meeting
async def test_a_report_waits_for_the_history(town: Town) -> None:
    anna, ben = await talking(town)
    town.p.history.away = {"reports.add"}
    task = await town.p.moderation.report(town.p.client("anna"), anna.session, "hate", "")
    await town.after(5)
    assert not task.done() and ben.last("user-left")["how"] == "left"
    town.p.history.away = set()
    await town.after(31)
    assert task.done()


@meeting
async def test_three_reports_from_three_networks_pause_a_guest_and_free_whom_they_talk_with(town: Town) -> None:
    paused: list[BusEvent] = []
    for i in range(3):
        anna = await town.p.join(f"anna{i}", networks=(f"net{i}",))
        ben = await town.q.join("ben")
        await town.meet(anna, ben)
        if i == 2:
            await anna.leave()
            carl = await town.p.join("carl")
            await town.q.matching.available(town.q.client("ben"), True, False)
            await town.after(121)
            await town.meet(carl, ben)
            await town.bus.listen("ben", paused.append)
        await (await town.p.moderation.report(town.p.client(f"anna{i}"), anna.session, "sexual", ""))
        await ben.leaves()
        await anna.leaves()
        await town.after(121)
    assert GuestPaused in [type(record) for record in paused]
    assert carl.last("user-left")["how"] == "left"
    rows = await town.history.sessions.of("ben")
    assert all(row.ended is not None for row in rows)


def test_codes_have_fifty_bits_in_ten_signs() -> None:
    assert new_code(0) == "A" * 10
    assert new_code(2**50 - 1) == "7" * 10
    assert new_code(1) == "AAAAAAAAAB"


# -- talk again -------------------------------------------------------------------------------------------------------


class SlowSessions:
    """Sessions whose store gives up waiting for the row of one; it writes it when ``write`` says."""

    def __init__(self, sessions: Any) -> None:
        self.sessions, self.asked = sessions, list[Session]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sessions, name)

    async def begin(self, session: Session) -> None:
        self.asked.append(session)
        raise Unavailable

    async def write(self) -> None:
        for session in self.asked:
            await self.sessions.begin(session)


@meeting
async def test_a_row_that_a_slow_store_writes_after_it_was_taken_back_does_not_stay(town: Town) -> None:
    await town.p.join("anna")
    slow = SlowSessions(town.history.sessions)
    town.p.sessions.history = cast(History, SimpleNamespace(sessions=slow))
    with pytest.raises(Unavailable):
        await town.p.sessions.prepare(["anna", "ben"], "Lyon")
    await town.after(1)
    await slow.write()
    assert await town.history.sessions.of("anna")
    await town.after(10)
    assert not await town.history.sessions.of("anna")


@meeting
async def test_talking_again_takes_both(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    await wishes(town, anna, s)
    assert len(ben.events("user-session")) == 1
    await wishes(town, ben, s)
    assert anna.session == ben.session != s
    await town.truth(anna, ben)


@meeting
async def test_wishing_again_in_the_running_chat_changes_nothing(town: Town) -> None:
    anna, _ben = await talking(town)
    await wishes(town, anna, anna.session)
    assert len(anna.events("user-session")) == 1


@meeting
async def test_a_wish_is_granted_when_both_are_free(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    await wishes(town, anna, s)
    carl = await town.p.join("carl")
    await town.after(121)
    assert await anna.seek() == "asking"
    await wishes(town, ben, s)
    assert carl.events("user-offer")
    assert len(ben.events("user-session")) == 1
    await town.p.matching.stop(town.p.client("anna"))
    await town.after(15.1)
    assert anna.session == ben.session != s
    assert len(await town.history.sessions.of("ben")) == 2, "no row is left of what did not begin"


@meeting
async def test_a_barred_pair_never_talks_again_and_is_told_nothing(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await (await town.p.moderation.block(town.p.client("anna"), s))
    await wishes(town, ben, s)
    await wishes(town, anna, s)
    await town.after(31)
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    assert (town.p.history.calls + town.q.history.calls).count("sessions.begin") == 1


@meeting
async def test_a_wish_older_than_a_day_is_no_wish(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    await wishes(town, anna, s)
    await town.skip(DAY_MS)
    await wishes(town, ben, s)
    assert len(ben.events("user-session")) == 1


@meeting
async def test_a_reunion_whose_answer_was_lost_reaches_both(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    await wishes(town, anna, s)
    town.q.lobby.mute = {"pair"}
    with pytest.raises(Unavailable):
        await wishes(town, ben, s)
    await town.after(1)
    assert anna.session == ben.session != s


@meeting
async def test_a_lost_met_of_a_reunion_is_noticed(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await anna.leave()
    town.q.bus.lost = lambda record: isinstance(record, SessionBegun)
    await wishes(town, anna, s)
    await wishes(town, ben, s)
    await town.after(15.1)
    assert anna.session == ben.session != s


# -- erase, chats, time -----------------------------------------------------------------------------------------------


@meeting
async def test_erasing_ends_the_chat_and_blanks_the_texts_everywhere(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    kept: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    town.history.messages.add([say(town, s, 0), say(town, s, 1)], kept.set_result)
    await kept
    await (await town.p.sessions.erase(town.p.client("anna")))
    await town.after(0.1)
    assert [row.text for row in await town.history.messages.page(s, None, 10)] == ["", "text 1"]
    assert kinds(ben)[-2:] == ["user-left", "chat-erased"] and ben.last("chat-erased") == {"s": s}
    assert await town.history.guests.find("anna") is None


@meeting
async def test_erasing_blanks_what_waits_in_the_mailbox(town: Town) -> None:
    anna, ben = await talking(town)
    s = anna.session
    await ben.leaves()
    town.p.client("anna").delivery.say(s, "stream", 1, 1, "secret", None)
    await town.after(4)
    assert anna.last("chat-status")["state"] == "stored"
    await (await town.p.sessions.erase(town.p.client("anna")))
    waiting: list[Mail] = []
    await town.mailbox.open("ben", waiting.append)
    await town.after(1)
    assert [mail.message.text for mail in waiting] == [""]


@meeting
async def test_erasing_waits_for_the_history(town: Town) -> None:
    _anna, ben = await talking(town)
    town.p.history.away = {"guests.erase"}
    task = await town.p.sessions.erase(town.p.client("anna"))
    await town.after(5)
    assert not task.done() and ben.last("user-left")["how"] == "left"
    town.p.history.away = set()
    await town.after(31)
    assert task.done() and await town.history.guests.find("anna") is None


@meeting
async def test_my_chats_are_listed_newest_first_as_i_see_them(town: Town) -> None:
    anna, ben = await talking(town)
    first = anna.session
    await anna.leave()
    carl = await town.p.join("carl")
    await town.after(1)
    await town.meet(ben, carl)
    chats = await town.q.sessions.chats("ben")
    assert [chat["session"] for chat in chats] == [carl.session, first]
    assert [chat["side"] for chat in chats] == [0, 1]
    assert "ended" in chats[1] and "ended" not in chats[0]
    assert "anna" not in str(chats) and "carl" not in str(chats)


@meeting
async def test_shown_tells_whether_the_partner_is_here_and_since_when_not(town: Town) -> None:
    anna, ben = await talking(town)
    session = await town.session(anna.session)
    assert session is not None
    assert (await town.p.matching.sessions.shown(session, "anna"))["here"] is True
    await ben.leaves()
    shown = await town.p.matching.sessions.shown(session, "anna")
    assert shown["here"] is False and shown["away_since"] == session.started


@meeting
async def test_nobody_learns_from_an_ended_chat_whether_the_other_one_is_online(town: Town) -> None:
    anna, _ = await talking(town)
    session = await town.session(anna.session)
    assert session is not None
    shown = await town.p.matching.sessions.shown(replace(session, ended=session.started + 1), "anna")
    assert shown["here"] is False and "away_since" not in shown


@meeting
async def test_a_chat_ends_when_its_date_has_come(town: Town) -> None:
    anna, ben = await talking(town)
    await town.skip(HISTORY_MS)
    await town.p.sessions.tidy()
    await town.after(1)
    assert anna.last("user-left")["how"] == ben.last("user-left")["how"] == "left"
    await town.truth(anna, ben)


@meeting
async def test_m12_a_chat_ends_when_both_were_away_for_a_day_and_not_while_one_is_here(town: Town) -> None:
    anna, ben = await talking(town)
    await ben.leaves()
    await town.skip(2 * DAY_MS)
    await town.q.sessions.tidy()
    assert (await session_of(town, anna)).ended is None, "anna's page is open"
    await anna.leaves()
    await town.q.sessions.tidy()
    await town.after(1)
    assert (await session_of(town, anna)).ended is not None
    assert (await anna.where()).session is None


async def session_of(town: Town, page: Page) -> Session:
    session = await town.session(page.session)
    assert session is not None
    return session
