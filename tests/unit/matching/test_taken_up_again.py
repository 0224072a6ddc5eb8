"""An end or a bar that the lobby has, and the history only later (M5, M11, protocol §3).

What the lobby takes up again meanwhile, by a row that still runs, is over once the history knows.
"""

import asyncio
from collections.abc import Callable

import pytest

from tests.support.door_page import DoorPage
from tests.support.stage import Stage, on_stage
from tests.support.stage_lobbies import LOBBIES

over_lobbies: Callable[..., pytest.MarkDecorator] = pytest.mark.parametrize("lobby", LOBBIES)


async def over_for(stage: Stage, s: str, *pages: DoorPage) -> None:
    """The chat has ended in both stores, and these pages were told."""
    assert (await stage.row(s)).ended is not None
    assert [(await page.where()).session for page in pages] == [None for _ in pages]
    assert [[left["session"] for left in page.events("user-left")] for page in pages] == [[s] for _ in pages]


@over_lobbies()
@on_stage
async def test_a_partner_who_reloads_before_the_history_knows_is_told_as_soon_as_it_does(
    stage: Stage, lobby: str
) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    s, other = anna.session, stage.node("other")
    other.process.start()
    slow = stage.q.history.hold("sessions.end")
    anna.leaves()
    doing = asyncio.ensure_future(ben.leave())
    await stage.after(0.5)
    again = anna.next_page(other)
    assert (await again.join())["state"] == "chat", "the row still runs"
    ben.leaves()
    await stage.after(2)
    slow.set()
    await stage.after(1)
    assert await doing == "ok"
    await over_for(stage, s, again)


@over_lobbies()
@on_stage
async def test_a_page_that_enters_again_by_a_row_that_has_ended_since_it_was_read_is_told(
    stage: Stage, lobby: str
) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    s = anna.session
    stage.forget()
    entering = stage.p.lobby.hold("enter")
    again = asyncio.ensure_future(stage.p.matching.lease.reenter())
    await stage.after(0.5)
    stage.q.bus.lost = lambda event: True
    assert await ben.leave() == "ok"
    await stage.after(0.5)
    stage.q.bus.lost = lambda event: False
    entering.set()
    await again
    await stage.after(1)
    await over_for(stage, s, anna)


@pytest.mark.parametrize("act", ["user-leave", "user-block"])
@over_lobbies()
@on_stage
async def test_an_end_that_only_a_lost_lobby_had_comes_true_when_the_history_learns_it(
    stage: Stage, lobby: str, act: str
) -> None:
    await stage.over(lobby)
    anna, ben = await stage.talking()
    s, other = anna.session, stage.node("other")
    for node in stage.nodes:
        node.history.away = {"all"}
    doing = asyncio.ensure_future(ben.wish(act, session=s))
    await stage.after(25)
    stage.forget()
    anna.leaves()
    ben.leaves()
    await stage.after(0.1)
    other.process.start()
    for node in stage.nodes:
        node.history.away = set()
    pages = [anna.next_page(other), ben.next_page(other)]
    for page in pages:
        await page.join()
    await stage.after(31)
    assert await doing == "ok"
    await over_for(stage, s, *pages)
    assert (await stage.history.relations.blocked("ben") == ["anna"]) == (act == "user-block")


@over_lobbies()
@on_stage
async def test_a_no_that_only_a_lost_lobby_had_parts_the_two_when_the_history_learns_it(
    stage: Stage, lobby: str
) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    slow = stage.q.history.hold("relations.block")
    doing = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    ben.leaves()
    await stage.after(0.1)
    stage.forget()
    await stage.p.matching.lease.reenter()
    again = await stage.p.join("ben")
    s = await stage.meet(anna, again)
    slow.set()
    await stage.after(1)
    assert await doing == "ok"
    await over_for(stage, s, anna, again)
    assert await stage.history.relations.blocked("anna") == ["ben"]


@over_lobbies()
@on_stage
async def test_a_lobby_that_was_emptied_before_a_no_is_durable_learns_it_again(stage: Stage, lobby: str) -> None:
    await stage.over(lobby)
    anna, ben = await stage.asking()
    slow = stage.q.history.hold("relations.block")
    doing = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    ben.leaves()
    stage.forget()
    await stage.p.matching.lease.reenter()
    again = await stage.p.join("ben")
    slow.set()
    await stage.after(1)
    assert await doing == "ok"
    for _ in range(3):
        assert await anna.seek() == "waiting"
        await stage.after(6)
    assert again.events("user-offer") == []
