"""More than one page of one guest: which of them the guest has, however slow the reads of the others are."""

import asyncio

import pytest

from citychat.ports import NewerPage
from tests.support.stage import Stage, on_stage


@pytest.mark.parametrize("elsewhere", [False, True])
@on_stage
async def test_a_newer_page_takes_over_wherever_it_is(stage: Stage, elsewhere: bool) -> None:
    here = stage.p
    there = stage.q if elsewhere else here
    anna, ben, s = await here.talking()
    newer = anna.next_page(there)
    assert (await newer.join())["ok"]
    await stage.after(0.1)
    assert anna.kinds()[-1] == "user-replaced" and anna.closed == "replaced"
    assert await anna.leave() == "not-joined"
    await newer.say(s, 1)
    await stage.after(0.1)
    assert ben.texts() == ["text 1"]
    assert [left["how"] for left in ben.events("user-left")] == []
    assert await stage.bus.listeners([anna.guest]) == [1]
    assert len(stage.mailbox._consumers[anna.guest]) == 1
    assert (await anna.where()).session == s


@on_stage
async def test_an_older_page_of_the_same_process_is_replaced_without_the_bus(stage: Stage) -> None:
    here = stage.p
    older = await here.join()
    here.bus.lost = lambda event: isinstance(event, NewerPage)
    assert (await older.next_page().join())["ok"]
    assert older.closed == "replaced"


@pytest.mark.parametrize("step", ["enter", "nearby"])
@on_stage
async def test_of_two_joins_at_once_the_newer_is_the_guests_page_and_the_other_is_refused_first(
    stage: Stage, step: str
) -> None:
    here = stage.p
    page = await here.join()
    first, second = page.next_page(), page.next_page()
    released = here.lobby.hold_answer(step)
    joining = asyncio.ensure_future(first.join())
    await stage.after(0.1)
    assert (await second.join())["ok"]
    released.set()
    assert (await joining)["error"] == "not-joined"
    await stage.after(0.1)
    assert first.kinds() == []
    assert await second.seek() == "waiting"
    assert await stage.bus.listeners([second.guest]) == [1]
    assert here.registry.by_page[second].page is second
    first.leaves()
    await stage.after(0.1)
    assert (await second.where()).state == "free"


# -- joins whose reads are slow --------------------------------------------------------------------------------------


# Before catch_up, and in it
@pytest.mark.parametrize("read", ["sessions.confirm", "messages.progress", "messages.page"])
@on_stage
async def test_a_join_that_reads_slowly_takes_nothing_from_the_page_that_came_after_it(stage: Stage, read: str) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    ben.leaves()
    await stage.after(0.1)
    slow, newest = ben.next_page(), ben.next_page()
    has_read = here.history.hold(read)
    joining = asyncio.ensure_future(slow.join())
    await stage.after(0.1)
    assert (await slow.where()).state == "chat" and not joining.done(), "it has entered, and waits for its read"
    slow.leaves()  # the page reloads
    assert (await newest.join())["session"]["session"] == s
    has_read.set()
    assert (await joining)["error"] == "not-joined"
    await stage.after(0.1)
    assert here.registry.find(ben.guest) is here.registry.by_page[newest]
    assert (await newest.where()).epoch == newest.client.epoch
    await newest.say(s, 1)
    await anna.say(s, 1)
    await stage.after(0.1)
    assert (newest.texts(), anna.texts(), newest.ranges("refused")) == (["text 1"], ["text 1"], [])
    assert newest.client.match.offer is None and await newest.seek() == "matched"
    assert await anna.leave() == "ok"
    await stage.after(0.1)
    assert newest.last("user-left")["how"] == "left" and newest.open
    assert anna.kinds().count("user-left") == 1, "ben's reload"


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("read", ["guests.dossier", "guests.keep"])
@on_stage
async def test_a_join_whose_page_has_closed_throws_nobody_out(stage: Stage, read: str, elsewhere: bool) -> None:
    here, there = stage.p, stage.q if elsewhere else stage.p
    ben = await here.join()
    closed, newest = ben.next_page(), ben.next_page(there)
    has_read = here.history.hold(read)
    joining = asyncio.ensure_future(closed.join())
    await stage.after(0.1)
    assert not joining.done()
    closed.leaves()
    assert (await newest.join())["ok"]
    entered = here.calls.count("enter")
    has_read.set()
    await joining
    await stage.after(0.1)
    assert here.calls.count("enter") == entered, "it never enters the lobby"
    assert newest.open and newest.kinds() == []
    assert (await newest.where()).epoch == newest.client.epoch
    assert await newest.seek() == "waiting"


@pytest.mark.parametrize("elsewhere", [False, True])
@on_stage
async def test_a_page_that_closes_while_the_lobby_is_asked_throws_nobody_out(stage: Stage, elsewhere: bool) -> None:
    here, there = stage.p, stage.q if elsewhere else stage.p
    ben = await here.join()
    closed, newest = ben.next_page(), ben.next_page(there)
    asks = here.lobby.hold("enter")
    joining = asyncio.ensure_future(closed.join())
    await stage.after(0.1)
    closed.leaves()
    assert (await newest.join())["ok"]
    asks.set()
    assert (await joining)["error"] == "not-joined"
    await stage.after(16)  # a process looks at its guests every 15 s
    assert newest.open and set(newest.kinds()) == {"user-drain"}, "its epoch is an old one: it joins again"
    newest.leaves()
    again = newest.next_page(there)
    assert (await again.join())["ok"]
    assert (await again.where()).epoch == again.client.epoch
    assert await again.seek() == "waiting"
