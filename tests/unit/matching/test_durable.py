"""What a guest has decided holds from the first store that answers on: lobby away, connection gone, process stopped."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing

import pytest

from citychat.handlers import Event, UserEvents
from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage

LASTING = {
    "seek", "stop", "match", "leave", "available", "prefer", "view", "place", "block", "report", "again", "sign",
    "erase",
}  # fmt: skip


async def cut_off(stage: Stage, step: str, event: Awaitable[object]) -> None:
    """The event waits for this step of p's lobby when its connection is gone for 10 s; then the step goes on."""
    done = stage.p.lobby.hold(step)
    waiting = asyncio.ensure_future(event)
    await stage.after(0.1)
    waiting.cancel()
    await stage.after(0.1)
    done.set()
    await stage.after(1)


async def broken(*_: object) -> None:
    """A step of a store that fails in a way nobody has thought of."""
    raise ArithmeticError


async def free_and_apart(stage: Stage, s: str) -> None:
    """Neither comes back into the chat, on any process."""
    anna, ben = await stage.q.join("anna"), await stage.q.join("ben")
    assert (await stage.row(s)).ended is not None
    assert [(await page.where()).session for page in (anna, ben)] == [None, None]
    await stage.truth(anna, ben)


async def stopped_after(stage: Stage, event: Callable[[DoorPage], Awaitable[object]]) -> str:
    """anna says it while p's lobby is away, p is stopped, and ben's page is closed as well; their session."""
    anna, ben = await stage.talking()
    s = anna.session
    stage.p.lobby.away = {"all"}
    saying = asyncio.ensure_future(event(anna))
    await stage.after(0.1)
    await stage.p.stop()
    saying.cancel()
    ben.leaves()
    await stage.after(0.1)
    return s


# -- the lobby is away, and the process stops --------------------------------------------------------------------------


@on_stage
async def test_leaving_with_the_lobby_away_outlives_the_process(stage: Stage) -> None:
    await free_and_apart(stage, await stopped_after(stage, lambda anna: anna.leave()))


@on_stage
async def test_a_block_with_the_lobby_away_outlives_the_process(stage: Stage) -> None:
    s = await stopped_after(stage, lambda anna: anna.wish("user-block", session=anna.session))
    assert await stage.history.relations.blocked("ben") == ["anna"]
    assert await stage.history.relations.avoided_networks("anna", stage.clock.wall_ms())
    await free_and_apart(stage, s)


@on_stage
async def test_a_report_with_the_lobby_away_outlives_the_process(stage: Stage) -> None:
    s = await stopped_after(stage, lambda anna: anna.wish("user-report", session=anna.session, reason="threat"))
    with closing(sqlite3.connect(stage.folder / "citychat.db")) as kept:
        assert kept.execute("SELECT accused FROM reports").fetchall() == [("ben",)]
    assert await stage.history.relations.blocked("ben") == ["anna"]
    await free_and_apart(stage, s)


@on_stage
async def test_an_erasure_with_the_lobby_away_outlives_the_process(stage: Stage) -> None:
    s = await stopped_after(stage, lambda anna: anna.wish("user-erase", confirm=True))
    assert await stage.history.guests.find("anna") is None
    new, ben = await stage.q.join("anna"), await stage.q.join("ben")
    assert (await stage.row(s)).ended is not None and stage.guest_of(new.token) != "anna"
    assert (await ben.where()).session is None
    await stage.truth(ben)


