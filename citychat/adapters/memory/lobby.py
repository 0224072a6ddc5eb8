"""The embedded lobby: who is free, asked, talking, in the memory of one process (protocol §3).

Every method is one atomic step, because none of them awaits anything.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Self

from citychat.adapters.memory.candidates import candidates, is_led_to, may_begin
from citychat.adapters.memory.lobby_guest import LobbyGuest, end_rest, may_be_asked, strangers
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.model import Busy, District, Gone, Offer, Session
from citychat.ports import Entered, Entry, GuestStatus, SeekResult
from citychat.rules import COUNTED_NEARBY, RING_S, SLOW_RING_S, held_after


class MemoryLobby:
    """A Lobby in memory.

    ``now_ms`` is its clock, which must not step, ``ring_s`` how long an offer waits for an answer. It serves any number
    of processes inside one interpreter, and like the real one only those that ``renew``: the first time before guests
    can be found. Absent guests without a session are forgotten after 10 min.
    """

    def __init__(self, now_ms: Callable[[], int], random: Random, ring_s: int = RING_S) -> None:
        self.now_ms, self._ring_s = now_ms, ring_s
        self._state = LobbyState(now_ms, random)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close; there for the sake of the port."""

    async def enter(self, entry: Entry) -> Entered:
        state = self._settled()
        person = state.people.setdefault(entry.guest, LobbyGuest(entry.guest))
        if 0 < entry.epoch < person.epoch:
            return Entered(person.epoch)
        same_page = entry.epoch == person.epoch and person.online
        person.epoch = entry.epoch or max(person.epoch + 1, state.now * 1_000)
        person.blocked |= dict.fromkeys(entry.blocked)
        over = None
        if not same_page or entry.session is not None or not state.may_go_on(person.offer):
            over = state.fall_through(person.offer)
            person.looking = False
        state.put_in(person, entry)
        ended = self._resume(entry.session)
        return Entered(person.epoch, person.session, ended, over)

    async def leave(self, guest: str, epoch: int) -> Offer | None:
        person = self._person(guest)
        if person is None or person.epoch != epoch:
            return None
        over = self._state.fall_through(person.offer, by=guest)
        self._state.dismiss(person)
        return over

    async def seek(self, guest: str, offer: str, rest_ms: int, neighbours: Sequence[str] = ()) -> SeekResult:
        person = self._person(guest)
        if person is not None and person.session is not None:
            return SeekResult("matched", session=person.session)
        if person is None or not person.online:
            return SeekResult("waiting")
        self._look(person)
        running = person.offer or self._claim(person, offer, rest_ms, neighbours)
        if running is None:
            return SeekResult("waiting")
        return SeekResult("asking" if running.seeker == guest else "asked", running)

    async def accept(self, guest: str, offer: str, session_id: str) -> Offer | None:
        state, answered = self._state, self._answered(guest, offer)
        if not may_begin(state, answered):
            state.close(answered)
            raise Gone
        state.note_meeting(answered)
        seeker, candidate = state.close(answered, accepted=True)
        taken_back = seeker.offer
        state.begin(seeker, session_id, candidate.id)
        state.begin(candidate, session_id, seeker.id)
        return taken_back

    async def decline(self, guest: str, offer: str) -> Offer:
        state = self._settled()
        answered = self._answered(guest, offer) if offer in state.offers else state.ended(offer)
        if answered is None or answered.candidate != guest:
            raise Gone
        return state.block(answered.seeker, guest) or answered

    async def later(self, guest: str, offer: str) -> Offer:
        answered = self._answered(guest, offer)
        _, candidate = self._state.close(answered)
        candidate.looking = candidate.available = False
        self._state.refile(candidate)
        return answered

    async def stop(self, guest: str) -> Offer | None:
        person = self._person(guest)
        if person is None:
            return None
        person.looking = False
        self._state.refile(person)
        return self._state.fall_through(person.offer, by=guest, stops=True)

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        person = self._person(guest)
        if person is not None:
            person.visible = visible
            if touched:
                person.unanswered = 0
            self._state.refile(person)

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        person = self._person(guest)
        if person is not None:
            person.available, person.slow = on, slow
            self._state.refile(person)

    async def prefer(self, guest: str, towns: bool, languages: Sequence[str]) -> None:
        person = self._person(guest)
        if person is not None:
            person.towns = towns
            if person.online and person.session is None:
                person.languages = tuple(languages)
            self._state.refile(person)

    async def move(self, guest: str, pool: str, district: District, city: str) -> None:
        person = self._person(guest)
        if person is not None:
            if person.offer is not None:
                raise Busy(retry_ms=person.offer.ends_for(guest) - self._state.now)
            person.pool, person.district, person.city = pool, district, city
            self._state.note_avoided(person)
            self._state.refile(person)

    async def end(self, session_id: str, members: Sequence[str]) -> None:
        self._settled().end(session_id, members)

    async def block(self, a: str, b: str) -> Offer | None:
        return self._settled().block(a, b)

    async def let_down(self, guest: str, partner: str, ms: int) -> None:
        state = self._settled()
        other = state.people.get(partner)
        state.let_down(guest, (other is not None and (other.network or other.own_network)) or partner, ms)

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int, met: Sequence[str]) -> None:
        person = self._person(guest)
        if person is not None:
            after = held_after("avoided network", self._state.now)
            old = person.avoided_networks
            person.avoided_networks = {network: since for network, since in old.items() if since > after}
            for network in networks:
                person.avoid_network(network, at)
            self._state.note_avoided(person)
            person.met.update(met)

    async def networks(self, guest: str) -> tuple[str, ...]:
        person = self._person(guest)
        return person.networks if person is not None else ()

    async def pair(self, session_id: str, members: Sequence[str]) -> bool:
        state = self._settled()
        a, b = (state.people.get(member) for member in members)
        if a is None or b is None or strangers(a, b, state.now):
            return False
        if not (state.is_free(a) and state.is_free(b)):
            return False
        state.begin(a, session_id, b.id)
        state.begin(b, session_id, a.id)
        return True

    async def ask(self, guest: str, other: str, offer: str) -> Offer | None:
        state = self._settled()
        seeker, candidate = state.people.get(guest), state.people.get(other)
        if seeker is None or candidate is None or not may_be_asked(candidate, seeker, state.now):
            return None
        if state.state(seeker) != "free" or state.state(candidate) != "free" or not candidate.may_be_rung():
            return None
        return self._open(seeker, candidate, offer, wished=not seeker.looking)

    async def nearby(self, guest: str, neighbours: Sequence[str] = ()) -> int:
        person = self._person(guest)
        if person is None or person.pool is None:
            return 0
        index, towns = self._state.index, self._state.towns.index
        here = index.count(person.pool) - (guest in index)
        there = sum(towns.count(pool) for pool in neighbours) if person.towns else 0
        return min(here + there, COUNTED_NEARBY)

    async def status(self, guests: Sequence[str]) -> list[GuestStatus]:
        state = self._settled()
        known = (state.people.get(guest) for guest in guests)
        return [
            GuestStatus(v.epoch, state.state(v), v.looking, v.offer, v.session) if v else GuestStatus() for v in known
        ]

    async def renew(self, process: str) -> bool:
        return self._settled().renew(process)

    async def drop(self, process: str) -> None:
        state = self._settled()
        state.lapse(process)
        for person in state.guests(process):
            state.dismiss(person)

    async def mend(self, guests: Sequence[str]) -> None:
        """Nothing to mend; there for the sake of the port."""

    def _settled(self) -> LobbyState:
        self._state.settle()
        return self._state

    def _person(self, guest: str) -> LobbyGuest | None:
        return self._settled().people.get(guest)

    def _answered(self, guest: str, offer: str) -> Offer:
        """The open offer that ``guest`` answers. Raises Gone."""
        state = self._settled()
        answered = state.offers.get(offer)
        if answered is None or answered.candidate != guest:
            raise Gone
        state.people[guest].unanswered = 0
        return answered

    def _look(self, person: LobbyGuest) -> None:
        """A rest ends the moment both look."""
        if not person.looking:
            person.looking, person.looks_since = True, self._state.now
            self._state.refile(person)
            for guest in list(person.rests):
                other = self._state.people.get(guest)
                if other is not None and other.looking:
                    end_rest(person, other)

    def _claim(self, seeker: LobbyGuest, offer: str, rest_ms: int, neighbours: Sequence[str]) -> Offer | None:
        """Ask the best candidate, if there is one."""
        state = self._state
        if seeker.id not in state.index or seeker.pool is None:
            return None
        for guest in candidates(state, seeker, neighbours):
            candidate = state.people[guest]
            if is_led_to(state, candidate, seeker):
                seeker.rest_ms = rest_ms
                return self._open(seeker, candidate, offer)
        return None

    def _open(self, seeker: LobbyGuest, candidate: LobbyGuest, offer: str, wished: bool = False) -> Offer:
        now, seconds = self._state.now, SLOW_RING_S if candidate.slow else self._ring_s
        ends, rings_until = now + self._ring_s * 1_000, now + seconds * 1_000
        sides = seeker.id, candidate.id
        pool = seeker.pool or ""
        opened = Offer(offer, *sides, seeker.city, seconds, candidate.looking, ends, rings_until, wished, pool)
        self._state.open(opened)
        return opened

    def _resume(self, row: Session | None) -> str | None:
        """Take up ``row`` for all its members (§2.8); its id when it must end, because one of them is in another chat
        or they are kept apart (M5). An open offer of theirs ends: only a lobby that has gone back has one."""
        if row is None:
            return None
        people = self._state.people
        if any(member in people and people[member].session not in (None, row.id) for member in row.members):
            return row.id
        one, other = row.members
        if any(a in people and b in people[a].blocked for a, b in ((one, other), (other, one))):
            return row.id  # each side may know of it alone, also of somebody who is not here
        for member in row.members:
            person = people.setdefault(member, LobbyGuest(member))
            self._state.begin(person, row.id, row.partner(member))
        return None
