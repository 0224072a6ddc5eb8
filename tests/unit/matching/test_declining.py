"""A no: the two never meet again (M5), however late it comes and whatever is away."""

import asyncio

import pytest

from citychat.limits import bound
from tests.support.stage import Stage, on_stage


@on_stage
async def test_after_a_no_the_two_are_never_asked_again(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await ben.answer("no")
    assert await stage.history.relations.blocked("anna") == ["ben"]
    assert await ben.seek() == "waiting"
    await stage.after(20)
    assert len(ben.events("user-offer")) == 1 and not anna.events("user-offer")

    stage.forget()
    await stage.after(40)
    assert (await anna.where()).looking and (await ben.where()).looking
    assert len(ben.events("user-offer")) == 1 and not anna.events("user-offer")


@on_stage
async def test_a_no_stays_barred_while_the_history_is_away_and_is_answered_when_durable(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.history.away = {"relations.block"}
    no = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    assert await ben.seek() == "waiting"
    await stage.after(10)
    assert not no.done() and not anna.events("user-offer")
    stage.q.history.away = set()
    await stage.after(31)
    assert no.done() and await stage.history.relations.blocked("ben") == ["anna"]


@on_stage
async def test_a_bar_on_its_way_outlives_a_lobby_that_forgets(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.history.away = {"relations.block"}
    no = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    await ben.seek()
    stage.forget()
    await stage.after(40)
    assert (await ben.where()).looking and (await anna.where()).looking
    assert not anna.events("user-offer") and len(ben.events("user-offer")) == 1
    assert not no.done()


@on_stage
async def test_a_no_whose_answer_from_the_lobby_was_lost_is_a_no(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    stage.q.lobby.mute = {"decline"}
    await ben.answer("no")
    await stage.after(0.1)
    assert await stage.history.relations.blocked("ben") == ["anna"]
    assert (await ben.where()).state == "free" and len(ben.events("user-offer")) == 1


@on_stage
async def test_a_no_with_the_lobby_away_reaches_it_later(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    stage.q.lobby.away = {"decline", "block"}
    no = asyncio.ensure_future(ben.answer("no"))
    await stage.after(0.1)
    await stage.after(3)
    assert not no.done() and (await ben.where()).state == "asked"
    stage.q.lobby.away = set()
    await stage.after(5)
    assert no.done() and (await ben.where()).state == "free"
    assert len(ben.events("user-offer")) == 1, "not asked a second time in between"


@on_stage
async def test_a_no_that_comes_after_the_ring_still_bars_the_pair(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    offer = ben.last("user-offer")["offer"]
    ben.leaves()
    await stage.after(20)
    ben = await stage.q.join("ben")
    told = len(anna.told)
    await ben.answer("no", offer)
    assert await stage.history.relations.blocked("anna") == ["ben"]
    assert anna.told[told:] == [], "nobody is told who said no, or when"
    assert await ben.seek() == "waiting"
    stage.forget()
    await stage.after(40)
    assert (await anna.where()).looking and (await ben.where()).looking
    assert not ben.events("user-offer") and not anna.events("user-offer")


@on_stage
async def test_a_late_no_ends_the_offer_that_leads_the_two_together_again(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    first = ben.last("user-offer")["offer"]
    ben.leaves()
    await stage.after(1)
    ben = await stage.q.join("ben", looking=True)
    await stage.after(1)
    assert {(await anna.where()).state, (await ben.where()).state} == {"asking", "asked"}
    await ben.answer("no", first)
    await stage.after(1)
    assert {(await anna.where()).state, (await ben.where()).state} == {"free"}
    await stage.truth(anna, ben)


@on_stage
async def test_a_late_no_in_the_next_chat_bars_the_pair_and_leaves_the_chat_alone(stage: Stage) -> None:
    anna, ben = await stage.asking()
    first = ben.last("user-offer")["offer"]
    await stage.after(16)
    anna.leaves()
    await stage.after(0.1)
    carl = await stage.p.join("carl", available=True)
    assert await ben.seek() == "asking"
    await stage.after(0.1)
    await carl.seek()
    await stage.after(0.1)
    s = ben.session
    await ben.answer("no", first)
    assert await stage.history.relations.blocked("ben") == ["anna"]
    assert (await ben.where()).session == s


@on_stage
async def test_a_late_no_with_the_lobby_away_is_unavailable_and_counts_when_it_is_sent_again(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    await stage.after(16)
    stage.q.lobby.away = {"decline"}
    assert await ben.answer("no") == "unavailable"
    stage.q.lobby.away, stage.q.lobby.mute = set(), {"decline"}
    assert await ben.answer("no") == "unavailable"
    stage.q.lobby.mute = set()
    await ben.answer("no")
    assert await stage.history.relations.blocked("ben") == ["anna"]


@pytest.mark.parametrize("what", ["no", "block", "report"])
@on_stage
async def test_while_the_history_takes_no_bars_so_many_wait_and_the_next_is_refused(stage: Stage, what: str) -> None:
    """The page keeps a no until it is answered: nothing is lost."""
    anna, ben = await (stage.asking() if what == "no" else stage.talking())
    bars = stage.q.matching.sessions.pending_blocks
    bars |= {(f"guest {n}", "somebody"): 1 for n in range(bound("bars on their way"))}
    for expected in ("unavailable", "ok"):
        match what:
            case "no":
                answer = await ben.answer("no")
            case "block":
                answer = await ben.wish("user-block", session=ben.session)
            case _:
                answer = await ben.wish("user-report", session=ben.session, reason="spam")
        assert answer == expected
        bars.clear()
    await stage.truth(anna, ben)
