"""What guests and processes know of a lobby from outside, and what must be true of it whenever they look."""

from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

from msgspec.structs import replace

from citychat.model import Offer, Session
from citychat.ports import Entry, GuestStatus
from citychat.rules import DAY_MS
from tests.simulation.lobbies import MakeStand

T = TypeVar("T")
GUESTS = [f"guest {n}" for n in range(6)]
ALONE_MS, BEHIND_MS, PATIENT_MS, FIRST_WORD_MS = 3_600_000, 600_000, 10_000, 13_000
LANGUAGE_MS = 10_000
LEASE_MS, RING_PAUSE_MS, REST_MS, FORGET_MS, LATE_NO_MS = 15_000, 120_000, 600_000, 600_000, 3_600_000


def step(method: Coroutine[Any, Any, T]) -> T:
    """Run a method to its end; it would not be atomic if it awaited anything."""
    try:
        method.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    raise AssertionError("a method of the lobby awaited something")


class Known:
    """``pages``: with which entry each open page came, kept up to date; ``offers``: those that run; ``rung_on``: those
    that are over for the seeker alone. ``stand`` makes the lobby."""

    def __init__(self, stand: MakeStand) -> None:
        self.now = 1_700_000_000_000
        self.pages: dict[str, Entry] = {}
        self.leases: dict[str, int] = {}
        self.came: set[str] = set()
        self.blocked: dict[frozenset[str], None] = {}
        self.avoided: list[tuple[str, str, int]] = []
        self.talked: set[frozenset[str]] = set()
        self.sessions: dict[str, tuple[str, ...]] = {}
        self.offers: dict[str, Offer] = {}
        self.rung_on: dict[str, Offer] = {}
        self.over: list[Offer] = []
        self._ids = 0
        self.stand = stand(lambda: self.now, Random(3))
        self.lobby = self.stand.lobby
        self.new_lobby()

    def new_lobby(self) -> None:
        """An empty one; it has forgotten offers and courtesies."""
        self.stand.forget()
        self.over += [*self.offers.values(), *self.rung_on.values()]
        self.offers, self.rung_on = {}, {}
        self.refused_until: dict[str, int] = {}
        self.rung: dict[str, int] = {}
        self.unanswered: dict[str, int] = dict.fromkeys(GUESTS, 0)
        self.rests: dict[frozenset[str], int] = {}
        self.taken_back: dict[frozenset[str], int] = {}
        self.letdowns: dict[str, list[tuple[int, str, int]]] = {guest: [] for guest in GUESTS}
        self.complaints: list[tuple[int, str]] = []
        self.looks_since: dict[str, int] = {}
        self.by, self.stops = "", False  # who leaves or stops in this step
        self.gone: dict[str, int] = {}

    def new_id(self) -> str:
        self._ids += 1
        return f"id {self._ids}"

    def where(self, guest: str) -> GuestStatus:
        (found,) = step(self.lobby.status([guest]))
        return found

    def here(self, guest: str) -> bool:
        return guest in self.pages and self.leases.get(self.pages[guest].process, 0) > self.now

    def free(self, looking: bool = False) -> list[str]:
        found = zip(GUESTS, step(self.lobby.status(GUESTS)), strict=True)
        return [guest for guest, at in found if at.state == "free" and at.looking >= looking]

    def networks(self, guest: str) -> tuple[str, ...]:
        return ("even",) if GUESTS.index(guest) % 2 == 0 else ("odd",)

    def row(self, guest: str) -> Session | None:
        mine = [(s, members) for s, members in self.sessions.items() if guest in members]
        return Session(*mine[0], ("Amber Fox", "Teal Owl"), "City", 0, 1) if mine else None

    def durable(self, guest: str) -> tuple[tuple[str, ...], dict[str, int]]:
        """Who is blocked for the guest, and which networks it avoids."""
        blocked = tuple(other for other in GUESTS if frozenset((guest, other)) in self.blocked)
        return blocked, {network: at for who, network, at in self.avoided if who == guest}

    def met(self, guest: str) -> tuple[str, ...]:
        """With whom the guest has talked."""
        return tuple(other for other in GUESTS if frozenset((guest, other)) in self.talked)

    def begun(self, s: str, a: str, b: str) -> None:
        """Note that the two talk."""
        self.sessions[s] = (a, b)
        for guest in (a, b):
            self.change(guest, languages=())
        self.talked.add(frozenset((a, b)))

    def block(self, a: str, b: str) -> None:
        """Note that the two are kept apart for ever, and that a session of theirs has ended (M5)."""
        self.blocked[frozenset((a, b))] = None
        for s in [s for s, members in self.sessions.items() if set(members) == {a, b}]:
            del self.sessions[s]
            for guest in (a, b):
                self.change(guest, available=False)

    def apart(self, a: str, b: str) -> bool:
        """Whether M5 keeps these two apart now."""
        return frozenset((a, b)) in self.blocked or self._avoids(a, b) or self._avoids(b, a)

    def _avoids(self, a: str, b: str) -> bool:
        return any(
            who == a and network in self.networks(b) and frozenset((a, b)) not in self.talked and self.now < at + DAY_MS
            for who, network, at in self.avoided
        )

    def change(self, guest: str, **fields: object) -> None:
        if guest in self.pages:
            self.pages[guest] = replace(self.pages[guest], **fields)

    def candidates(self, seeker: str) -> list[list[str]]:
        """Whom ``seeker`` may be led to if free: lookers in view, lookers hidden, idle guests of the own town, the same
        of the other one, those behind all of the own town, of the other one."""
        ranks: list[list[str]] = [[], [], [], [], [], [], [], []]
        for guest in self.free():
            if guest == seeker or seeker not in self.pages or self.apart(guest, seeker):  # M5
                continue
            if not self.may_meet(guest, seeker):
                continue
            page = self.pages[guest]
            near = int(page.pool != self.pages[seeker].pool)
            standing = self.standing(guest)
            if standing == "alone" or self.taken_back.get(frozenset((guest, seeker)), 0) > self.now:
                continue
            if self.where(guest).looking:
                ranks[6 + near if standing else 3 * near + (not page.visible)].append(guest)
            elif page.visible and page.available and self._may_ring(guest, seeker):
                ranks[6 + near if standing else 3 * near + 2].append(guest)
        match self.standing(seeker):
            case "alone":
                return []
            case "behind":
                return ranks[6:]
        return ranks if self.now >= self.looks_since[seeker] + PATIENT_MS else ranks[:6]

    def may_meet(self, guest: str, seeker: str) -> bool:
        """Whether towns and languages let the two meet; there are two towns, and each is near the other."""
        page, me = self.pages[guest], self.pages[seeker]
        if None in (page.pool, me.pool) or not self._understand(guest, seeker):
            return False
        return page.pool == me.pool or (page.towns and me.towns)

    def _understand(self, guest: str, seeker: str) -> bool:
        """Whether the two have a language in common, or need none any more: after 10 s of looking."""
        spoken = [set(self.pages[one].languages) for one in (guest, seeker)]
        looks = [self.looks_since[one] for one in (guest, seeker) if one == seeker or self.where(one).looking]
        patient = all(self.now >= since + LANGUAGE_MS for since in looks)
        return patient or not all(spoken) or not spoken[0].isdisjoint(spoken[1])

    def standing(self, guest: str) -> str:
        """Whether two letdowns of the last hour put the guest behind everybody, or five leave it alone."""
        last = max((at for at, _, _ in self.letdowns[guest]), default=0)
        weight = sum(ms for at, _, ms in self.letdowns[guest] if last - at < ALONE_MS) / FIRST_WORD_MS
        if weight >= 5 and self.now < last + ALONE_MS:
            return "alone"
        return "behind" if weight >= 2 and self.now < last + BEHIND_MS else ""

    def _may_ring(self, guest: str, seeker: str) -> bool:
        rested = self.rests.get(frozenset((guest, seeker)), 0) <= self.now
        return rested and self.rung.get(guest, 0) + RING_PAUSE_MS <= self.now and self.unanswered[guest] < 2  # M15

    def opened(self, seeker: str, offer: Offer) -> None:
        """An offer was made just now."""
        assert offer.seeker == seeker
        assert offer.seconds == (60 if self.pages[offer.candidate].slow else 15)
        assert (offer.ends, offer.rings_until) == (self.now + 15_000, self.now + offer.seconds * 1_000)
        self.rung[offer.candidate] = self.now
        self.offers[offer.id] = offer

    def fell_through(self, offer: Offer) -> None:
        del self.offers[offer.id]
        if self.where(offer.candidate).offer == offer:
            self.rung_on[offer.id] = offer
        else:
            self.ended(offer)
        self.unanswered[offer.candidate] += not offer.looking
        taken_back = self.by == offer.seeker and self.now < offer.ends
        rests = self.taken_back if taken_back and self.stops else self.rests
        rests[frozenset((offer.seeker, offer.candidate))] = min(self.now, offer.ends) + REST_MS
        if taken_back:
            self.letdowns[self.by].append((self.now, "", FIRST_WORD_MS))

    def let_down(self, guest: str, partner: str, ms: int) -> None:
        """Note that ``guest`` has left a word of ``partner``, who is here, has no network and so complains alone,
        unanswered for so long."""
        by = partner
        of_guest = [by for at, by, _ in self.letdowns[guest] if self.now < at + ALONE_MS]
        complained = [other for at, other in self.complaints if self.now < at + ALONE_MS]
        if by not in of_guest and complained.count(by) < 3:
            self.complaints.append((self.now, by))
            self.letdowns[guest].append((self.now, by, ms))

    def break_off(self) -> None:
        """End the offers of processes that are gone, or were silent for longer than their lease: nobody rests."""
        for offer in list(self.offers.values()):
            if self._is_silent(offer.seeker) or self._is_silent(offer.candidate):
                del self.offers[offer.id]
                self.ended(offer)
        for offer in list(self.rung_on.values()):
            if self._is_silent(offer.candidate):
                del self.rung_on[offer.id]
                self.ended(offer)

    def between(self, a: str, b: str) -> Offer | None:
        """The offer between these two that runs, perhaps for the candidate alone."""
        running = [*self.offers.values(), *self.rung_on.values()]
        found = [offer for offer in running if {offer.seeker, offer.candidate} == {a, b}]
        assert len(found) <= 1
        return found[0] if found else None

    def was_ended(self, offer: Offer | None) -> None:
        """Note that an offer that ran is over."""
        if offer is not None:
            (self.offers if offer.id in self.offers else self.rung_on).pop(offer.id)
            self.ended(offer)

    def _is_silent(self, guest: str) -> bool:
        return guest in self.pages and self.leases.get(self.pages[guest].process, 0) <= self.now

    def ended(self, offer: Offer) -> None:
        """Without a yes: for an hour a no still bars the pair."""
        self.over.append(offer)
        self.refused_until[offer.id] = self.now + LATE_NO_MS

    def look(self) -> None:
        """Look at everybody at once: check the invariants, and learn which offers fell through."""
        self.break_off()
        found = dict(zip(GUESTS, step(self.lobby.status(GUESTS)), strict=True))
        for guest, at in found.items():
            self._note_absence(guest, at)
            self._check(guest, at, found)
        stands = [guest for guest, at in found.items() if self.as_free(at) and self.pages[guest].pool is not None]
        assert sorted(self.stand.books.index) == stands  # M3
        assert not list(self.stand.misfiled)  # M3
        for offer in list(self.offers.values()):
            if found[offer.seeker].offer != offer:
                self.fell_through(offer)
        for offer in list(self.rung_on.values()):
            if found[offer.candidate].offer != offer:
                self.was_ended(offer)
        for pair in list(self.rests):
            if all(found[guest].looking for guest in pair):
                del self.rests[pair]
        self.by, self.stops = "", False
        running = {*self.offers, *self.rung_on}
        assert running == {at.offer.id for at in found.values() if at.offer is not None}  # M2

    def as_free(self, at: GuestStatus) -> bool:
        """Free, or as free as others know."""
        return at.state == "free" or (at.offer is not None and at.offer.ends <= self.now)

    def _note_absence(self, guest: str, at: GuestStatus) -> None:
        since = self.gone.setdefault(guest, self.now) if at.state == "gone" else self.gone.pop(guest, None)
        if at.epoch == 0:  # never here, or forgotten; with a page when its process was silent for so long
            assert guest not in self.pages or (since is not None and since + FORGET_MS <= self.now)
            self.gone.pop(guest, None)
            self.pages.pop(guest, None)
            self.unanswered[guest] = 0
        assert at.epoch == 0 or since is None or self.now < since + FORGET_MS  # memory stays bounded

    def _check(self, guest: str, at: GuestStatus, found: dict[str, GuestStatus]) -> None:
        row = self.row(guest)
        if row is not None and (at.epoch or at.session):
            assert (at.state, at.session, at.offer) == ("chat", row.id, None)  # M1, M2, M12
        elif at.offer is not None:
            seeker, candidate = at.offer.seeker, at.offer.candidate
            assert (at.state, at.session) == ("asking" if seeker == guest else "asked", None)  # M1
            assert seeker != candidate
            asks_still = self.now < at.offer.ends
            assert found[candidate].offer == at.offer  # M2, M4
            assert (found[seeker].offer == at.offer) == asks_still  # M2, M4, M6
            assert self.now < at.offer.ends_for(guest)  # M6
            assert self.here(guest)  # M9
            assert frozenset((seeker, candidate)) not in self.blocked  # M5
        else:
            assert (at.state, at.session) == ("free" if self.here(guest) else "gone", None)  # M3, M9
