"""Whom a block and a report reach: strangers of the network, and nobody by a few words of a few bots."""

import asyncio
from collections.abc import Callable

import pytest

from citychat.tokens import network_marks
from tests.support.door_page import DoorPage
from tests.support.stage import KEYS, LYON, Stage, on_stage
from tests.support.stage_lobbies import LOBBIES

CAFE = "203.0.113.1"
HOUSE, ITS_CELLAR = "2001:db8:7:1::1", "2001:db8:7:ff00::1"  # two /64 of one /48
over_lobbies: Callable[..., pytest.MarkDecorator] = pytest.mark.parametrize("lobby", LOBBIES)


async def talked(stage: Stage, seeker: DoorPage, other: DoorPage, secs: float = 61) -> str:
    """The two talk for so long, and ``other`` says something; their session."""
    s = await stage.meet(seeker, other)
    await other.say(s, 1)
    await stage.after(0.1)
    await seeker.ack(s, 1)
    await stage.after(secs)
    return s


async def accused(stage: Stage, ben: DoorPage, reporters: int, *, erases: bool = False) -> DoorPage:
    """So many guests of as many networks have talked with ben, and report it; his page."""
    for n in range(reporters):
        anna = await stage.p.join(f"anna{n}")
        s = await talked(stage, anna, ben)
        if erases and n == reporters - 1:
            assert await ben.wish("user-erase", confirm=True) == "ok"
        assert await anna.wish("user-report", session=s, reason="hate") == "ok"
        anna.leaves()
        if n < reporters - 1:
            await ben.wish("user-available", on=True)
            await stage.after(121)
    return ben


@pytest.mark.parametrize("home, cellar", [(CAFE, CAFE), (HOUSE, ITS_CELLAR)])
@pytest.mark.parametrize("event", ["user-block", "user-report"])
@over_lobbies
@on_stage
async def test_strangers_of_the_network_of_somebody_blocked_stay_away_whenever_they_were_made(
    stage: Stage, home: str, cellar: str, event: str, lobby: str
) -> None:
    await stage.over(lobby)
    anna = await stage.p.join("anna")
    friend = await stage.q.join("friend", cellar, position=LYON)
    await friend.leave(await stage.meet(friend, anna))
    ben = await stage.q.join("ben", home, position=LYON)
    s = await stage.meet(anna, ben)
    old = await stage.q.join("old", cellar, position=LYON)
    fields = {"reason": "hate"} if event == "user-report" else {}
    assert await anna.wish(event, session=s, **fields) == "ok"
    await stage.after(1)
    new = await stage.q.join("new", home, position=LYON)
    assert await anna.seek() == "waiting"
    anna = await anna.reload()
    assert await anna.seek() == "waiting"
    await friend.wish("user-available", on=True)
    await stage.after(6)
    assert friend.events("user-offer") and not old.events("user-offer") + new.events("user-offer")


