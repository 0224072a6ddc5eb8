"""Who meets whom: seeking, being asked, answering, and what a page is told of it (protocol §3)."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from citychat.ports import BusEvent, OfferEnded
from tests.support.door_page import DoorPage
from tests.support.stage import LYON, NOWHERE, PARIS, Stage, on_stage


@on_stage
async def test_two_meet_over_two_processes_and_get_the_same_session(stage: Stage) -> None:
    anna, ben = await stage.asking()
    offer = ben.last("user-offer")
    assert (offer["city"], offer["seconds"]) == ("Lyon", 15)
    await ben.answer("yes")
    await stage.after(0.1)
    assert anna.session == ben.session
    assert (anna.last("user-session")["side"], ben.last("user-session")["side"]) == (0, 1)
    assert anna.last("user-session")["alias"] == ben.last("user-session")["you"]
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    await stage.truth(anna, ben)


@on_stage
async def test_the_seeker_is_told_only_asking_next_and_waiting(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await ben.answer("no")
    await stage.after(0.1)
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "waiting"]
    carl = await stage.q.join("carl")
    await stage.after(5.1)
    assert carl.events("user-offer")
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "waiting", "asking"]


@on_stage
async def test_a_guest_without_a_place_is_asked_for_one(stage: Stage) -> None:
    anna = await stage.p.join("anna", address=NOWHERE)
    assert await anna.seek() == "no-place"


@on_stage
async def test_both_pressing_at_once_is_one_offer_and_a_chat(stage: Stage) -> None:
    anna, ben = await stage.p.join("anna"), await stage.q.join("ben")
    states = await asyncio.gather(anna.seek(), ben.seek())
    assert sorted(states) == ["asking", "matched"]
    await stage.after(0.1)
    assert anna.session == ben.session
    await stage.truth(anna, ben)


@on_stage
async def test_whoever_is_asked_and_presses_find_someone_has_accepted(stage: Stage) -> None:
    anna, ben = await stage.asking()
    assert await ben.seek() == "matched"
    await stage.after(0.1)
    assert anna.session == ben.session


@on_stage
async def test_seeking_in_a_chat_answers_matched_and_says_the_session_again(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await ben.answer("yes")
    await stage.after(0.1)
    assert await anna.seek() == "matched"
    assert [payload["session"] for payload in anna.events("user-session")] == [ben.session] * 2


@on_stage
async def test_an_unanswered_offer_ends_within_a_second_of_its_time_and_is_no_decline(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await stage.after(15.9)
    assert ben.last("user-offer-end") == {"offer": ben.last("user-offer")["offer"], "looking": False}
    assert anna.events("user-seek")[0] == {"state": "next"}
    assert await stage.history.relations.blocked("anna") == []
    await stage.truth(anna, ben)


@on_stage
async def test_a_looker_who_lets_an_offer_expire_stops_looking(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    await stage.after(15.9)
    assert ben.last("user-offer-end")["looking"] is False
    assert not (await ben.where()).looking and (await anna.where()).looking


@on_stage
async def test_a_seeker_who_leaves_ends_the_offer_and_the_looker_asked_looks_on(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    anna.leaves()
    await stage.after(0.5)
    assert ben.last("user-offer-end") == {"offer": ben.last("user-offer")["offer"], "looking": True}
    assert await stage.history.relations.blocked("anna") == []
    carl = await stage.p.join("carl", looking=True)
    await stage.after(1)
    assert carl.events("user-offer") or ben.events("user-offer")[1:]


@on_stage
async def test_one_answer_succeeds_and_after_a_yes_every_other_is_gone(stage: Stage) -> None:
    anna, ben = await stage.asking()
    offer = ben.last("user-offer")["offer"]
    answers = await asyncio.gather(*(ben.answer(how) for how in ("yes", "no", "later")))
    assert sorted(answers) == ["gone", "gone", "ok"]
    assert await anna.answer("yes", offer) == "gone"


@on_stage
async def test_accepting_what_has_just_expired_leaves_no_session_behind(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await stage.after(14.5)
    stage.q.lobby.away = {"status"}  # ben's process does not know yet that it is over
    await stage.after(0.6)
    assert await ben.answer("yes") == "gone"
    stage.q.lobby.away = set()
    await stage.after(3)
    assert await stage.history.sessions.of("ben") == []
    await stage.truth(anna, ben)


@on_stage
async def test_accept_against_expiry_against_leaving_both_are_in_the_chat_or_neither(stage: Stage) -> None:
    for i, (yes_s, leaves_s) in enumerate([(14.999, 14.998), (14.998, 14.999), (15.0, 15.0), (0.0, 0.0), (0.001, 0.0)]):
        anna, ben = await stage.p.join(f"anna{i}"), await stage.q.join(f"ben{i}")
        await anna.seek()
        offer = (await ben.where()).offer
        assert offer is not None
        yes = asyncio.ensure_future(later(stage, yes_s, ben.answer("yes", offer.id)))
        await stage.after(leaves_s)
        anna.leaves()
        await yes
        await stage.after(1)
        where = [(await page.where()).session for page in (anna, ben)]
        assert where[0] == where[1]
        running = [row for row in await stage.history.sessions.of(f"ben{i}") if row.ended is None]
        assert [row.id for row in running] == ([where[0]] if where[0] else [])
        await stage.truth(ben)
        ben.leaves()
        await stage.after(0.1)


async def later(stage: Stage, secs: float, act: Awaitable[object]) -> None:
    await stage.after(secs)
    await act


@on_stage
async def test_a_closed_socket_frees_the_seeker_at_once(stage: Stage) -> None:
    anna, ben = await stage.asking()
    ben.leaves()
    await stage.after(0.5)
    assert anna.last("user-seek") == {"state": "waiting"}
    await stage.truth(anna)


@on_stage
async def test_entering_again_ends_the_open_offer_and_frees_the_other_side(stage: Stage) -> None:
    anna, _ben = await stage.asking()
    await stage.p.join("ben")
    await stage.after(0.5)
    assert {"state": "next"} in anna.events("user-seek")


@on_stage
async def test_a_waiting_seeker_is_served_when_somebody_comes(stage: Stage) -> None:
    anna = await stage.p.join("anna")
    assert await anna.seek() == "waiting"
    ben = await stage.q.join("ben")
    await stage.after(5.1)
    assert ben.events("user-offer") and anna.last("user-seek") == {"state": "asking"}


@on_stage
async def test_two_lookers_are_in_one_offer_within_a_second(stage: Stage) -> None:
    anna = await stage.p.join("anna", address=stage.address("198.51"))
    ben = await stage.q.join("ben", available=False)
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    assert await anna.wish("user-place", position=LYON) == "ok"
    await stage.after(1)
    offers = [(await page.where()).offer for page in (anna, ben)]
    assert offers[0] == offers[1] and offers[0] is not None


@on_stage
async def test_a_looker_who_declined_looks_on_at_once(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    carl = await stage.p.join("carl")
    stage.q.bus.lost = lambda event: isinstance(event, OfferEnded)
    await ben.answer("no")
    await stage.after(1)
    offer = (await ben.where()).offer
    assert offer is not None and (offer.seeker, offer.candidate) == ("ben", "carl")
    await stage.after(5)
    await stage.truth(anna, ben, carl)


@on_stage
async def test_stop_ends_an_offer_as_expired_for_both(stage: Stage) -> None:
    anna, ben = await stage.asking()
    await anna.wish("user-stop")
    await stage.after(0.1)
    assert ben.last("user-offer-end")["looking"] is False
    await stage.truth(anna, ben)
    assert not (await anna.where()).looking and await stage.history.relations.blocked("ben") == []


@on_stage
async def test_stop_while_asked_frees_the_seeker_who_looks_on(stage: Stage) -> None:
    anna, ben = await stage.asking(looking=True)
    await ben.wish("user-stop")
    await stage.after(0.1)
    assert ben.last("user-offer-end")["looking"] is False and {"state": "next"} in anna.events("user-seek")
    await stage.truth(anna, ben)


@on_stage
async def test_later_is_no_decline_and_turns_asking_off(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    await ben.answer("later")
    await stage.after(20)
    assert len(ben.events("user-offer")) == 1 and await stage.history.relations.blocked("ben") == []
    await ben.wish("user-view", visible=True, touched=False)
    await stage.after(20)
    assert len(ben.events("user-offer")) == 1, "coming into view does not turn asking on"


@on_stage
async def test_the_words_for_how_many_are_free_follow_the_count_every_ten_seconds(stage: Stage) -> None:
    anna = await stage.p.join("anna")
    assert anna.last("answer user-join")["free_nearby"] == "none"
    for i in range(5):
        await stage.q.join(f"b{i}")
    await stage.after(10.1)
    assert [told["free_nearby"] for told in anna.events("user-nearby")] == ["few"]
    await stage.q.join("b5")
    await stage.after(10)
    assert [told["free_nearby"] for told in anna.events("user-nearby")] == ["few", "many"]
    await stage.after(30)
    assert len(anna.events("user-nearby")) == 2


@on_stage
async def test_a_move_while_asked_is_busy(stage: Stage) -> None:
    _anna, ben = await stage.asking()
    assert await ben.wish("user-place", position=PARIS) == "busy"


# -- everything at once ----------------------------------------------------------------------------------------------


@on_stage
async def test_storms_leave_every_page_knowing_what_the_lobby_knows(stage: Stage) -> None:
    for seed in range(6):
        random = Random(seed)
        pages = {name: await random.choice([stage.p, stage.q]).join(f"{name}{seed}") for name in "abcdef"}
        for node in stage.nodes:
            node.bus.lost = losing(random, 0.2)
        for _ in range(120):
            await step(stage, random, pages)
        for node in stage.nodes:
            node.bus.lost = lambda event: False
        await stage.after(40.01)  # not in the very millisecond in which an offer ends: all here is in steps of 50 ms
        await stage.truth(*pages.values())
        for page in pages.values():
            page.leaves()
            await stage.after(0.1)


def losing(random: Random, share: float) -> Callable[[BusEvent], bool]:
    return lambda record: random.random() < share


async def step(stage: Stage, random: Random, pages: dict[str, DoorPage]) -> None:
    """Something a page does, perhaps together with another page."""
    await stage.after(random.choice([0, 0, 0.05, 0.5, 3]))
    acts = [act(random, page) for page in random.sample(list(pages.values()), random.choice([1, 2]))]
    await asyncio.gather(*acts)
    if random.random() < 0.1:
        name = random.choice(list(pages))
        pages[name].leaves()
        pages[name] = await random.choice([stage.p, stage.q]).join(pages[name].guest)


async def act(random: Random, page: DoorPage) -> None:
    client = page.client
    if client.session is not None:
        if random.random() < 0.5:
            await page.leave(client.session.id)
    elif client.match.offer is not None and client.match.offer.candidate == page.guest and random.random() < 0.8:
        await page.answer(random.choice(["yes", "yes", "no", "later"]), client.match.offer.id)
    elif random.random() < 0.2:
        await page.wish("user-stop")
    else:
        await page.seek()