@on_stage
async def test_a_no_with_the_lobby_away_outlives_the_process(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    stage.q.lobby.away = {"all"}
    answering = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    await stage.q.stop()
    answering.cancel()
    assert await stage.history.relations.blocked("ben") == ["anna"]


@on_stage
async def test_what_waits_for_its_next_try_is_tried_when_the_process_stops(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    stage.p.lobby.away = stage.p.history.away = {"all"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(60)  # the tries are up to 30 s apart by now
    stage.p.history.away = set()
    await stage.p.stop()
    leaving.cancel()
    assert (await stage.row(anna.session)).ended is not None


@on_stage
async def test_both_stores_are_told_at_the_same_time(stage: Stage) -> None:
    anna, _ben = await stage.talking()
    freed = stage.p.lobby.hold("end")
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(0.1)
    assert (await stage.row(anna.session)).ended is not None and not leaving.done()
    freed.set()
    assert await leaving == "ok"


# -- the connection is gone, and the event goes on ---------------------------------------------------------------------


@on_stage
async def test_every_event_that_changes_something_goes_on_without_its_connection(stage: Stage) -> None:
    events = UserEvents(stage.p.joining, stage.p.matching).events
    lasting = {name for name, event in events.items() if isinstance(event, Event) and event.lasting}
    assert lasting == {f"user-{name}" for name in LASTING}


@on_stage
async def test_who_leaves_and_is_cut_off_has_left(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await cut_off(stage, "end", anna.leave())
    assert ben.last("user-left")["how"] == "left" and (await stage.row(anna.session)).ended is not None
    assert not stage.p.matching.sessions.ending


@on_stage
async def test_a_no_that_is_cut_off_bars_for_ever(stage: Stage) -> None:
    anna, ben = await stage.asking()
    done = stage.q.lobby.hold("decline")
    answering = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    answering.cancel()
    await stage.after(0.1)
    done.set()
    await stage.after(0.5)
    assert await stage.history.relations.blocked("ben") == ["anna"]
    await stage.truth(anna, ben)


@on_stage
async def test_a_yes_that_is_cut_off_is_a_chat_for_both(stage: Stage) -> None:
    ben, anna = await stage.p.join("ben"), await stage.q.join("anna", available=False)
    assert await anna.seek() == "asking"
    await stage.after(0.1)
    await cut_off(stage, "accept", ben.answer("yes"))
    assert anna.session == ben.session
    await stage.truth(anna, ben)


@on_stage
async def test_a_block_and_a_report_that_are_cut_off_are_kept(stage: Stage) -> None:
    for guest, event, more in (("ben", "user-block", {}), ("carl", "user-report", {"reason": "spam"})):
        anna, _ = await stage.talking("anna", guest)
        await cut_off(stage, "block", anna.wish(event, session=anna.session, **more))
        assert await stage.history.relations.blocked(guest) == ["anna"]
        assert (await anna.where()).session is None and (await stage.row(anna.session)).ended is not None
        await anna.wish("user-available", on=True)


@on_stage
async def test_an_erasure_that_is_cut_off_erases(stage: Stage) -> None:
    anna, ben = await stage.talking()
    await cut_off(stage, "end", anna.wish("user-erase", confirm=True))
    assert await stage.history.guests.find("anna") is None and ben.last("chat-erased") == {"s": ben.session}


# -- nothing is ending for ever ----------------------------------------------------------------------------------------


@on_stage
async def test_nothing_is_ending_for_ever_whatever_a_store_says(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, _ben = await stage.talking()
    monkeypatch.setattr(stage.lobby, "end", broken)
    stage.p.history.away = {"sessions.end"}
    leaving = asyncio.ensure_future(anna.leave())
    await stage.after(5)
    assert stage.p.matching.sessions.ending == {anna.session}, "the history is still asked"
    stage.p.history.away = set()
    assert await leaving == "internal"
    assert not stage.p.matching.sessions.ending and (await stage.row(anna.session)).ended is not None


@on_stage
async def test_a_join_that_is_cut_off_while_it_ends_a_chat_leaves_nothing_behind(stage: Stage) -> None:
    anna, ben = await stage.talking()
    for page in (anna, ben):
        page.leaves()
    await stage.after(0.1)
    stage.loop.now_s += 2 * 86_400  # both were away for a day (M12)
    page = stage.q.page("anna")
    done = stage.q.lobby.hold("end")
    joining = asyncio.ensure_future(page.join())
    await stage.after(0.1)
    joining.cancel()
    done.set()
    await stage.after(1)
    assert not stage.q.matching.sessions.ending and (await stage.row(anna.session)).ended is not None


@pytest.mark.parametrize("how", ["later", "seek"])
@on_stage
async def test_other_wishes_that_are_cut_off_are_told_to_the_lobby_whole(stage: Stage, how: str) -> None:
    ben = await stage.p.join("ben")
    if how == "later":
        anna = await stage.q.join("anna", available=False)
        await anna.seek()
        await stage.after(0.1)
        await cut_off(stage, "later", ben.answer("later"))
        assert not ben.client.match.entry.available and ben.client.match.offer is None
    else:
        anna = await stage.q.join("anna")
        await cut_off(stage, "seek", ben.seek())
        assert anna.last("user-offer")["offer"] == (await ben.where()).offer.id  # type: ignore[union-attr]
    await stage.truth(anna, ben)


@pytest.mark.parametrize("how", ["leave", "block", "erase"])
@on_stage
async def test_an_end_that_the_history_alone_has_reaches_a_partner_who_stays(stage: Stage, how: str) -> None:
    """The process on which it was said is killed before it could tell the lobby."""
    anna, ben = await stage.talking()
    s = anna.session
    stage.p.lobby.away = {"all"}
    asked: dict[str, object] = {"confirm": True} if how == "erase" else {"session": s}
    asking = asyncio.ensure_future(anna.ask(f"user-{how}", asked))
    await stage.after(0.5)
    assert (await stage.row(s)).ended is not None
    stage.p.die()
    await stage.after(700)
    assert ben.client.session is None
    asking.cancel()
