"""A chat begins in two stores, one after the other: what gets lost or away after each step, a district each.

After the row: the session is written down as pending. After the lobby: the two are in it there. After the confirm: it
is a chat of which both are told (protocol §3).
"""

import asyncio
from asyncio import Event, Future
from collections.abc import Callable

import pytest

from citychat.model import PENDING, Session
from citychat.rules import PENDING_MS
from tests.support.door_page import DoorPage
from tests.support.stage import HISTORY_MS, Stage, on_stage
from tests.support.stage_lobbies import LOBBIES, way_back

ROW, LOBBY = "row", "lobby"
over_lobbies: Callable[..., pytest.MarkDecorator] = pytest.mark.parametrize("lobby", LOBBIES)

Held = tuple[DoorPage, DoorPage, Future[str], Event]


async def yes_held(stage: Stage, lobby: str, after: str) -> Held:
    """anna on p asks ben on q, whose yes has come as far as that; its answer, and what lets it go on."""
    await stage.over(lobby)
    anna, ben = await stage.asking()
    way, step = (stage.q.lobby, "accept") if after == ROW else (stage.q.history, "sessions.confirm")
    held = way.hold(step)
    answer = asyncio.ensure_future(ben.answer("yes"))
    await stage.after(0.1)
    return anna, ben, answer, held


async def rows(stage: Stage) -> list[Session]:
    """All session rows that there are, pending ones too."""
    found = await stage.database.run(lambda t: t._connection.execute("SELECT id FROM sessions").fetchall())
    return [await stage.row(s) for (s,) in found]


async def nobody_met(stage: Stage, *pages: DoorPage) -> None:
    """Nobody was told of a chat, and nobody can come in by a row."""
    assert [page.events("user-session") for page in pages] == [[] for _ in pages]
    assert await stage.history.sessions.of("anna") == await stage.history.sessions.of("ben") == []
    assert {row.ended for row in await rows(stage)} <= {PENDING}


async def both_met(stage: Stage, anna: DoorPage, ben: DoorPage) -> None:
    """Both are in one chat, were told of it once, and it will be kept."""
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    assert anna.session == ben.session and not anna.events("user-left") and not ben.events("user-left")
    session = await stage.row(anna.session)
    assert (session.ended, session.expires) == (None, session.started + HISTORY_MS)
    await stage.truth(anna, ben)


# The lobby loses all


@over_lobbies()
@on_stage
async def test_the_lobby_loses_all_after_the_row(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, ROW)
    stage.forget()
    held.set()
    assert await answer == "gone"
    await stage.after(31)
    await nobody_met(stage, anna, ben)
    assert [(await page.where()).state for page in (anna, ben)] == ["free", "free"]


@over_lobbies()
@on_stage
async def test_the_lobby_loses_all_after_the_lobby(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, LOBBY)
    stage.forget()
    held.set()
    assert await answer == "ok"
    await stage.after(31)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_lobby_loses_all_and_the_process_is_killed_after_the_lobby(stage: Stage, lobby: str) -> None:
    anna, ben, answer, _held = await yes_held(stage, lobby, LOBBY)
    stage.forget()
    stage.q.die()
    answer.cancel()
    again = await stage.p.join("ben")
    await stage.after(31)
    await nobody_met(stage, anna, ben, again)


