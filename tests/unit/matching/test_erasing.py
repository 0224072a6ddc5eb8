"""Who is erased or paused while a yes is on its way is met by nobody."""

import asyncio

import pytest

from tests.support.stage import Stage, on_stage
from tests.support.stage_lobbies import way_back
from tests.unit.matching.test_blame import accused, talked


@on_stage
async def test_a_yes_to_somebody_who_is_being_erased_comes_to_nothing(stage: Stage) -> None:
    anna, ben = await stage.asking()
    go = stage.p.history.hold("guests.erase")
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(0.05)
    assert await ben.answer("yes") == "ok"
    await stage.after(0.2)
    go.set()
    assert await erasing == "ok"
    await stage.after(40)
    assert ben.client.session is None and (await ben.where()).session is None


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.01])
@on_stage
async def test_who_says_yes_and_erases_everything_leaves_nobody_in_the_chat(stage: Stage, delay_s: float) -> None:
    anna, ben = await stage.asking()
    go = stage.q.history.hold("sessions.confirm")
    yes = asyncio.ensure_future(ben.answer("yes"))
    await stage.after(0.05)
    erasing = asyncio.ensure_future(ben.wish("user-erase", confirm=True))
    await stage.after(delay_s)
    go.set()
    assert await erasing == "ok" and await yes in ("ok", "gone")
    await stage.after(40)
    assert anna.client.session is None and (await anna.where()).session is None


@on_stage
async def test_a_yes_while_the_broker_holds_up_an_erasure_begins_no_chat_that_stays(stage: Stage) -> None:
    anna, _carl = await stage.talking("anna", "carl")
    await anna.leave()
    ben = await stage.q.join("ben", available=True)
    await stage.after(6)
    stage.p.mailbox.away = {"all"}
    assert await anna.seek() == "asking"
    await stage.after(0.2)
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(0.5)
    await ben.answer("yes")
    stage.p.mailbox.away = set()
    assert await erasing == "ok"
    await stage.after(60)
    assert ben.client.session is None and (await ben.where()).session is None


@on_stage
async def test_the_third_report_while_the_accused_says_yes_leaves_nobody_in_a_chat_with_them(stage: Stage) -> None:
    ben = await accused(stage, await stage.q.join("ben"), 2)
    await ben.wish("user-available", on=True)
    await stage.after(121)
    last = await stage.p.join("last")
    s = await talked(stage, last, ben)
    await last.leave()
    carl = await stage.q.join("carl")
    await ben.wish("user-available", on=True)
    await stage.after(121)
    assert await carl.seek() == "asking"
    await stage.after(0.1)
    go = stage.q.history.hold("sessions.confirm")
    yes = asyncio.ensure_future(ben.answer("yes"))
    await stage.after(0.1)
    assert await last.wish("user-report", session=s, reason="sexual") == "ok"
    await stage.after(0.1)
    assert ben.closed == "paused"
    go.set()
    await stage.after(200)
    assert yes.done() and carl.client.session is None
    assert all(row.ended is not None for row in await stage.history.sessions.of("ben"))


@pytest.mark.parametrize("elsewhere", [False, True])
@on_stage
async def test_a_page_that_came_while_its_guest_was_being_erased_joins_anew_as_somebody_else(
    stage: Stage, elsewhere: bool
) -> None:
    anna, ben = await stage.talking()
    go = stage.p.history.hold("guests.erase")
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(0.2)
    back = await anna.reload(stage.q if elsewhere else stage.p)
    assert await back.seek() == "waiting"
    go.set()
    assert await erasing == "ok"
    await ben.wish("user-available", on=True)
    await stage.after(121)
    assert back.events("user-drain") and await back.seek() == "not-joined" and not ben.events("user-offer")[1:]
    assert (await back.where()).state == "gone" and await stage.history.guests.find("anna") is None
    anew = await back.reload()
    assert stage.guest_of(anew.token) != "anna" and await anew.seek() == "asking"


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("step", ["guests.keep", "enter"])
@on_stage
async def test_a_join_that_read_before_an_erase_and_enters_after_it_is_no_page_of_the_erased(
    stage: Stage, step: str, elsewhere: bool
) -> None:
    anna = await stage.p.join("anna")
    node = stage.q if elsewhere else stage.p
    go = (node.lobby if step == "enter" else node.history).hold(step)
    late = node.page("anna")
    joining = asyncio.ensure_future(late.join())
    await stage.after(0.1)
    assert await anna.wish("user-erase", confirm=True) == "ok"
    await stage.after(5)
    go.set()
    assert (await joining)["error"] == "busy"
    await stage.after(5)
    assert (await late.where()).state == "gone" and await stage.history.guests.find("anna") is None
    answer = await late.join()
    assert answer["ok"] and stage.guest_of(str(answer["token"])) != "anna"


@on_stage
async def test_a_join_that_failed_has_nothing_under_way_that_enters_its_guest_again(stage: Stage) -> None:
    anna, _carl, _older = await stage.p.talking("anna", "carl")
    earlier = way_back(stage.lobby)
    await anna.leave()
    ben = await stage.q.join("ben")
    await stage.meet(anna, ben)
    anna.leaves()
    await stage.after(5)
    earlier()
    stage.p.history.away = {"guests.is_erased"}
    go = stage.p.history.hold("sessions.confirm")
    again = anna.next_page()
    joining = asyncio.ensure_future(again.join())
    await stage.after(0.5)
    go.set()
    assert (await joining)["error"] == "unavailable"
    again.leaves()
    await stage.after(1)
    assert await ben.leave() == "ok"
    await stage.after(1)
    assert (await again.where()).state == "gone"


@on_stage
async def test_a_join_that_takes_its_chat_up_again_while_its_guest_is_erased_lets_nobody_in(stage: Stage) -> None:
    anna, _carl, _older = await stage.p.talking("anna", "carl")
    earlier = way_back(stage.lobby)
    await anna.leave()
    await stage.meet(anna, await stage.q.join("ben"))
    erase = stage.p.history.hold("sessions.of")  # before the chat has ended
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(0.5)
    earlier()
    go = stage.q.history.hold("sessions.confirm")
    late = anna.next_page(stage.q)
    joining = asyncio.ensure_future(late.join())
    await stage.after(0.5)
    erase.set()
    await stage.after(5)
    go.set()
    assert (await joining)["error"] == "busy" and await erasing == "ok"
    await stage.after(5)
    assert (await late.where()).state == "gone"


@on_stage
async def test_who_is_erased_while_the_lobby_gets_everybody_again_is_not_in_it(stage: Stage) -> None:
    anna = await stage.p.join("anna")
    erase = stage.p.history.hold("guests.erase")
    erasing = asyncio.ensure_future(anna.wish("user-erase", confirm=True))
    await stage.after(0.2)
    back = await anna.reload(stage.q)
    await stage.after(1)
    go = stage.q.lobby.hold("enter")
    stage.forget()
    stage.q.matching.lease.reenter_soon()
    await stage.after(0.5)
    erase.set()
    assert await erasing == "ok"
    await stage.after(5)
    go.set()
    await stage.after(5)
    assert back.events("user-drain") and (await back.where()).state == "gone"
