"""A guest as the embedded lobby remembers it, and the test which two guests may be led to each other (protocol §3)."""

from dataclasses import dataclass, field

from citychat.model import NOWHERE, District, Offer
from citychat.rules import (
    IDLE_IN_VIEW,
    LANGUAGE_MS,
    LOOKING_HIDDEN,
    LOOKING_IN_VIEW,
    MET_MS,
    REST_MS,
    RING_PAUSE_MS,
    RINGS_UNANSWERED,
    UNASKED,
    is_avoided,
)


@dataclass(slots=True, eq=False)
class LobbyGuest:
    """One guest. ``network``: what all guests of one share, "" without any; ``own_network``: the same of one address
    of the host's own network. ``rests``: until when, with whom, unless
    both look; ``taken_back``: the same, looking or not;
    ``rung``: when somebody last asked for this guest; ``last_met``: when a chat with another network began;
    ``looks_since``: when this guest began to look; ``asks_from``: since when nobody who does not look is asked for this
    guest, ``rest_ms`` after the last who said no yes."""

    id: str
    process: str = ""
    epoch: int = 0
    online: bool = False
    pool: str | None = None
    district: District = NOWHERE
    city: str = ""
    available: bool = False
    slow: bool = False
    visible: bool = False
    looking: bool = False
    looks_since: int = 0
    networks: tuple[str, ...] = ()
    network: str = ""
    own_network: str = ""
    avoided_networks: dict[str, int] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    blocked: dict[str, None] = field(default_factory=dict)
    rests: dict[str, int] = field(default_factory=dict)
    taken_back: dict[str, int] = field(default_factory=dict)
    offer: Offer | None = None
    session: str | None = None
    last_met: int = 0
    rung: int | None = None
    unanswered: int = 0
    rest_ms: int = 0
    asks_from: int = 0
    towns: bool = False
    languages: tuple[str, ...] = ()

    def rank(self) -> int:
        if self.looking:
            return LOOKING_IN_VIEW if self.visible else LOOKING_HIDDEN
        return IDLE_IN_VIEW if self.available and self.may_be_rung() else UNASKED

    def may_be_rung(self) -> bool:
        """Tell whether somebody would see a ring, and has not left too many unanswered (M15)."""
        return self.looking or (self.visible and self.unanswered < RINGS_UNANSWERED)

    def is_rung_on(self, now: int) -> bool:
        """Tell whether an offer to this guest goes on that is over for its seeker."""
        return self.offer is not None and self.offer.ends <= now

    def has_just_met(self, now: int) -> bool:
        """Tell whether this guest was led to somebody of another network within the last minute."""
        return now < self.last_met + MET_MS

    def avoid_network(self, network: str, at: int) -> None:
        self.avoided_networks[network] = max(at, self.avoided_networks.get(network, at))

    def avoids(self, other: "LobbyGuest", now: int) -> bool:
        """Blocked, or a stranger from an avoided network (M5)."""
        if other.id in self.blocked:
            return True
        if not self.avoided_networks:
            return False
        has_met = other.id in self.met
        return any(is_avoided(self.avoided_networks.get(network), has_met, now) for network in other.networks)


def blocked(a: LobbyGuest, b: LobbyGuest) -> bool:
    """Tell whether these two are kept apart for ever; each side may know of it alone."""
    return b.id in a.blocked or a.id in b.blocked


def strangers(a: LobbyGuest, b: LobbyGuest, now: int) -> bool:
    """Tell whether these two must not meet now. Each side may know of a block that the other forgot with its record."""
    return a is b or a.avoids(b, now) or b.avoids(a, now)


def may_be_asked(candidate: LobbyGuest, seeker: LobbyGuest, now: int) -> bool:
    """Tell whether ``candidate``, who is free, may be led to ``seeker``. Pauses protect only somebody who does not
    look."""
    if strangers(candidate, seeker, now) or candidate.taken_back.get(seeker.id, now) > now:
        return False
    if candidate.looking:
        return True
    rests = candidate.rests.get(seeker.id, now) > now
    return not rests and (candidate.rung is None or candidate.rung + RING_PAUSE_MS <= now)


def waits_for_language(person: LobbyGuest, now: int) -> bool:
    """Tell whether a guest who looks is led to those with a common language alone: for a while, from when it began to
    look."""
    return bool(person.looking and person.languages) and now < person.looks_since + LANGUAGE_MS


def understand(a: LobbyGuest, b: LobbyGuest, now: int) -> bool:
    """Tell whether these two have a language in common, or need none: who has named no language speaks any."""
    if not a.languages or not b.languages or not set(a.languages).isdisjoint(b.languages):
        return True
    return not (waits_for_language(a, now) or waits_for_language(b, now))


def rest(a: LobbyGuest, b: LobbyGuest, now: int) -> None:
    for one, other in ((a, b), (b, a)):
        one.rests = _with(one.rests, other, now)


def rest_though_looking(a: LobbyGuest, b: LobbyGuest, now: int) -> None:
    """Keep a pair apart whose offer was taken back: else somebody could hold a looker by asking again and again."""
    for one, other in ((a, b), (b, a)):
        one.taken_back = _with(one.taken_back, other, now)


def _with(rests: dict[str, int], other: LobbyGuest, now: int) -> dict[str, int]:
    return {guest: until for guest, until in rests.items() if until > now} | {other.id: now + REST_MS}


def end_rest(a: LobbyGuest, b: LobbyGuest) -> None:
    a.rests.pop(b.id, None)
    b.rests.pop(a.id, None)
