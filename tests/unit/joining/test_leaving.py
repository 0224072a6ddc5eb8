"""How a page goes: by itself, erased, or sent away by a process that goes down."""

import asyncio
from collections.abc import Sequence

import pytest

from citychat.server.stopping import DRAIN_S
from tests.support.stage import LYON, NOWHERE, PARIS, Stage, on_stage


@on_stage
async def test_a_page_that_goes_while_the_lobby_is_away_is_out_of_it_later(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    here.lobby.away = {"all"}
    page.leaves()
    await stage.after(5)
    assert (await page.where()).state == "free"
    here.lobby.away = set()
    await stage.after(31)
    assert await here.left_behind(page.guest) == []


@on_stage
async def test_a_page_that_goes_late_does_not_move_its_guest_back(stage: Stage) -> None:
    here = stage.p
    old = await here.join(address=NOWHERE, position=LYON)
    looked, entered = here.lobby.hold("status"), here.lobby.hold("enter")
    old.leaves()
    new = old.next_page()
    joining = asyncio.ensure_future(new.join(position=PARIS))
    await stage.after(0.1)
    looked.set()
    await stage.after(0.1)
    entered.set()
    assert (await joining)["place"]["city"] == "Paris"
    row = await stage.history.guests.find(new.guest)
    assert row is not None and row.place is not None and row.place.city == "Paris"


@on_stage
async def test_the_mailbox_goes_with_its_guest_when_no_chat_is_left_and_not_before(stage: Stage) -> None:
    here = stage.p
    anna, ben, _s = await here.talking()
    stranger = await here.join()
    ben.leaves()
    stranger.leaves()
    await stage.after(0.1)
    assert "discard" not in here.calls, "one may come back to the chat, the other never had a mailbox"
    await anna.leave()
    assert "discard" not in here.calls
    anna.leaves()
    await stage.after(0.1)
    assert here.calls.count("discard") == 1


@on_stage
async def test_who_is_erased_does_nothing_more_and_does_not_come_back_with_the_closing_page(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    guest = page.guest
    here.history.away = {"guests.erase"}
    erasing = asyncio.ensure_future(page.ask("user-erase", {"confirm": True}))
    await stage.after(0.1)
    assert (await page.ask("user-place", {"position": {"lat": 1, "lon": 1, "accuracy": 1}}))["error"] == "not-joined"
    here.history.away = set()
    assert (await erasing)["ok"] is True
    assert page.closed == "erased"
    await stage.after(0.1)
    assert await stage.history.guests.find(guest) is None
    assert await here.left_behind(guest) == []


@on_stage
async def test_a_row_that_is_erased_while_its_page_closes_stays_erased(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    erased, kept = here.history.hold("guests.erase"), here.history.hold("guests.keep")
    erasing = asyncio.ensure_future(page.ask("user-erase", {"confirm": True}))
    await stage.after(0.1)
    page.leaves()
    await stage.after(0.1)
    erased.set()
    await stage.after(0.1)
    kept.set()
    await erasing
    assert await stage.history.guests.find(page.guest) is None


# -- going down ------------------------------------------------------------------------------------------------------


def spread(times_s: Sequence[float]) -> tuple[int, float]:
    return len(set(times_s)), max(times_s) - min(times_s)


@pytest.mark.parametrize(("pages", "waves"), [(1, 1), (20, 20), (50, 17), (200, 20)])
@on_stage
async def test_a_drain_sends_pages_away_in_waves_and_lets_nobody_in(stage: Stage, pages: int, waves: int) -> None:
    here = stage.p
    all_pages = [await here.join() for _ in range(pages)]
    began_s = stage.clock.monotonic_s()
    draining = asyncio.ensure_future(here.joining.drain(DRAIN_S))
    await stage.after(0.05)
    here.calls.clear()
    late = await here.page().join()
    assert (late["error"], late["retry_ms"], here.calls) == ("busy", 2_000, [])
    found = await stage.lobby.status([page.guest for page in all_pages])
    assert {where.state for where in found} == {"gone"}
    await draining
    assert stage.clock.monotonic_s() - began_s <= 2.5
    assert [page.events("user-drain") for page in all_pages] == [[{"retry_ms": 2_000}]] * pages
    count, took_s = spread([page.told_s("user-drain") for page in all_pages])
    assert count == waves and took_s <= 2.0
    assert {page.closed for page in all_pages} == {"drain"}
    await stage.after(0.1)
    for page in all_pages[:3]:
        assert await here.left_behind(page.guest) == []


@on_stage
async def test_a_drain_waits_until_what_was_drawn_is_kept_and_its_sender_knows(stage: Stage) -> None:
    here = stage.p
    anna, ben, s = await here.talking()
    await anna.say(s, 1)
    await stage.after(0.1)
    await ben.ack(s, 1)
    await here.joining.drain(DRAIN_S)
    assert anna.ranges("delivered") == [[(1, 1)]]
    assert [row.text for row in await stage.history.messages.page(s, None, 10)] == ["text 1"]


@on_stage
async def test_a_join_that_a_drain_overtakes_is_told_to_come_back_and_nothing_before_it(stage: Stage) -> None:
    here = stage.p
    page = here.page()
    released = here.lobby.hold("nearby")
    joining = asyncio.ensure_future(page.join())
    await stage.after(0.1)
    draining = asyncio.ensure_future(here.joining.drain(DRAIN_S))
    await stage.after(0)
    released.set()
    answer = await joining
    await draining
    assert answer["error"] == "busy"
    assert [event for event, _ in page.told] == ["answer user-join"]
    assert here.registry.by_page == {}


@on_stage
async def test_a_drain_ends_also_while_lobby_and_history_are_away(stage: Stage) -> None:
    here = stage.p
    page = await here.join()
    here.lobby.away = here.history.away = {"all"}
    began_s = stage.clock.monotonic_s()
    await here.joining.drain(DRAIN_S)
    assert stage.clock.monotonic_s() - began_s <= DRAIN_S
    assert page.events("user-drain") and page.closed == "drain"
