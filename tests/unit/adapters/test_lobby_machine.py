"""Random walks through every adapter of the lobby with two processes: M1-M9, M12-M15, checked after every step.

M10 and M11 are of the processes before it: the crowds of the simulation hold them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from citychat.model import Busy, District, Gone, Offer
from citychat.ports import Entry
from tests.simulation.lobbies import Embedded, MakeStand
from tests.simulation.scripted import Scripted, in_lua, private_redis
from tests.support.services.running import REDIS, is_tested
from tests.unit.adapters.known_lobby import GUESTS, LEASE_MS, Known, step

PROCESSES = ["p", "q"]
WALKS, STEPS = {"memory": 60, "lua": 5, "redis": 4}, 60  # the scripts are the twins' too, and take far longer
DEEPER = int(os.environ.get("CITYCHAT_WALKS", "1"))  # ``make prove`` asks for many times as many
ADAPTERS = [adapter for adapter in WALKS if adapter != "redis" or is_tested(REDIS)]
# Weighted towards what leads to offers: evenly drawn steps leave most guests hidden, away or on a dead process, and
# then nearly every broken rule goes unnoticed.
guests, processes = st.sampled_from(GUESTS), st.sampled_from(PROCESSES)
flags, mostly, seldom = st.booleans(), st.sampled_from([True] * 5 + [False]), st.sampled_from([False] * 5 + [True])
pools = st.sampled_from(["lyon"] * 7 + ["paris"])
districts = st.sampled_from([District(0, 0), District(0, 1), District(-7, 40)])
alive = st.sampled_from([("p", "q")] * 8 + [("p",), ("q",), ()])
spoken = st.sampled_from([(), (), ("fr",), ("fr", "eu"), ("eu",)])
pages = st.builds(
    lambda pool, district, available, slow, visible, towns, languages: Entry(
        "", "", pool, district, "City", available, slow, visible, towns=towns, languages=languages
    ),
    st.sampled_from(["lyon"] * 8 + ["paris", "paris", None]), districts, mostly, seldom, mostly, flags, spoken,
)  # fmt: skip


class LobbyMachine(RuleBasedStateMachine):
    def __init__(self, stand: MakeStand) -> None:
        super().__init__()
        self.known = Known(stand)
        for process in PROCESSES:
            self.renew(process)

    @invariant()
    def nothing_is_wrong(self) -> None:
        self.known.look()

    @initialize(pages=st.lists(pages, min_size=len(GUESTS), max_size=len(GUESTS)))
    def everybody_enters(self, pages: list[Entry]) -> None:
        for n, page in enumerate(pages):
            self.enter(GUESTS[n], PROCESSES[n % 2], page, False)
            self.known.now += 1

    @rule(guest=guests, process=processes, page=pages, stale=seldom)
    def enter(self, guest: str, process: str, page: Entry, stale: bool) -> None:
        """``stale``: the rows of the pairs were read before the last of them was written."""
        known = self.known
        blocked, avoided_networks = known.durable(guest)
        entry = replace(
            page,
            guest=guest,
            process=process,
            networks=known.networks(guest),
            blocked=blocked[:-1] if stale and known.where(guest).epoch else blocked,
            avoided_networks=avoided_networks,
            met=known.met(guest),
            session=known.row(guest),
        )
        known.came.add(guest)
        before = known.where(guest)
        entered = step(known.lobby.enter(entry))
        assert entered.epoch > before.epoch
        assert (entered.over, entered.ended) == (before.offer, None)
        assert entered.session == (entry.session.id if entry.session else None)  # M12
        known.pages[guest] = replace(entry, epoch=entered.epoch)
        if entered.session:
            known.change(guest, languages=())
        known.gone.pop(guest, None)

    @rule(guest=guests, old=mostly)
    def leave(self, guest: str, old: bool) -> None:
        known = self.known
        if guest in known.pages:
            known.by = guest
            before = known.where(guest)
            ended = step(known.lobby.leave(guest, known.pages[guest].epoch - old))
            if old:
                assert ended is None
                assert known.where(guest) == before
            else:
                del known.pages[guest]
                assert ended == before.offer
                self.assert_freed(before.offer, guest)

    def assert_freed(self, offer: Offer | None, guest: str) -> None:
        """M8: the other side at once, not only within a second."""
        if offer is not None and offer.id not in self.known.rung_on:
            other = self.known.where(offer.candidate if offer.seeker == guest else offer.seeker)
            assert (other.state, other.offer) == ("free", None)

    @rule(guest=guests)
    def anybody_seeks(self, guest: str) -> None:
        self.seek(guest)

    @precondition(lambda self: self.known.free())
    @rule(data=st.data(), passed_s=st.sampled_from([0, 0, 5, 15]), answer=st.sampled_from(["yes", "no", "later", ""]))
    def somebody_free_seeks(self, data: st.DataObject, passed_s: int, answer: str) -> None:
        """And is answered after a while, or not."""
        guest = data.draw(st.sampled_from(self.known.free()))
        self.seek(guest)
        offer = self.known.where(guest).offer
        if offer is not None:
            self.time_passes(passed_s, ("p", "q"))
            if answer and offer.id in self.known.offers:
                self.answer(offer, answer)

    def seek(self, guest: str) -> None:
        known = self.known
        known.look()
        before, lookers = known.where(guest), known.free(looking=True)
        if not before.looking:
            known.looks_since[guest] = known.now
        ranks = known.candidates(guest)
        sought = step(known.lobby.seek(guest, known.new_id(), 0, self.neighbours(guest)))
        after = known.where(guest)
        assert sought.state == {"chat": "matched", "free": "waiting", "gone": "waiting"}.get(after.state, after.state)
        assert (sought.offer, sought.session) == (after.offer, after.session)
        assert after.looking == (guest in known.pages and after.session is None)
        if before.state == "free":
            best = next((rank for rank in ranks if rank), [])
            assert sought.offer.candidate in best if sought.offer else best == []  # M13, M14
        if before.offer is not None:
            assert sought.offer == before.offer  # M10
        elif sought.offer is not None:
            assert sought.offer.looking == (sought.offer.candidate in lookers)
            known.opened(guest, sought.offer)
        known.look()

    def neighbours(self, guest: str) -> list[str]:
        """The other town."""
        return [
            pool for pool in ("lyon", "paris") if guest in self.known.pages and pool != self.known.pages[guest].pool
        ]

    @precondition(lambda self: self.known.offers)
    @rule(data=st.data(), answer=st.sampled_from(["yes", "no", "later"]))
    def somebody_asked_answers(self, data: st.DataObject, answer: str) -> None:
        self.answer(data.draw(st.sampled_from(list(self.known.offers.values()))), answer)

    def answer(self, offer: Offer, answer: str) -> None:
        known = self.known
        guest, s = offer.candidate, known.new_id()
        assert self.say(answer, offer, s) == (None if answer == "yes" else offer)
        del known.offers[offer.id]
        if answer != "yes":
            known.ended(offer)
        known.unanswered[guest] = 0
        if answer == "yes":
            known.over.append(offer)
            known.begun(s, offer.seeker, guest)
        elif answer == "no":
            known.block(offer.seeker, guest)
        else:
            known.change(guest, available=False)

    @precondition(lambda self: self.known.rung_on)
    @rule(data=st.data(), answer=st.sampled_from(["yes", "yes", "no", "later"]))
    def somebody_rung_on_answers(self, data: st.DataObject, answer: str) -> None:
        """Nothing changes for a seeker who knows nothing of it, but by a yes."""
        known = self.known
        offer = data.draw(st.sampled_from(list(known.rung_on.values())))
        before, s = known.where(offer.seeker), known.new_id()
        if answer == "yes" and self.waits_for(offer):
            assert self.say(answer, offer, s) == before.offer
            del known.rung_on[offer.id]
            known.over.append(offer)
            known.was_ended(before.offer)
            known.begun(s, offer.seeker, offer.candidate)
            return
        if answer == "yes":
            with pytest.raises(Gone):
                self.say(answer, offer, s)
        else:
            assert self.say(answer, offer, s) == offer
        known.was_ended(offer)
        known.unanswered[offer.candidate] = 0
        if answer == "no":
            known.block(offer.seeker, offer.candidate)
        elif answer == "later":
            known.change(offer.candidate, available=False)
        assert known.where(offer.seeker) == before
        assert known.where(offer.candidate).offer is None

    def waits_for(self, offer: Offer) -> bool:
        """Whether a yes still begins a chat with the seeker of that offer."""
        known, seeker = self.known, offer.seeker
        at = known.where(seeker)
        if at.state not in ("free", "asking") or known.apart(seeker, offer.candidate):
            return False
        page = known.pages[seeker]
        same = page.pool == known.pages[offer.candidate].pool
        return at.looking and page.pool == offer.pool and (same or page.towns)

    def say(self, answer: str, offer: Offer, s: str) -> Offer | None:
        lobby = self.known.lobby
        if answer == "yes":
            return step(lobby.accept(offer.candidate, offer.id, s))
        return step((lobby.decline if answer == "no" else lobby.later)(offer.candidate, offer.id))

    @precondition(lambda self: self.known.over)
    @rule(data=st.data(), answer=st.sampled_from(["yes", "no", "later"]))
    def answer_late(self, data: st.DataObject, answer: str) -> None:
        known = self.known
        offer = data.draw(st.sampled_from(known.over))
        if answer != "no" or known.refused_until.get(offer.id, 0) <= known.now:
            with pytest.raises(Gone):  # M7
                self.say(answer, offer, "late")
            return
        open_again = known.between(offer.seeker, offer.candidate)
        assert self.say("no", offer, "late") == (open_again or offer)  # M5
        known.block(offer.seeker, offer.candidate)
        known.was_ended(open_again)

    @rule(guest=guests)
    def stop(self, guest: str) -> None:
        self.known.by, self.known.stops = guest, True
        before = self.known.where(guest)
        assert step(self.known.lobby.stop(guest)) == before.offer
        assert not self.known.where(guest).looking
        self.assert_freed(before.offer, guest)

    @rule(guest=guests, visible=mostly, touched=flags)
    def view(self, guest: str, visible: bool, touched: bool) -> None:
        known = self.known
        if guest in known.pages:
            step(known.lobby.view(guest, visible, touched))
            known.change(guest, visible=visible)
            if touched:
                known.unanswered[guest] = 0

    @rule(guest=guests, on=mostly, slow=seldom)
    def available(self, guest: str, on: bool, slow: bool) -> None:
        if guest in self.known.pages:
            step(self.known.lobby.available(guest, on, slow))
            self.known.change(guest, available=on, slow=slow)

    @rule(guest=guests, towns=flags, languages=spoken)
    def prefer(self, guest: str, towns: bool, languages: tuple[str, ...]) -> None:
        known = self.known
        if guest in known.pages:
            step(known.lobby.prefer(guest, towns, languages))
            known.change(guest, towns=towns, languages=() if known.where(guest).session else languages)

    @rule(guest=guests, pool=pools, district=districts)
    def move(self, guest: str, pool: str, district: District) -> None:
        known = self.known
        if known.where(guest).offer is not None:
            with pytest.raises(Busy):
                step(known.lobby.move(guest, pool, district, "City"))
        else:
            step(known.lobby.move(guest, pool, district, "City"))
            known.change(guest, pool=pool, district=district)

    @precondition(lambda self: self.known.sessions)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        known = self.known
        s = data.draw(st.sampled_from(sorted(known.sessions)))
        members = known.sessions.pop(s)
        step(known.lobby.end(s, members))
        for member in members:
            known.change(member, available=False)
            assert known.where(member).state == ("free" if known.here(member) else "gone")

    @rule(a=guests, b=guests)
    def block(self, a: str, b: str) -> None:
        known = self.known
        if a != b and a in known.pages and b in known.came:
            ended = step(known.lobby.block(a, b))
            assert ended == known.between(a, b)
            known.block(a, b)
            known.was_ended(ended)
            step(known.lobby.avoid_networks(a, known.networks(b), known.now, known.met(a)))
            known.avoided.append((a, known.networks(b)[0], known.now))

    @rule(guest=guests, partner=guests, ms=st.sampled_from([5_000, 6_500, 13_000]))
    def never_answer(self, guest: str, partner: str, ms: int) -> None:
        if guest in self.known.pages and partner in self.known.pages:
            step(self.known.lobby.let_down(guest, partner, ms))
            self.known.let_down(guest, partner, ms)

    @rule(a=guests, b=guests)
    def talk_again(self, a: str, b: str) -> None:
        known = self.known
        s = known.new_id()
        free = a != b and known.as_free(known.where(a)) and known.as_free(known.where(b))
        happened = step(known.lobby.pair(s, [a, b]))
        assert happened == (free and not known.apart(a, b))
        if happened:
            known.begun(s, a, b)

    @rule(seconds=st.sampled_from([0.5, 5, 14, 15, 15, 61, 120, 120, 600, 90_000]), alive=alive)
    def time_passes(self, seconds: float, alive: tuple[str, ...]) -> None:
        """The processes ``alive`` renew every 5 s (all at the end, when it is long), the others are silent."""
        until = self.known.now + round(seconds * 1_000)
        while self.known.now < until:
            self.known.now = min(until, self.known.now + (5_000 if seconds <= 600 else until))
            for process in alive:
                self.renew(process)
            self.known.look()

    @rule(process=processes)
    def renew(self, process: str) -> None:
        self.known.break_off()  # before it lives again
        lived = self.known.leases.get(process, 0) > self.known.now
        assert step(self.known.lobby.renew(process)) == lived
        self.known.leases[process] = self.known.now + LEASE_MS

    @rule(shock=st.sampled_from(["", "", "", "", "drop p", "drop q", "lose everything"]))
    def shock(self, shock: str) -> None:
        if shock == "lose everything":
            self.lose_everything()
        elif shock:
            self.drop(shock[-1])

    def drop(self, process: str) -> None:
        known = self.known
        step(known.lobby.drop(process))
        known.leases.pop(process, None)
        known.look()
        known.pages = {guest: page for guest, page in known.pages.items() if page.process != process}

    def lose_everything(self) -> None:
        """§2.8: the lobby vanishes; the processes enter their guests again with the epochs they hold."""
        known = self.known
        known.new_lobby()
        known.leases.clear()
        for guest, page in list(known.pages.items()):
            blocked, avoided_networks = known.durable(guest)
            known.change(
                guest,
                blocked=blocked,
                avoided_networks=avoided_networks,
                met=known.met(guest),
                session=known.row(guest),
            )
            assert step(known.lobby.enter(known.pages[guest])).epoch == page.epoch
        for process in PROCESSES:
            self.renew(process)

    @precondition(lambda self: self.known.free(looking=True))
    @rule()
    def lookers_seek_again(self) -> None:
        """What every process does for a looker whose offer has ended, and every 5 s for one who waits."""
        known = self.known
        for guest in known.free(looking=True):
            self.seek(guest)
        free = known.free(looking=True)
        pairs = [(a, b) for a in free for b in free if a < b and known.may_meet(a, b)]
        pairs = [(a, b) for a, b in pairs if known.standing(a) == known.standing(b) != "alone"]
        pairs = [pair for pair in pairs if known.taken_back.get(frozenset(pair), 0) <= known.now]
        assert [pair for pair in pairs if not known.apart(*pair)] == []  # M14


@contextmanager
def stand_of(adapter: str) -> Iterator[MakeStand]:
    if adapter == "redis":
        with private_redis() as redis:
            yield partial(Scripted, redis)
    else:
        yield in_lua if adapter == "lua" else Embedded


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_whatever_guests_and_processes_do_the_rules_of_matching_hold(adapter: str) -> None:
    walks = settings(
        max_examples=WALKS[adapter] * DEEPER, stateful_step_count=STEPS, derandomize=True, database=None, deadline=None
    )
    with stand_of(adapter) as stand:
        run_state_machine_as_test(partial(LobbyMachine, stand), settings=walks)  # type: ignore[arg-type]  # it calls it