@over_lobbies()
@on_stage
async def test_the_lobby_loses_all_after_the_confirm(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    stage.forget()
    await stage.after(31)
    await both_met(stage, anna, ben)


# The lobby goes back to an earlier moment


@over_lobbies()
@on_stage
async def test_the_lobby_goes_back_after_the_row(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    ben, anna = await stage.q.join("ben"), await stage.p.join("anna", available=False)
    earlier = way_back(stage.lobby)
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    held = stage.q.lobby.hold("accept")
    answer = asyncio.ensure_future(ben.answer("yes"))
    await stage.after(0.1)
    earlier()
    held.set()
    assert await answer == "gone"
    await stage.after(1)
    await nobody_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_lobby_goes_back_after_the_lobby(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    earlier = way_back(stage.lobby)
    held = stage.q.history.hold("sessions.confirm")
    answer = asyncio.ensure_future(ben.answer("yes"))
    await stage.after(0.1)
    earlier()
    held.set()
    assert await answer == "ok"
    await stage.after(31)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_lobby_goes_back_after_the_confirm(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    earlier = way_back(stage.lobby)
    assert await ben.answer("yes") == "ok"
    await stage.after(0.1)
    earlier()
    await stage.after(31)
    await both_met(stage, anna, ben)


# The history is away


@on_stage
async def test_the_history_is_away_at_the_row(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.history.away = {"sessions.begin"}
    assert await ben.answer("yes") == "unavailable"
    stage.q.history.away = set()
    assert await ben.answer("yes") == "ok", "the offer has run on"
    await stage.after(0.1)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_history_is_away_after_the_lobby_for_a_while(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, LOBBY)
    stage.p.history.away = stage.q.history.away = {"sessions.confirm"}
    held.set()
    assert await answer == "unavailable"
    await stage.after(25)
    await nobody_met(stage, anna, ben)
    stage.p.history.away = stage.q.history.away = set()
    await stage.after(3)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_history_is_away_after_the_lobby_for_too_long(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, LOBBY)
    stage.p.history.away = stage.q.history.away = {"all"}
    held.set()
    assert await answer == "unavailable"
    await stage.after(36)
    assert [(await page.where()).state for page in (anna, ben)] == ["free", "free"]
    stage.p.history.away = stage.q.history.away = set()
    await stage.after(31)
    await nobody_met(stage, anna, ben)
    assert await rows(stage) == [], "closed from pending"
    assert await stage.meet(ben, anna)


@over_lobbies()
@on_stage
async def test_who_alone_waited_too_long_for_the_history_frees_the_other_one_too(stage: Stage, lobby: str) -> None:
    """The process of one knows nothing of the other, whose own process is killed."""
    anna, _, _, held = await yes_held(stage, lobby, LOBBY)
    for node in stage.nodes:
        node.history.away = {"sessions.confirm"}
    anna.client.match.offer = None  # as of a page that has joined since
    stage.q.die()
    held.set()
    await stage.after(60)
    assert [where.session for where in await stage.lobby.status(["anna", "ben"])] == [None, None], "M2"


@over_lobbies()
@on_stage
async def test_the_history_is_away_after_the_confirm(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    stage.p.history.away = stage.q.history.away = {"all"}
    await stage.after(60)
    stage.p.history.away = stage.q.history.away = set()
    await stage.after(16)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_history_loses_the_row_after_the_lobby(stage: Stage, lobby: str) -> None:
    """A primary that had no majority: what it had taken is rolled back."""
    anna, ben, answer, held = await yes_held(stage, lobby, LOBBY)
    (pending,) = await rows(stage)
    await stage.history.sessions.end(pending.id, 1)
    held.set()
    assert await answer == "gone"
    await stage.after(1)
    await nobody_met(stage, anna, ben)
    assert [(await page.where()).state for page in (anna, ben)] == ["free", "free"]


# The process is killed


@over_lobbies()
@on_stage
async def test_the_process_is_killed_after_the_row(stage: Stage, lobby: str) -> None:
    anna, ben, answer, _held = await yes_held(stage, lobby, ROW)
    stage.q.die()
    answer.cancel()
    again = await stage.p.join("ben")
    await stage.after(31)
    await nobody_met(stage, anna, ben, again)
    await stage.history.guests.prune(stage.clock.wall_ms() + PENDING_MS, HISTORY_MS)
    assert await rows(stage) == []


@over_lobbies()
@on_stage
async def test_the_process_is_killed_after_the_lobby(stage: Stage, lobby: str) -> None:
    anna, _ben, answer, _held = await yes_held(stage, lobby, LOBBY)
    stage.q.die()
    answer.cancel()
    await stage.after(16)
    assert anna.events("user-session")
    again = await stage.p.join("ben")
    assert again.last("answer user-join")["session"]["session"] == anna.session
    await stage.truth(anna, again)


# An answer is lost


@on_stage
async def test_the_answer_of_the_row_is_lost(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.history.mute = {"sessions.begin"}
    assert await ben.answer("yes") == "unavailable"
    await nobody_met(stage, anna, ben)
    stage.q.history.mute = set()
    assert await ben.answer("yes") == "ok"
    await stage.after(1)
    await both_met(stage, anna, ben)
    assert {row.ended for row in await rows(stage)} == {None, PENDING}, "tried again with a new id"


@over_lobbies()
@on_stage
async def test_the_answer_of_the_lobby_is_lost(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    stage.q.lobby.mute = {"accept"}
    assert await ben.answer("yes") == "unavailable"
    await stage.after(1)
    await both_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_the_answer_of_the_confirm_is_lost(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    stage.q.history.mute = {"sessions.confirm"}
    assert await ben.answer("yes") == "unavailable"
    stage.q.history.mute = set()
    await stage.after(3)
    await both_met(stage, anna, ben)


@pytest.mark.parametrize("after", [ROW, LOBBY])
@on_stage
async def test_the_connection_ends_in_the_middle_of_a_yes(stage: Stage, after: str) -> None:
    anna, ben, answer, held = await yes_held(stage, "memory", after)
    ben.leaves()
    answer.cancel()
    held.set()
    await asyncio.gather(answer, return_exceptions=True)
    await stage.after(16)
    assert (await ben.next_page().join())["session"]["session"] == anna.session, "a yes goes on without its connection"


# A no or a block comes in between


@over_lobbies()
@on_stage
async def test_a_no_comes_after_the_row(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, ROW)
    await stage.lobby.decline("ben", ben.last("user-offer")["offer"])
    held.set()
    assert await answer == "gone"
    await stage.after(16)
    await nobody_met(stage, anna, ben)


@over_lobbies()
@on_stage
async def test_a_block_comes_after_the_lobby(stage: Stage, lobby: str) -> None:
    anna, ben, answer, held = await yes_held(stage, lobby, LOBBY)
    await stage.history.relations.block("anna", "ben", 1)
    held.set()
    assert await answer == "gone"
    await stage.after(1)
    await nobody_met(stage, anna, ben)
    assert await anna.seek() == await ben.seek() == "waiting", "the lobby knows of it too"


@over_lobbies()
@on_stage
async def test_a_block_comes_after_the_confirm(stage: Stage, lobby: str) -> None:
    """By a process that dies before it has ended the chat anywhere."""
    await stage.over(lobby)
    anna, ben = await stage.talking()
    s = anna.session
    await stage.history.relations.block("anna", "ben", 1)
    again = await ben.reload()
    await stage.after(31)
    assert "ended" in again.last("answer user-join")["session"]
    assert (await stage.row(s)).ended and (await again.where()).session is None
    assert anna.last("user-left")["session"] == s
    await stage.truth(anna, again)


# What is written very late


@on_stage
async def test_the_row_is_written_very_late(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.history.late = {"sessions.begin"}
    assert await ben.answer("yes") == "unavailable"
    await stage.after(20)
    await stage.q.history.do_late()
    pages = [anna, ben, await anna.reload(), await ben.reload()]
    await stage.after(31)
    await nobody_met(stage, *pages)


@over_lobbies()
@on_stage
async def test_the_confirm_is_written_very_late(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    stage.p.history.late = stage.q.history.late = {"sessions.confirm"}
    assert await ben.answer("yes") == "unavailable"
    await stage.after(40)
    await stage.q.history.do_late()
    pages = [anna, ben, await anna.reload(), await ben.reload()]
    await stage.after(31)
    await nobody_met(stage, *pages)


# Stories


@over_lobbies()
@on_stage
async def test_who_changes_a_lost_yes_into_a_no_and_reloads_meets_nobody(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    stage.q.history.mute = {"sessions.begin"}
    stage.q.history.away = {"sessions.end"}
    assert await ben.answer("yes") == "unavailable"
    stage.q.history.mute = set()
    assert await ben.answer("no") == "ok"
    again = await ben.reload()
    others = await anna.reload()
    await stage.after(31)
    await nobody_met(stage, anna, ben, again, others)


@on_stage
async def test_who_says_no_and_then_yes_meets_nobody_while_no_store_has_heard_the_no(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.lobby.away, stage.q.history.away = {"decline", "block"}, {"relations.block"}
    declining = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    assert await ben.answer("yes") == "gone"
    await stage.after(10)
    await nobody_met(stage, anna, ben)
    stage.q.lobby.away = stage.q.history.away = set()
    assert await declining == "ok"
    await stage.truth(anna, ben)


@on_stage
async def test_a_row_that_a_killed_process_has_left_is_nobodys_chat_later(stage: Stage) -> None:
    anna, _ben, answer, _held = await yes_held(stage, "memory", ROW)
    stage.q.die()
    answer.cancel()
    await stage.after(31)
    carl = await stage.p.join("carl")
    await stage.after(6)  # she is still looking
    assert await carl.answer("yes") == "ok"
    await stage.after(0.1)
    await anna.leave()
    await stage.after(0.5)
    again = await anna.reload()
    assert again.last("answer user-join")["state"] == "free"
    assert [chat["session"] for chat in (await again.ask("user-chats"))["chats"]] == [carl.session]


@on_stage
async def test_of_two_chats_the_newer_one_counts_whatever_the_clocks_said(stage: Stage) -> None:
    """The first began at a process whose clock is minutes ahead, and was never ended in the history."""
    anna, ben = await stage.talking()
    first, now = anna.session, stage.clock.wall_ms()
    await stage.lobby.end(first, ["anna", "ben"])
    await stage.database.run(lambda transaction: transaction.change("confirm", first, now + 240_000, now + HISTORY_MS))
    second = Session("second", ("anna", "carl"), ("A", "B"), "", now, now + PENDING_MS, PENDING)
    await stage.history.sessions.begin(second)
    kept = await stage.history.sessions.confirm("second", HISTORY_MS)
    assert kept is not None and kept.started > now + 240_000
    anna.leaves()
    await stage.after(0.1)
    answer = await anna.next_page().join()
    assert (answer["state"], answer["session"]["session"]) == ("chat", "second")
    assert (await stage.row(first)).ended is not None
    assert ben.last("user-left")["session"] == first


@on_stage
async def test_an_older_row_that_was_never_ended_is_over_when_the_newer_chat_is(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    first, now = anna.session, stage.clock.wall_ms()
    await stage.lobby.end(first, ["anna", "ben"])
    newer = Session("newer", ("anna", "carl"), ("A", "B"), "", now + 1, now + HISTORY_MS, now + 2)
    await stage.history.sessions.begin(newer)
    again = await anna.reload()
    assert again.last("answer user-join")["state"] == "free"
    assert (await stage.row(first)).ended is not None