@on_stage
async def test_a_block_after_the_other_one_has_been_erased_reaches_who_comes_next(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben", CAFE)
    s = await stage.meet(anna, ben)
    assert await ben.wish("user-erase", confirm=True) == "ok"
    stage.forget()
    await stage.after(31)
    assert await anna.wish("user-block", session=s) == "ok"
    shunned = await stage.history.relations.avoided_networks("anna", stage.clock.wall_ms())
    assert set(shunned) == set(network_marks(KEYS, CAFE, stage.clock.wall_ms()))


@on_stage
async def test_three_reports_pause_a_guest_and_free_whom_they_talk_with(stage: Stage) -> None:
    ben = await accused(stage, await stage.q.join("ben"), 2)
    await ben.wish("user-available", on=True)
    await stage.after(121)
    last = await stage.p.join("last")
    s = await talked(stage, last, ben)
    await last.leave()
    carl = await stage.p.join("carl")
    await ben.wish("user-available", on=True)
    await stage.after(121)
    await stage.meet(carl, ben)
    assert await last.wish("user-report", session=s, reason="sexual") == "ok"
    await stage.after(0.1)
    assert ben.last("user-banned")["network"] is False and ben.closed == "paused"
    assert carl.last("user-left")["how"] == "left"
    assert all(row.ended is not None for row in await stage.history.sessions.of("ben"))


@on_stage
async def test_who_is_paused_is_shut_out_though_the_process_that_took_the_third_report_died_at_once(
    stage: Stage,
) -> None:
    ben = await accused(stage, await stage.q.join("ben"), 2)
    await ben.wish("user-available", on=True)
    await stage.after(121)
    last, carl = await stage.p.join("last"), await stage.q.join("carl")
    s = await talked(stage, last, ben)
    await last.leave()
    await ben.wish("user-available", on=True)
    await stage.after(121)
    await stage.meet(carl, ben)
    stage.p.history.hold("guests.pause")  # what it asks once the report is durable
    asked = asyncio.ensure_future(last.wish("user-report", session=s, reason="sexual"))
    await stage.after(1)
    assert await stage.history.guests.pause("ben", stage.clock.wall_ms()) is not None and ben.open
    stage.p.die()
    told = await stage.q.page(address=ben.address).join()
    assert (told["error"], told["network"]) == ("banned", True), "as durable as the report itself"
    await stage.after(16)
    assert ben.closed == "paused" and carl.last("user-left")["how"] == "left" and not asked.done()
    asked.cancel()


@pytest.mark.parametrize("erases", [False, True])
@on_stage
async def test_a_pause_covers_the_new_guests_of_the_network_for_its_time(stage: Stage, erases: bool) -> None:
    """Who is paused clears the browser, or has erased everything in time: both make somebody new."""
    before = await stage.p.join("before", CAFE, available=False)
    ben = await accused(stage, await stage.q.join("ben", CAFE), 3, erases=erases)
    for page in (stage.q.page(address=CAFE), ben.next_page()):
        told = await page.join()
        assert (told["error"], told["network"]) == ("banned", page.token == "")
        assert stage.clock.wall_ms() < told["until"] <= stage.clock.wall_ms() + 86_400_000
    await stage.p.join(address="203.0.113.2")
    await before.reload(available=False)
    await stage.skip(86_400_000)
    await stage.p.join(address=CAFE)


@pytest.mark.parametrize("fault", ["no word", "a second short", "one household"])
@on_stage
async def test_three_reports_of_bots_pause_nobody(stage: Stage, fault: str) -> None:
    ben = await stage.q.join("ben")
    for n in range(3):
        address = f"2001:db8:7:{n}::1" if fault == "one household" else ""
        bot = await stage.p.join(f"bot{n}", address, position=LYON)
        if fault == "no word":
            s = await stage.meet(bot, ben)
            await stage.after(61)
        else:
            s = await talked(stage, bot, ben, 59 if fault == "a second short" else 61)
        assert await bot.wish("user-report", session=s, reason="hate") == "ok"
        bot.leaves()
        await ben.wish("user-available", on=True)
        await stage.after(121)
    assert await stage.history.guests.pause("ben", stage.clock.wall_ms()) is None
    assert ben.open


@over_lobbies
@on_stage
async def test_who_stays_for_days_is_still_of_the_network_of_those_who_come(stage: Stage, lobby: str) -> None:
    """Marks change every day: a page that is never closed must not grow out of its network."""
    await stage.over(lobby)
    ben = await stage.q.join("ben", CAFE, available=False)
    old = await stage.q.join("old", CAFE, available=False)
    for _ in range(4):
        await stage.skip(86_400_000)
        await stage.after(16)
    anna = await stage.p.join("anna")
    await ben.wish("user-available", on=True)
    s = await talked(stage, anna, ben)
    assert await anna.wish("user-block", session=s) == "ok"
    await stage.q.join("new", CAFE)
    await old.wish("user-available", on=True)
    assert await anna.seek() == "waiting"
    assert old.client.match.entry.networks == network_marks(KEYS, CAFE, stage.clock.wall_ms())
