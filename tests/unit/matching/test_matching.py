"""Matching over two stores and two processes: M1 to M15 as far as they live here, lost records, races."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from citychat.model import Busy, Gone, NoPlace, Unavailable
from citychat.ports import BusEvent, OfferEnded, OfferMade, SessionBegun, SessionEnded
from tests.unit.meeting import PARIS, Page, Town, kinds, meeting


async def asked(town: Town, *, looking: bool = False) -> tuple[Page, Page]:
    """anna on p asks ben on q; with ``looking`` both look, and nobody has answered yet."""
    ben = await town.q.join("ben", available=not looking)
    if looking:
        assert await ben.seek() == "waiting"
    anna = await town.p.join("anna", available=False)
    assert await anna.seek() == "asking"
    await town.after(0.1)
    assert ben.last("user-offer")["looking"] == looking
    return anna, ben


@meeting
async def test_two_meet_over_two_processes_and_get_the_same_session(town: Town) -> None:
    anna, ben = await asked(town)
    offer = ben.last("user-offer")
    assert (offer["city"], offer["seconds"]) == ("Lyon", 15)
    await ben.yes()
    await town.after(0.1)
    assert anna.session == ben.session
    assert (anna.last("user-session")["side"], ben.last("user-session")["side"]) == (0, 1)
    assert anna.last("user-session")["alias"] == ben.last("user-session")["you"]
    assert len(anna.events("user-session")) == len(ben.events("user-session")) == 1
    await town.truth(anna, ben)


@meeting
async def test_the_seeker_is_told_only_asking_next_and_waiting(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.no()
    await town.after(0.1)
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "waiting"]
    carl = await town.q.join("carl")
    await town.after(5.1)
    assert carl.events("user-offer")
    assert [payload["state"] for payload in anna.events("user-seek")] == ["next", "waiting", "asking"]


@meeting
async def test_a_guest_without_a_place_is_asked_for_one(town: Town) -> None:
    anna = await town.p.join("anna", place=None)
    with pytest.raises(NoPlace):
        await anna.seek()


@meeting
async def test_m1_m2_storms_leave_every_page_knowing_what_the_lobby_knows(town: Town) -> None:
    for seed in range(6):
        random = Random(seed)
        pages = {name: await random.choice([town.p, town.q]).join(f"{name}{seed}") for name in "abcdef"}
        for process in (town.p, town.q):
            process.bus.lost = losing(random, 0.2)
        for _ in range(120):
            await step(town, random, pages)
        for process in (town.p, town.q):
            process.bus.lost = lambda record: False
        await town.after(40)
        await town.truth(*pages.values())
        for page in pages.values():
            await page.leaves()


def losing(random: Random, share: float) -> Callable[[BusEvent], bool]:
    return lambda record: random.random() < share


async def step(town: Town, random: Random, pages: dict[str, Page]) -> None:
    """Something a page does, perhaps together with another page."""
    await town.after(random.choice([0, 0, 0.05, 0.5, 3]))
    acts = [act(random, page) for page in random.sample(list(pages.values()), random.choice([1, 2]))]
    await asyncio.gather(*acts)
    if random.random() < 0.1:
        name = random.choice(list(pages))
        await pages[name].leaves()
        pages[name] = await random.choice([town.p, town.q]).join(pages[name].guest)


async def act(random: Random, page: Page) -> None:
    client = page.client
    try:
        if client.session is not None:
            if random.random() < 0.5:
                task = await page.process.sessions.leave(client, client.session.id)
                if task is not None:
                    await task
        elif client.match.offer is not None and client.match.offer.candidate == page.guest and random.random() < 0.8:
            match random.choice(["yes", "yes", "no", "later"]):
                case "yes":
                    await page.yes(client.match.offer.id)
                case "no":
                    await page.no(client.match.offer.id)
                case "later":
                    await page.matching.later(page.client, client.match.offer.id)
        elif random.random() < 0.2:
            await page.matching.stop(page.client)
        else:
            await page.seek()
    except Gone:
        pass


@meeting
async def test_m4_m10_both_pressing_at_once_is_one_offer_and_a_chat(town: Town) -> None:
    anna, ben = await town.p.join("anna"), await town.q.join("ben")
    states = await asyncio.gather(anna.seek(), ben.seek())
    assert sorted(states) == ["asking", "matched"]
    await town.after(0.1)
    assert anna.session == ben.session
    await town.truth(anna, ben)


@meeting
async def test_m10_whoever_is_asked_and_presses_find_someone_has_accepted(town: Town) -> None:
    anna, ben = await asked(town)
    assert await ben.seek() == "matched"
    await town.after(0.1)
    assert anna.session == ben.session


@meeting
async def test_seeking_in_a_chat_answers_matched_and_says_the_session_again(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.yes()
    await town.after(0.1)
    assert await anna.seek() == "matched"
    assert [payload["session"] for payload in anna.events("user-session")] == [ben.session] * 2


@meeting
async def test_m5_after_a_no_the_two_are_never_asked_again(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.no()
    assert await town.history.relations.blocked("anna") == ["ben"]
    assert await ben.seek() == "waiting"
    await town.after(20)
    assert len(ben.events("user-offer")) == 1 and not anna.events("user-offer")

    town.forget()
    await town.after(40)
    assert (await anna.where()).looking and (await ben.where()).looking
    assert len(ben.events("user-offer")) == 1 and not anna.events("user-offer")


@meeting
async def test_m5_a_no_stays_barred_while_the_history_is_away_and_is_answered_when_durable(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.history.away = {"relations.block"}
    no = await town.q.matching.decline(town.q.client("ben"), ben.last("user-offer")["offer"])
    assert await ben.seek() == "waiting"
    await town.after(10)
    assert not no.done() and not anna.events("user-offer")
    town.q.history.away = set()
    await town.after(31)
    assert no.done() and await town.history.relations.blocked("ben") == ["anna"]


@meeting
async def test_m5_a_bar_on_its_way_outlives_a_lobby_that_forgets(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.history.away = {"relations.block"}
    await town.q.matching.decline(town.q.client("ben"), ben.last("user-offer")["offer"])
    await ben.seek()
    town.forget()
    await town.after(40)
    assert (await ben.where()).looking and (await anna.where()).looking
    assert not anna.events("user-offer") and len(ben.events("user-offer")) == 1


@meeting
async def test_m5_a_no_whose_answer_from_the_lobby_was_lost_is_a_no(town: Town) -> None:
    _anna, ben = await asked(town)
    town.q.lobby.mute = {"decline"}
    await ben.no()
    await town.after(0.1)
    assert await town.history.relations.blocked("ben") == ["anna"]
    assert (await ben.where()).state == "free" and len(ben.events("user-offer")) == 1


@meeting
async def test_m5_a_no_with_the_lobby_away_reaches_it_later(town: Town) -> None:
    _anna, ben = await asked(town)
    town.q.lobby.away = {"decline", "block"}
    no = await town.q.matching.decline(town.q.client("ben"), ben.last("user-offer")["offer"])
    await town.after(3)
    assert not no.done() and (await ben.where()).state == "asked"
    town.q.lobby.away = set()
    await town.after(5)
    assert no.done() and (await ben.where()).state == "free"
    assert len(ben.events("user-offer")) == 1, "not asked a second time in between"


@meeting
async def test_m5_a_no_that_comes_after_the_ring_still_bars_the_pair(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    offer = ben.last("user-offer")["offer"]
    await ben.leaves()
    await town.after(20)
    ben = await town.q.join("ben")
    told = len(anna.told)
    await ben.no(offer)
    assert await town.history.relations.blocked("anna") == ["ben"]
    assert anna.told[told:] == [], "nobody is told who said no, or when"
    assert await ben.seek() == "waiting"
    town.forget()
    await town.after(40)
    assert (await anna.where()).looking and (await ben.where()).looking
    assert not ben.events("user-offer") and not anna.events("user-offer")


@meeting
async def test_m5_a_late_no_ends_the_offer_that_leads_the_two_together_again(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    first = ben.last("user-offer")["offer"]
    await ben.leaves()
    await town.after(1)
    ben = await town.q.join("ben", looking=True)
    await town.after(1)
    assert {(await anna.where()).state, (await ben.where()).state} == {"asking", "asked"}
    await ben.no(first)
    await town.after(1)
    assert {(await anna.where()).state, (await ben.where()).state} == {"free"}
    await town.truth(anna, ben)


@meeting
async def test_m5_a_late_no_in_the_next_chat_bars_the_pair_and_leaves_the_chat_alone(town: Town) -> None:
    anna, ben = await asked(town)
    first = ben.last("user-offer")["offer"]
    await town.after(16)
    await anna.leaves()
    await town.p.join("carl", available=True)
    assert await ben.seek() == "asking"
    await town.after(0.1)
    await town.p.matching.seek(town.p.client("carl"))
    await town.after(0.1)
    s = ben.session
    await ben.no(first)
    assert await town.history.relations.blocked("ben") == ["anna"]
    assert (await ben.where()).session == s


@meeting
async def test_a_late_no_with_the_lobby_away_is_unavailable_and_counts_when_it_is_sent_again(town: Town) -> None:
    _anna, ben = await asked(town)
    await town.after(16)
    town.q.lobby.away = {"decline"}
    with pytest.raises(Unavailable):
        await ben.no()
    town.q.lobby.away, town.q.lobby.mute = set(), {"decline"}
    with pytest.raises(Unavailable):
        await ben.no()
    town.q.lobby.mute = set()
    await ben.no()
    assert await town.history.relations.blocked("ben") == ["anna"]


@meeting
async def test_m6_an_unanswered_offer_ends_within_a_second_of_its_time_and_is_no_decline(town: Town) -> None:
    anna, ben = await asked(town)
    await town.after(15.9)
    assert ben.last("user-offer-end") == {"offer": ben.last("user-offer")["offer"], "looking": False}
    assert anna.events("user-seek")[0] == {"state": "next"}
    assert await town.history.relations.blocked("anna") == []
    await town.truth(anna, ben)


@meeting
async def test_a_looker_who_lets_an_offer_expire_stops_looking(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    await town.after(15.9)
    assert ben.last("user-offer-end")["looking"] is False
    assert not (await ben.where()).looking and (await anna.where()).looking


@meeting
async def test_m6_a_seeker_who_leaves_ends_the_offer_and_the_looker_asked_looks_on(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    await anna.leaves()
    await town.after(0.5)
    assert ben.last("user-offer-end") == {"offer": ben.last("user-offer")["offer"], "looking": True}
    assert await town.history.relations.blocked("anna") == []
    carl = await town.p.join("carl", looking=True)
    await town.after(1)
    assert carl.events("user-offer") or ben.events("user-offer")[1:]


@meeting
async def test_m7_one_answer_succeeds_and_after_a_yes_every_other_is_gone(town: Town) -> None:
    _anna, ben = await asked(town)
    offer = ben.last("user-offer")["offer"]
    answers = await asyncio.gather(
        ben.yes(), ben.no(), town.q.matching.later(town.q.client("ben"), offer), return_exceptions=True
    )
    assert [answer for answer in answers if answer is None] == [None]
    assert sum(isinstance(answer, Gone) for answer in answers) == 2
    with pytest.raises(Gone):
        await town.p.matching.accept(town.p.client("anna"), offer)


@meeting
async def test_m7_accepting_what_has_just_expired_leaves_no_session_behind(town: Town) -> None:
    anna, ben = await asked(town)
    await town.after(14.5)
    town.q.lobby.away = {"status"}  # ben's process does not know yet that it is over
    await town.after(0.6)
    with pytest.raises(Gone):
        await ben.yes()
    town.q.lobby.away = set()
    await town.after(3)
    assert await town.history.sessions.of("ben") == []
    await town.truth(anna, ben)


@meeting
async def test_accept_against_expiry_against_leaving_both_are_in_the_chat_or_neither(town: Town) -> None:
    for i, (yes_s, leaves_s) in enumerate([(14.999, 14.998), (14.998, 14.999), (15.0, 15.0), (0.0, 0.0), (0.001, 0.0)]):
        anna, ben = await town.p.join(f"anna{i}"), await town.q.join(f"ben{i}")
        await anna.seek()
        offer = (await ben.where()).offer
        assert offer is not None
        yes = asyncio.ensure_future(later(town, yes_s, ben.yes(offer.id)))
        await later(town, leaves_s, anna.leaves())
        await asyncio.gather(yes, return_exceptions=True)
        await town.after(1)
        where = [(await page.where()).session for page in (anna, ben)]
        assert where[0] == where[1]
        running = [row for row in await town.history.sessions.of(f"ben{i}") if row.ended is None]
        assert [row.id for row in running] == ([where[0]] if where[0] else [])
        await town.truth(ben)
        await ben.leaves()


async def later(town: Town, secs: float, act: object) -> None:
    await town.after(secs)
    await act  # type: ignore[misc]


@meeting
async def test_m8_a_closed_socket_frees_the_seeker_at_once(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.leaves()
    await town.after(0.5)
    assert anna.last("user-seek") == {"state": "waiting"}
    await town.truth(anna)


@meeting
async def test_m8_entering_again_ends_the_open_offer_and_frees_the_other_side(town: Town) -> None:
    anna, _ben = await asked(town)
    await town.p.join("ben")
    await town.after(0.5)
    assert {"state": "next"} in anna.events("user-seek")


@meeting
async def test_m9_the_guests_of_a_killed_process_are_not_asked_and_free_their_seekers(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.die()
    await town.after(16)
    assert (await ben.where()).state == "gone"
    assert {"state": "next"} in anna.events("user-seek")
    carl = await town.p.join("carl", available=False)
    await town.after(6)
    assert await carl.seek() in ("asking", "matched") and not ben.events("user-offer")[1:]


@meeting
async def test_m12_a_reload_returns_to_the_chat_on_any_process(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.yes()
    await town.after(0.1)
    await ben.leaves()
    await town.after(30)
    again = await town.p.join("ben")
    await town.after(20)
    assert (await again.where()).session == anna.session
    assert not anna.events("user-left") and not again.events("user-left")
    await town.truth(anna, again)


@meeting
async def test_m12_a_lobby_that_has_forgotten_everything_gets_the_chats_back(town: Town) -> None:
    anna, ben = await asked(town)
    await ben.yes()
    await town.after(0.1)
    town.forget()
    await town.after(31)
    assert (await ben.where()).session == (await anna.where()).session == anna.session
    assert (await ben.where()).epoch == ben.epoch
    assert not anna.events("user-left") and len(anna.events("user-session")) == 1


@meeting
async def test_reenter_brings_everybody_back_at_once_with_their_wishes(town: Town) -> None:
    anna, carl = await town.p.join("anna"), await town.p.join("carl", available=False)
    ben = await town.q.join("ben", place=PARIS)
    await ben.seek()
    town.forget()
    await asyncio.gather(town.p.matching.lease.reenter(), town.q.matching.lease.reenter())
    await town.after(0.5)
    assert await anna.seek() == "waiting", "carl still does not want to be asked"
    await town.truth(anna, ben, carl)
    assert (await ben.where()).looking


@meeting
async def test_a_lobby_that_has_forgotten_everybody_knows_them_again_with_the_next_lease(town: Town) -> None:
    anna, carl = await town.p.join("anna"), await town.p.join("carl", available=False)
    ben = await town.q.join("ben", place=PARIS)
    await ben.seek()
    town.forget()
    await town.after(5.5)
    assert [(await page.where()).state for page in (anna, ben, carl)] == ["free"] * 3
    await town.truth(anna, ben, carl)
    assert (await ben.where()).looking


@meeting
async def test_entering_again_waits_for_the_history_and_happens_once(town: Town) -> None:
    anna = await town.p.join("anna", available=False)
    await town.history.relations.block("anna", "ben", 1)
    town.forget()
    town.p.history.away = {"sessions.of"}
    for _ in range(3):
        town.p.matching.lease.reenter_soon()
    await town.after(20)
    assert (await anna.where()).state == "gone"
    town.p.history.away = set()
    await town.after(2.5)
    await town.truth(anna)
    await town.q.join("ben")
    assert await anna.seek() == "waiting", "the pair is barred in the new lobby too"


@meeting
async def test_m13_a_waiting_seeker_is_served_when_somebody_comes(town: Town) -> None:
    anna = await town.p.join("anna")
    assert await anna.seek() == "waiting"
    ben = await town.q.join("ben")
    await town.after(5.1)
    assert ben.events("user-offer") and anna.last("user-seek") == {"state": "asking"}


@meeting
async def test_m14_two_lookers_are_in_one_offer_within_a_second(town: Town) -> None:
    anna = await town.p.join("anna", place=PARIS)
    ben = await town.q.join("ben", available=False)
    assert [await anna.seek(), await ben.seek()] == ["waiting", "waiting"]
    await town.lobby.move("anna", "lyon", PARIS.cell, "Lyon")
    town.p.matching.moved(town.p.client("anna"), (await town.history.guests.find("ben")).place)  # type: ignore[union-attr, arg-type]
    await town.after(1)
    offers = [(await page.where()).offer for page in (anna, ben)]
    assert offers[0] == offers[1] and offers[0] is not None


@meeting
async def test_m14_a_looker_who_declined_looks_on_at_once(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    carl = await town.p.join("carl")
    town.q.bus.lost = lambda record: isinstance(record, OfferEnded)
    await ben.no()
    await town.after(1)
    offer = (await ben.where()).offer
    assert offer is not None and (offer.seeker, offer.candidate) == ("ben", "carl")
    await town.after(5)
    await town.truth(anna, ben, carl)


@meeting
async def test_stop_ends_an_offer_as_expired_for_both(town: Town) -> None:
    anna, ben = await asked(town)
    await town.p.matching.stop(town.p.client("anna"))
    await town.after(0.1)
    assert ben.last("user-offer-end")["looking"] is False
    await town.truth(anna, ben)
    assert not (await anna.where()).looking and await town.history.relations.blocked("ben") == []


@meeting
async def test_stop_while_asked_frees_the_seeker_who_looks_on(town: Town) -> None:
    anna, ben = await asked(town, looking=True)
    await town.q.matching.stop(town.q.client("ben"))
    await town.after(0.1)
    assert ben.last("user-offer-end")["looking"] is False and {"state": "next"} in anna.events("user-seek")
    await town.truth(anna, ben)


@meeting
async def test_later_is_no_decline_and_turns_asking_off(town: Town) -> None:
    _anna, ben = await asked(town)
    await town.q.matching.later(town.q.client("ben"), ben.last("user-offer")["offer"])
    await town.after(20)
    assert len(ben.events("user-offer")) == 1 and await town.history.relations.blocked("ben") == []
    await town.q.matching.view(town.q.client("ben"), True, False)
    await town.after(20)
    assert len(ben.events("user-offer")) == 1, "coming into view does not turn asking on"


@pytest.mark.parametrize("kind", [OfferMade, OfferEnded, SessionBegun])
def test_a_lost_record_leaves_nobody_stuck(kind: type[BusEvent], tmp_path: object) -> None:
    @meeting
    async def scene(town: Town) -> None:
        for process in (town.p, town.q):
            process.bus.lost = lambda record: isinstance(record, kind)
        anna, ben = await town.p.join("anna"), await town.q.join("ben")
        await anna.seek()
        if kind is OfferMade:
            await town.after(15)
            assert ben.events("user-offer")
            return
        await town.after(0.1)
        await (ben.no() if kind is OfferEnded else ben.yes())
        await town.after(5.1)
        if kind is OfferEnded:
            assert {"state": "next"} in anna.events("user-seek")
        else:
            assert anna.session == ben.session
        await town.truth(anna, ben)

    scene(tmp_path)  # type: ignore[arg-type]


@meeting
async def test_a_record_that_lies_changes_nothing(town: Town) -> None:
    anna, ben = await asked(town)
    offer = (await ben.where()).offer
    assert offer is not None
    for record in (
        SessionBegun("nowhere"),
        OfferEnded("other"),
        OfferEnded(offer.id),
        SessionEnded("nowhere", 1),
        OfferMade(offer),
    ):
        town.bus.publish("ben", record)
        town.bus.publish("anna", record)
    await town.after(1)
    assert kinds(ben) == ["user-offer"] and "user-session" not in kinds(anna)


@meeting
async def test_an_accept_whose_answer_from_the_lobby_was_lost_still_brings_both_together(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.lobby.mute = {"accept"}
    with pytest.raises(Unavailable):
        await ben.yes()
    await town.after(1)
    assert anna.session == ben.session
    await town.truth(anna, ben)


@meeting
async def test_an_accept_that_never_reached_the_lobby_leaves_no_session_behind(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.lobby.away = {"accept"}
    with pytest.raises(Unavailable):
        await ben.yes()
    await town.after(0.1)
    assert await town.history.sessions.of("anna") == []
    town.q.lobby.away = set()
    await ben.yes()
    await town.after(0.1)
    assert anna.session == ben.session


@meeting
async def test_a_session_row_whose_answer_was_lost_is_undone(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.history.mute = {"sessions.begin"}
    with pytest.raises(Unavailable):
        await ben.yes()
    town.q.history.mute = set()
    await town.after(1)
    assert await town.history.sessions.of("anna") == []
    assert anna.events("user-session") == []


@meeting
async def test_a_session_entered_by_its_row_before_it_could_be_undone_is_ended_and_kept(town: Town) -> None:
    anna, ben = await asked(town)
    town.q.history.mute, town.q.history.away = {"sessions.begin"}, {"sessions.end"}
    with pytest.raises(Unavailable):
        await ben.yes()
    town.q.history.mute = set()
    await town.p.matching.lease.reenter()
    await town.after(1)
    assert anna.events("user-session")
    town.q.history.away = set()
    await town.after(31)
    (row,) = await town.history.sessions.of("anna")
    assert row.ended is not None and anna.last("user-left")["session"] == row.id
    await town.truth(anna, ben)


@meeting
async def test_an_accept_cut_short_by_its_connection_is_resolved(town: Town) -> None:
    anna, ben = await asked(town)
    accepting = asyncio.ensure_future(ben.yes())
    while "accept" not in town.q.lobby.calls:
        await asyncio.sleep(0)
        if "sessions.begin" in town.q.history.calls:
            accepting.cancel()
            break
    await asyncio.gather(accepting, return_exceptions=True)
    await town.after(1)
    where = [(await page.where()).session for page in (anna, ben)]
    rows = await town.history.sessions.of("ben")
    assert where == [None, None] and rows == []


@meeting
async def test_seeking_while_the_lobby_is_away_is_unavailable_and_a_looker_goes_on_after_it(town: Town) -> None:
    anna, ben = await town.p.join("anna"), await town.q.join("ben", available=False)
    assert await anna.seek() == "waiting"
    town.p.lobby.away = {"all"}
    with pytest.raises(Unavailable):
        await anna.seek()
    await town.after(12)
    town.p.lobby.away = set()
    await town.q.matching.available(town.q.client("ben"), True, False)
    await town.after(6)
    assert ben.events("user-offer")


@meeting
async def test_wishes_the_lobby_missed_reach_it_later(town: Town) -> None:
    anna, _ben = await town.p.join("anna"), await town.q.join("ben")
    town.q.lobby.away = {"available", "view"}
    with pytest.raises(Unavailable):
        await town.q.matching.available(town.q.client("ben"), False, False)
    town.q.lobby.away = set()
    await town.after(15.1)
    assert await anna.seek() == "waiting"


@meeting
async def test_a_page_that_lost_its_guest_to_a_newer_one_is_told_though_nobody_else_could(town: Town) -> None:
    old = await town.p.join("anna")
    new = await town.q.join("anna")  # no Takeover is sent here
    await town.after(16)
    assert old.told[-1] == ("user-replaced", {}) and old.closed == "replaced"
    assert not new.closed and (await new.where()).epoch == new.epoch
    await old.leaves()
    assert (await new.where()).state == "free"


@meeting
async def test_a_draining_process_does_not_bring_its_guests_back(town: Town) -> None:
    anna, ben = await asked(town)
    await town.q.matching.lease.drop()
    await town.after(31)
    assert (await ben.where()).state == "gone" and {"state": "next"} in anna.events("user-seek")


@meeting
async def test_the_words_for_how_many_are_free_follow_the_count_every_ten_seconds(town: Town) -> None:
    anna = await town.p.join("anna")
    assert await town.p.matching.reconciler.nearby("anna") == "none"
    for i in range(5):
        await town.q.join(f"b{i}")
    await town.after(10.1)
    assert [told["free_nearby"] for told in anna.events("user-nearby")] == ["few"]
    await town.q.join("b5")
    await town.after(10)
    assert [told["free_nearby"] for told in anna.events("user-nearby")] == ["few", "many"]
    await town.after(30)
    assert len(anna.events("user-nearby")) == 2


@meeting
async def test_a_move_while_asked_is_busy(town: Town) -> None:
    await asked(town)
    with pytest.raises(Busy):
        await town.lobby.move("ben", PARIS.key, PARIS.cell, PARIS.city)
