"""Pages are told the lobby's word though events and answers get lost, processes die and the lobby forgets."""

import asyncio

import pytest

from citychat.ports import BusEvent, NewerPage, OfferEnded, OfferMade, SessionBegun, SessionEnded
from tests.support.stage import Stage, on_stage


@on_stage
async def test_the_guests_of_a_killed_process_are_not_asked_and_free_their_seekers(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.die()
    await stage.after(16)
    assert (await ben.where()).state == "gone"
    assert {"state": "next"} in anna.events("user-seek")
    carl = await stage.p.join("carl", available=False)
    await stage.after(6)
    assert await carl.seek() in ("asking", "matched") and not ben.events("user-offer")[1:]


@on_stage
async def test_a_reload_returns_to_the_chat_on_any_process(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await ben.answer("yes")
    await stage.after(0.1)
    ben.leaves()
    await stage.after(30)
    again = await stage.p.join("ben")
    await stage.after(20)
    assert (await again.where()).session == anna.session
    assert [left["how"] for left in anna.events("user-left")] == ["away"] and not again.events("user-left")
    await stage.truth(anna, again)


@on_stage
async def test_a_page_that_lost_its_guest_to_a_newer_one_is_told_though_nobody_else_could(stage: Stage) -> None:
    old = await stage.p.join("anna")
    stage.q.bus.lost = lambda event: isinstance(event, NewerPage)
    new = await stage.q.join("anna")
    await stage.after(16)
    assert old.told[-1] == ("user-replaced", {}) and old.closed == "replaced"
    assert not new.closed and (await new.where()).epoch == new.client.epoch
    old.leaves()
    await stage.after(0.1)
    assert (await new.where()).state == "free"


@pytest.mark.parametrize("kind", [OfferMade, OfferEnded, SessionBegun])
@on_stage
async def test_a_lost_record_leaves_nobody_stuck(stage: Stage, kind: type[BusEvent]) -> None:
    for process in (stage.p, stage.q):
        process.bus.lost = lambda event: isinstance(event, kind)
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben")
    await anna.seek()
    if kind is OfferMade:
        await stage.after(15)
        assert ben.events("user-offer")
        return
    await stage.after(0.1)
    await (ben.answer("no") if kind is OfferEnded else ben.answer("yes"))
    await stage.after(5.1)
    if kind is OfferEnded:
        assert {"state": "next"} in anna.events("user-seek")
    else:
        assert anna.session == ben.session
    await stage.truth(anna, ben)


@on_stage
async def test_a_record_that_lies_changes_nothing(stage: Stage) -> None:
    anna, ben = await stage.asking()
    offer = (await ben.where()).offer
    assert offer is not None
    for record in (
        SessionBegun("nowhere"),
        OfferEnded("other"),
        OfferEnded(offer.id),
        SessionEnded("nowhere", 1),
        OfferMade(offer),
    ):
        stage.bus.publish("ben", record)
        stage.bus.publish("anna", record)
    await stage.after(1)
    assert ben.kinds() == ["user-offer"] and "user-session" not in anna.kinds()


@on_stage
async def test_seeking_while_the_lobby_is_away_is_unavailable_and_a_looker_goes_on_after_it(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben", available=False)
    assert await anna.seek() == "waiting"
    stage.p.lobby.away = {"all"}
    assert await anna.seek() == "unavailable"
    await stage.after(12)
    stage.p.lobby.away = set()
    await ben.wish("user-available", on=True)
    await stage.after(6)
    assert ben.events("user-offer")


@on_stage
async def test_wishes_the_lobby_missed_reach_it_later(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben")
    stage.q.lobby.away = {"available", "view"}
    assert await ben.wish("user-available", on=False) == "unavailable"
    stage.q.lobby.away = set()
    await stage.after(15.1)
    assert await anna.seek() == "waiting"


# -- a lobby that has forgotten --------------------------------------------------------------------------------------


@on_stage
async def test_a_lobby_that_has_forgotten_everything_gets_the_chats_back(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await ben.answer("yes")
    await stage.after(0.1)
    epoch = ben.client.epoch
    stage.forget()
    await stage.after(31)
    assert (await ben.where()).session == (await anna.where()).session == anna.session
    assert (await ben.where()).epoch == epoch
    assert not anna.events("user-left") and len(anna.events("user-session")) == 1


@on_stage
async def test_reenter_brings_everybody_back_at_once_with_their_wishes(stage: Stage) -> None:
    anna, carl = await stage.p.join("anna"), await stage.p.join("carl", available=False)
    ben = await stage.q.join("ben", address=stage.address("198.51"))
    await ben.seek()
    stage.forget()
    await asyncio.gather(stage.p.matching.lease.reenter(), stage.q.matching.lease.reenter())
    await stage.after(0.5)
    assert await anna.seek() == "waiting", "carl still does not want to be asked"
    await stage.truth(anna, ben, carl)
    assert (await ben.where()).looking


@on_stage
async def test_a_lobby_that_has_forgotten_everybody_knows_them_again_with_the_next_lease(stage: Stage) -> None:
    anna, carl = await stage.p.join("anna"), await stage.p.join("carl", available=False)
    ben = await stage.q.join("ben", address=stage.address("198.51"))
    await ben.seek()
    stage.forget()
    await stage.after(5.5)
    assert [(await page.where()).state for page in (anna, ben, carl)] == ["free"] * 3
    await stage.truth(anna, ben, carl)
    assert (await ben.where()).looking


@on_stage
async def test_entering_again_waits_for_the_history_and_happens_once(stage: Stage) -> None:
    anna = await stage.p.join("anna", available=False)
    await stage.history.relations.block("anna", "ben", 1)
    stage.forget()
    stage.p.history.away = {"guests.dossier"}
    for _ in range(3):
        stage.p.matching.lease.reenter_soon()
    await stage.after(20)
    assert (await anna.where()).state == "gone"
    stage.p.history.away = set()
    await stage.after(2.5)
    await stage.truth(anna)
    await stage.q.join("ben")
    assert await anna.seek() == "waiting", "the pair is barred in the new lobby too"


@on_stage
async def test_a_draining_process_does_not_bring_its_guests_back(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await stage.q.matching.lease.drop()
    await stage.after(31)
    assert (await ben.where()).state == "gone" and {"state": "next"} in anna.events("user-seek")


# -- an accept of which nobody knows ---------------------------------------------------------------------------------


@on_stage
async def test_an_accept_whose_answer_from_the_lobby_was_lost_still_brings_both_together(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.lobby.mute = {"accept"}
    assert await ben.answer("yes") == "unavailable"
    await stage.after(1)
    assert anna.session == ben.session
    await stage.truth(anna, ben)


@on_stage
async def test_an_accept_that_never_reached_the_lobby_leaves_no_session_behind(stage: Stage) -> None:
    anna, ben = await stage.asking()
    stage.q.lobby.away = {"accept"}
    assert await ben.answer("yes") == "unavailable"
    await stage.after(0.1)
    assert await stage.history.sessions.of("anna") == []
    stage.q.lobby.away = set()
    await ben.answer("yes")
    await stage.after(0.1)
    assert anna.session == ben.session


@pytest.mark.parametrize("ahead_ms", [-240_000, -20_000, 20_000, 240_000])
@on_stage
async def test_an_offer_is_shown_and_ends_by_the_lobbys_clock(stage: Stage, ahead_ms: int) -> None:
    """M6. A process whose own was four minutes ahead showed one second of fifteen; one behind told the end 5 s late."""
    stage.clock.ahead_ms = ahead_ms
    anna, ben = await stage.asking()
    assert ben.last("user-offer")["seconds"] == 15
    await stage.after(10)
    assert not ben.events("user-offer-end")
    await stage.after(6)
    assert ben.events("user-offer-end")
    assert anna.last("user-seek")["state"] in ("next", "waiting")


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
@on_stage
async def test_a_step_of_the_clock_neither_ends_an_offer_nor_keeps_it_open(stage: Stage, step_ms: int) -> None:
    _anna, ben = await stage.asking()
    stage.clock.ahead_ms = step_ms
    await stage.after(10)
    assert not ben.events("user-offer-end")
    await stage.after(6)
    assert ben.events("user-offer-end")
