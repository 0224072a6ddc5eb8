"""The embedded lobby's books: people, offers and leases, and the moves that keep them in agreement (M1-M3, M6, M9).

A guest's state follows from what the record points to and is stored nowhere; ``refile`` puts the guest where that state
belongs, after every change, so that the free sets cannot disagree with the records.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from random import Random
from typing import Literal

from citychat.adapters.memory.crowds import Crowds
from citychat.adapters.memory.letdowns import Letdowns
from citychat.adapters.memory.lobby_guest import LobbyGuest, rest, rest_though_looking, strangers
from citychat.adapters.memory.nearest import SpatialIndex
from citychat.adapters.memory.towns import Towns
from citychat.expiring import Expiring
from citychat.model import Offer
from citychat.ports import Entry
from citychat.rules import (
    BEHIND,
    BEHIND_MS,
    ENDED_MAX,
    ENDED_MS,
    FIRST_WORD_MS,
    FORGET_MS,
    LEASE_MS,
    LETDOWN_MS,
    MET_MS,
    UNASKED,
    held_until,
)


class LobbyState:
    """The lobby's data in memory. ``now`` is the instant of the running step, in ms; ``settle`` sets it."""

    def __init__(self, now_ms: Callable[[], int], random: Random) -> None:
        self.now = 0
        self.people: dict[str, LobbyGuest] = {}
        self.offers: dict[str, Offer] = {}
        self.index, self.crowds, self.towns = SpatialIndex(random), Crowds(random), Towns(random)
        self.letdowns = Letdowns(lambda: self.now)
        self._now_ms = now_ms
        self._endings: list[tuple[int, str]] = []
        self._ended = Expiring[str, Offer](ENDED_MAX, ENDED_MS, lambda: self.now)  # without a yes
        self._leases: dict[str, int] = {}
        self._guests_of: dict[str, dict[str, None]] = {}  # the guests of each process
        self._avoided: dict[str, dict[str, int]] = {}  # in each pool the networks that somebody keeps away, until when
        self._absent: OrderedDict[str, int] = OrderedDict()  # gone without a session, since when
        self.turns: list[tuple[int, str]] = []  # when somebody's place changes by time alone

    def settle(self) -> None:
        """Let everything happen that was due before this step."""
        self.now = now = self._now_ms()
        for process in [process for process, until in self._leases.items() if until <= now]:
            self.lapse(process)
        while self._endings and self._endings[0][0] <= now:
            offer = self.offers.get(heappop(self._endings)[1])
            if offer is not None:
                self._run_out(offer)
        while self.turns and self.turns[0][0] <= now:
            self._refile_if_known(heappop(self.turns)[1])
        while self._absent and next(iter(self._absent.values())) <= now - FORGET_MS:
            guest, _ = self._absent.popitem(last=False)
            self._take_out(self.people.pop(guest))

    def ended(self, offer: str) -> Offer | None:
        """An offer that ended without a yes within the last hour."""
        return self._ended.get(offer)

    def state(self, person: LobbyGuest) -> Literal["gone", "free", "asking", "asked", "chat"]:
        if person.session is not None:
            return "chat"
        if person.offer is not None:
            return "asking" if person.offer.seeker == person.id else "asked"
        return "free" if person.online and person.process in self._leases else "gone"

    def is_free(self, person: LobbyGuest) -> bool:
        """Tell whether the guest is free, or is as free as others know: who asks sees no ring that goes on."""
        return self.state(person) == "free" or person.is_rung_on(self.now)

    def refile(self, person: LobbyGuest) -> None:
        """Put the guest where the state belongs: into the index, among the absent, or into neither."""
        state = self.state(person)
        if self.is_free(person) and person.pool is not None:
            self.index.put(person.id, person.pool, self.rank(person), person.district)
        else:
            self.index.discard(person.id)
        has_met = person.has_just_met(self.now)
        takes_part = has_met or (state != "gone" and person.looking)
        if takes_part and person.pool is not None and self.letdowns.standing(person.id) != "alone":
            self.crowds.put(person.id, person.pool, person.network, has_met)
        else:
            self.crowds.discard(person.id)
        self.towns.file(person, self.index, self.crowds, has_met)
        if state == "gone":
            self._absent.setdefault(person.id, self.now)
        else:
            self._absent.pop(person.id, None)

    def rank(self, person: LobbyGuest) -> int:
        """Return where the guest stands among those who may be asked, by wish and by what others know of it."""
        rank, standing = person.rank(), self.letdowns.standing(person.id)
        if rank == UNASKED or standing == "alone" or person.offer is not None:
            return UNASKED
        return BEHIND if standing else rank

    def let_down(self, guest: str, by: str = "", ms: int = FIRST_WORD_MS) -> None:
        """Note a letdown of this guest, or of less than FIRST_WORD_MS a part of one; ``by``: who complains of it."""
        if self.letdowns.note(guest, by, ms):
            standing = self.letdowns.standing(guest)
            if standing:
                heappush(self.turns, (self.now + (LETDOWN_MS if standing == "alone" else BEHIND_MS), guest))
            self._refile_if_known(guest)

    def _refile_if_known(self, guest: str) -> None:
        if guest in self.people:
            self.refile(self.people[guest])

    def stands_in(self, guest: str, pool: str) -> bool:
        """Tell whether the guest is free, or might be asked, in this pool."""
        return guest in self.index and self.people[guest].pool == pool

    def put_in(self, person: LobbyGuest, entry: Entry) -> None:
        """Put a guest in, or change the one who is. Who is blocked here stays blocked: the row of a decline may not
        have reached history yet (protocol §3)."""
        self._take_out(person)
        self._absent.pop(person.id, None)  # a new visit, even if its process has yet to renew
        self._guests_of.setdefault(entry.process, {})[entry.guest] = None
        person.process, person.online = entry.process, True
        person.pool, person.district, person.city = entry.pool, entry.district, entry.city
        person.available, person.slow, person.visible = entry.available, entry.slow, entry.visible
        person.networks, person.network, person.own_network = entry.networks, entry.network, entry.own_network
        person.towns, person.languages = entry.towns, () if person.session else entry.languages
        for other in entry.blocked:
            self.part(person.id, other)
        for network, at in entry.avoided_networks.items():
            person.avoid_network(network, at)
        self.note_avoided(person)
        person.met.update(entry.met)
        self.refile(person)

    def note_avoided(self, person: LobbyGuest) -> None:
        """Remember which networks this guest keeps away in the pool, for as long as that lasts, whoever leaves."""
        if person.pool is None or not person.avoided_networks:
            return
        kept = {network: end for network, end in self._avoided.pop(person.pool, {}).items() if end > self.now}
        for network, at in person.avoided_networks.items():
            end = held_until("avoided network", at)
            if end > self.now:
                kept[network] = max(end, kept.get(network, end))
        if kept:
            self._avoided[person.pool] = kept

    def is_avoided_in(self, pool: str, network: str) -> bool:
        """Tell whether somebody of the pool may keep this network away."""
        return self._avoided.get(pool, {}).get(network, 0) > self.now

    def dismiss(self, person: LobbyGuest) -> None:
        """Note that the socket is closed."""
        person.online, person.looking, person.languages = False, False, ()
        self.refile(person)

    def open(self, offer: Offer) -> None:
        """Open it. Who looks, and is asked by another network, takes part for a while, whatever comes of it: who says
        nothing, no or later at the last moment takes others their time as well as who talks."""
        seeker, candidate = self._sides(offer)
        if offer.looking:
            self._note_led((candidate,), offer)
        self.offers[offer.id] = seeker.offer = candidate.offer = offer
        heappush(self._endings, (offer.ends, offer.id))
        candidate.rung = self.now
        self.refile(seeker)
        self.refile(candidate)

    def note_meeting(self, offer: Offer) -> None:
        """Note that the two of this offer will talk; if they are of two networks they take part for a while."""
        self._note_led(self._sides(offer), offer)

    def _note_led(self, who: Iterable[LobbyGuest], offer: Offer) -> None:
        seeker, candidate = self._sides(offer)
        if seeker.network != candidate.network:
            for person in who:
                person.last_met = self.now
                heappush(self.turns, (self.now + MET_MS, person.id))

    def close(self, offer: Offer, accepted: bool = False) -> tuple[LobbyGuest, LobbyGuest]:
        """Free both sides, or the candidate who is rung on; seeker and candidate."""
        del self.offers[offer.id]
        seeker, candidate = self._sides(offer)
        if not accepted:
            self._ended[offer.id] = offer
        self._stop_asking(seeker, offer, rests=not accepted)
        candidate.offer = None
        self.refile(candidate)
        return seeker, candidate

    def _stop_asking(self, seeker: LobbyGuest, offer: Offer, rests: bool) -> None:
        """Free a seeker who asks still."""
        if seeker.offer is offer:
            seeker.offer = None
            seeker.asks_from = self.now + (seeker.rest_ms if rests else 0)
            self.refile(seeker)

    def _run_out(self, offer: Offer) -> None:
        """Its time is over, the seeker's and perhaps the candidate's. Who looked and did not answer looks no longer,
        unless a process was silent: then nobody could."""
        seeker, candidate = self._sides(offer)
        asks = seeker.offer is offer
        if candidate.process not in self._leases or (asks and seeker.process not in self._leases):
            self.close(offer)
            return
        candidate.looking = False
        if offer.rings_until <= self.now:
            self.fall_through(offer)
            return
        self._count_unanswered(offer, rest)
        self._stop_asking(seeker, offer, rests=True)
        heappush(self._endings, (offer.rings_until, offer.id))
        self.refile(candidate)

    def fall_through(self, offer: Offer | None, by: str = "", *, stops: bool = False) -> Offer | None:
        """End an offer that got no answer, whatever the reason; ``by``: the guest who has ended it, and ``stops``, who
        did not merely lose the link.

        Rings that are taken back count like the others, or somebody could ring for ever by pressing Stop in time.
        """
        if offer is not None:
            taken_back = by == offer.seeker
            self._count_unanswered(offer, rest_though_looking if taken_back and stops else rest)
            self.close(offer)
            if taken_back:
                self.let_down(by)
        return offer

    def _count_unanswered(self, offer: Offer, pause: Callable[[LobbyGuest, LobbyGuest, int], None]) -> None:
        """Once, when it ends for the seeker: a ring that goes on changes nothing."""
        seeker, candidate = self._sides(offer)
        if seeker.offer is offer:
            pause(seeker, candidate, min(self.now, offer.ends))  # it may be settled long after it ended
            candidate.unanswered += not offer.looking

    def may_go_on(self, offer: Offer | None) -> bool:
        """Tell whether an open offer goes on when a page is entered that is here already."""
        return offer is None or not strangers(*self._sides(offer), self.now)

    def begin(self, person: LobbyGuest, session_id: str, partner: str) -> None:
        if person.offer is not None:
            self.close(person.offer)  # nobody's doing: nobody rests, and no ring counts
        person.session, person.looking, person.languages = session_id, False, ()
        if person.avoided_networks:
            person.met.add(partner)
        self.refile(person)

    def end(self, session_id: str, members: Sequence[str]) -> None:
        """End a session for those of them who are in it."""
        for member in members:
            person = self.people.get(member)
            if person is not None and person.session == session_id:
                person.session = None
                person.looking = person.available = False
                self.refile(person)

    def part(self, a: str, b: str) -> None:
        """End the session that two share, if they do: they are kept apart from now on (M5)."""
        if a in self.people and b in self.people:
            s = self.people[a].session
            if s is not None and s == self.people[b].session:
                self.end(s, (a, b))

    def block(self, a: str, b: str) -> Offer | None:
        """Keep two apart for ever; return the open offer between them that this has ended. A session of theirs ends
        too."""
        for one, other in ((a, b), (b, a)):
            if one in self.people:
                self.people[one].blocked[other] = None
        self.part(a, b)
        for one, other in ((a, b), (b, a)):  # of a ring that goes on the candidate alone knows
            offer = self.people[one].offer if one in self.people else None
            if offer is not None and other in (offer.seeker, offer.candidate):
                self.close(offer)
                return offer
        return None

    def renew(self, process: str) -> bool:
        """Renew the lease; return whether the process was known to live."""
        known = process in self._leases
        self._leases[process] = self.now + LEASE_MS
        if not known:  # its first, or it was frozen for longer than its lease and is back with its guests
            for person in self.guests(process):
                self.refile(person)
        return known

    def lapse(self, process: str) -> None:
        """The process is silent: nobody may be led to its guests. They keep their wishes in case it comes back."""
        self._leases.pop(process, None)
        for person in self.guests(process):
            if person.offer is not None:
                self.close(person.offer)  # nobody's doing: nobody rests, and no ring counts
            self.refile(person)

    def guests(self, process: str) -> list[LobbyGuest]:
        return [self.people[guest] for guest in self._guests_of.get(process, ())]

    def _sides(self, offer: Offer) -> tuple[LobbyGuest, LobbyGuest]:
        return self.people[offer.seeker], self.people[offer.candidate]

    def _take_out(self, person: LobbyGuest) -> None:
        guests = self._guests_of.get(person.process, {})
        guests.pop(person.id, None)
        if not guests:
            self._guests_of.pop(person.process, None)
