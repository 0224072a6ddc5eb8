"""The lobby: guests who are free, asked, talking."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from citychat.model import District, Offer, Session


class Entry(Struct, frozen=True):
    """A guest at the lobby's door. ``epoch``: 0 for a new page, the held one when a process enters its guests again.
    ``networks``, ``avoided_networks``, ``met`` serve M5 (a block reaches strangers of the network); ``blocked``: who
    never meets the guest again; ``session``: the newest session row that has not ended; ``network``: what all guests
    of one network share, on whatever day they came ("": none), for shares and complaints; ``own_network``:
    the same of one address of the host's own network, for complaints alone. ``towns``: may meet guests of towns nearby
    who may the same; ``languages``: those that the guest speaks, () for any.
    """

    guest: str
    process: str
    pool: str | None
    district: District
    city: str
    available: bool
    slow: bool
    visible: bool
    epoch: int = 0
    networks: tuple[str, ...] = ()
    avoided_networks: dict[str, int] = {}
    met: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    session: Session | None = None
    network: str = ""
    own_network: str = ""
    towns: bool = False
    languages: tuple[str, ...] = ()


class Entered(Struct, frozen=True):
    """The lobby's answer to an entry. ``session``: the id the guest is in now; ``ended``: the row could not be resumed,
    because a member is in another chat or the two are kept apart; ``over``: the offer that entering has ended."""

    epoch: int
    session: str | None = None
    ended: str | None = None
    over: Offer | None = None


class GuestStatus(Struct, frozen=True):
    """The lobby's word on a guest, now and after settling: epoch 0 = unknown."""

    epoch: int = 0
    state: Literal["gone", "free", "asking", "asked", "chat"] = "gone"
    looking: bool = False
    offer: Offer | None = None
    session: str | None = None


class SeekResult(Struct, frozen=True):
    """The result of seeking: a new (or the running) offer of mine, an open offer to me (M10), a session, or waiting."""

    state: Literal["asking", "asked", "waiting", "matched"]
    offer: Offer | None = None
    session: str | None = None


class Lobby(Protocol):
    """Keeps who is free, asked, talking (protocol §3). Each method is one atomic step that first settles what has
    expired, by the store's own clock. May forget everything at any moment (§2.8)."""

    async def enter(self, entry: Entry) -> Entered:
        """A page of this guest has joined: new epoch, open offer ended as expired without a letdown (its process may
        have died), session resumed for both members unless one of them is in another chat or has blocked the other
        (M5). An open offer of the other one ends: it is from before the chat. An entry with an epoch keeps the larger
        one (§2.8); with the one that stands, an open offer and the wish to look go on."""

    async def leave(self, guest: str, epoch: int) -> Offer | None:
        """Take a page out whose socket has closed; return the offer that this ended, a letdown if it was the guest's
        own. Does nothing for an old epoch."""

    async def seek(self, guest: str, offer: str, rest_ms: int, neighbours: Sequence[str] = ()) -> SeekResult:
        """Look for somebody: claim the best candidate and open an offer with this id, or wait (M4, M10, M13). If that
        ends without a yes, nobody who does not look is asked for this guest for ``rest_ms``. ``neighbours``: pools of
        towns nearby, the nearest first, looked into after the own one for a guest who may meet theirs."""

    async def accept(self, guest: str, offer: str, session_id: str) -> Offer | None:
        """Say yes as the candidate: both are in that session. Raises Gone.

        Of an offer that is over for its seeker (``Offer.rings_until``) that is so while the seeker looks on in that
        place and is not asked; else the offer ends, and this raises Gone. An offer by which the seeker is asking
        somebody else then ends as nobody's doing, and is returned.
        """

    async def decline(self, guest: str, offer: str) -> Offer:
        """Say no as the candidate: both free, the pair blocked; the offer.

        An offer that ended without a yes is remembered for an hour: a no that comes so late blocks the pair all the
        same. The answer is then the open offer between the two that this has ended, else the one declined. Raises Gone
        for an offer to somebody else, one that became a session, and one the lobby does not know.
        """

    async def later(self, guest: str, offer: str) -> Offer:
        """Take a "not now": the offer ends as expired but without a rest, and asking the candidate is off. Raises
        Gone."""

    async def stop(self, guest: str) -> Offer | None:
        """Stop looking; an open offer of or to this guest ends as expired and is returned. One of the guest's own was
        taken back: a letdown, and the two rest for 10 minutes even when both look."""

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        """Note that the page came into or went out of view; ``touched`` forgives unanswered rings (M15)."""

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        """Set whether the guest may be asked while not looking; ``slow``: who is asked from now on is rung for 60 s,
        which no seeker sees: offers end for the seeker as any other."""

    async def prefer(self, guest: str, towns: bool, languages: Sequence[str]) -> None:
        """Set whether the guest may meet guests of towns nearby, and which languages it speaks. The lobby keeps these
        while the guest is free, asked or looks: it forgets them when a chat begins, and when the page goes."""

    async def move(self, guest: str, pool: str, district: District, city: str) -> None:
        """Another place, in one step. Raises Busy while asking or asked."""

    async def end(self, session_id: str, members: Sequence[str]) -> None:
        """End a session: members still in it are free (or gone), not looking, not to be asked until they ask."""

    async def block(self, a: str, b: str) -> Offer | None:
        """Never lead these two to each other again; their session ends, and an open offer between them, which is
        returned."""

    async def let_down(self, guest: str, partner: str, ms: int) -> None:
        """Note that ``guest`` left a word of ``partner`` unanswered for so long in a chat that is over: FIRST_WORD_MS
        are a letdown, like an offer that its seeker takes back, and less is a part of one (protocol §3). What a network
        (a guest without) says of one guest counts once an hour, and of three guests. ``partner``: "" where nobody
        says it."""

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int, met: Sequence[str]) -> None:
        """Keep guests from these networks away from ``guest`` for 24 h from ``at`` on, but for those ``met``, who have
        talked with the guest (M5)."""

    async def networks(self, guest: str) -> tuple[str, ...]:
        """The keyed hashes a guest entered with; empty when unknown."""

    async def pair(self, session_id: str, members: Sequence[str]) -> bool:
        """Talk again: both into that session if both are here, free and not blocked; whether it happened."""

    async def ask(self, guest: str, other: str, offer: str) -> Offer | None:
        """Talk again, after a while: open an offer with this id to ``other`` alone, if both are free, ``other`` is in
        view and not at rest, from this guest or from rings (M15); return it, if it happened. That asking is off does
        not matter: ``other`` has wished it."""

    async def nearby(self, guest: str, neighbours: Sequence[str] = ()) -> int:
        """Count the others of the pool who are free, and for a guest who may meet them those of ``neighbours`` who may
        meet others too, counted to 6; who declined stays counted."""

    async def status(self, guests: Sequence[str]) -> list[GuestStatus]:
        """Return what the lobby knows of each, in the order asked."""

    async def renew(self, process: str) -> bool:
        """The process lives for another 15 s (M9). False: it was not known to live (the first time, its lease had run
        out, or all was lost); it then enters its guests again (§2.8)."""

    async def drop(self, process: str) -> None:
        """The process is going: its guests leave the free sets and their offers end, without a rest."""

    def now_ms(self) -> int:
        """Return the time by the lobby's own clock, by which offers end, as well as this process knows it."""

    async def mend(self, guests: Sequence[str]) -> None:
        """Make sure that these guests of a process are found as their records say: a store may lose any key alone."""
