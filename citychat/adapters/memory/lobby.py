"""The embedded lobby: who is free, asked, talking, in the memory of one process (protocol §3).

Every method is one atomic step, because none of them awaits anything.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Self

from citychat.adapters.memory.lobby_guest import LobbyGuest, end_rest, may_be_asked, strangers
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.model import Busy, Cell, Gone, Offer, Session
from citychat.ports import Entered, Entry, GuestStatus, SeekResult
from citychat.rules import AVOIDED_MS, COUNTED_NEARBY, RING_S, SLOW_RING_S


class MemoryLobby:
    """A Lobby in memory.

    ``now_ms`` is the wall clock, ``ring_s`` how long an offer waits for an answer. It serves any number of processes
    inside one interpreter, and like the real one only those that ``renew``: the first time before guests can be found.
    Absent guests without a session are forgotten after 10 min.
    """

    def __init__(self, now_ms: Callable[[], int], random: Random, ring_s: int = RING_S) -> None:
        self._ring_s = ring_s
        self._register = LobbyState(now_ms, random)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close; there for the sake of the port."""

    async def enter(self, entry: Entry) -> Entered:
        register = self._settled()
        visitor = register.visitors.setdefault(entry.guest, LobbyGuest(entry.guest))
        if 0 < entry.epoch < visitor.epoch:
            return Entered(visitor.epoch)
        visitor.epoch = entry.epoch or max(visitor.epoch + 1, register.now * 1_000)
        over = register.fall_through(visitor.offer)
        register.seat(visitor, entry)
        ended = self._resume(entry.session)
        return Entered(visitor.epoch, visitor.session, ended, over)

    async def leave(self, guest: str, epoch: int) -> Offer | None:
        visitor = self._visitor(guest)
        if visitor is None or visitor.epoch != epoch:
            return None
        return self._register.dismiss(visitor)

    async def seek(self, guest: str, offer: str) -> SeekResult:
        visitor = self._visitor(guest)
        if visitor is not None and visitor.session is not None:
            return SeekResult("matched", session=visitor.session)
        if visitor is None or not visitor.online:
            return SeekResult("waiting")
        self._look(visitor)
        running = visitor.offer or self._claim(visitor, offer)
        if running is None:
            return SeekResult("waiting")
        return SeekResult("asking" if running.seeker == guest else "asked", running)

    async def accept(self, guest: str, offer: str, session_id: str) -> Offer:
        answered = self._answered(guest, offer)
        for visitor in self._register.close(answered, accepted=True):
            self._register.begin(visitor, session_id)
        return answered

    async def decline(self, guest: str, offer: str) -> Offer:
        register = self._settled()
        answered = self._answered(guest, offer) if offer in register.offers else register.ended(offer)
        if answered is None or answered.candidate != guest:
            raise Gone
        return register.block(answered.seeker, guest) or answered

    async def later(self, guest: str, offer: str) -> Offer:
        answered = self._answered(guest, offer)
        _, candidate = self._register.close(answered)
        candidate.looking = candidate.available = False
        self._register.refile(candidate)
        return answered

    async def stop(self, guest: str) -> Offer | None:
        visitor = self._visitor(guest)
        if visitor is None:
            return None
        visitor.looking = False
        self._register.refile(visitor)
        return self._register.fall_through(visitor.offer)

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        visitor = self._visitor(guest)
        if visitor is not None:
            visitor.visible = visible
            if touched:
                visitor.unanswered = 0
            self._register.refile(visitor)

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        visitor = self._visitor(guest)
        if visitor is not None:
            visitor.available, visitor.slow = on, slow
            self._register.refile(visitor)

    async def move(self, guest: str, pool: str, cell: Cell, city: str) -> None:
        visitor = self._visitor(guest)
        if visitor is not None:
            if visitor.offer is not None:
                raise Busy(retry_ms=visitor.offer.ends - self._register.now)
            visitor.pool, visitor.cell, visitor.city = pool, cell, city
            self._register.refile(visitor)

    async def end(self, session_id: str, members: Sequence[str]) -> None:
        register = self._settled()
        for member in members:
            visitor = register.visitors.get(member)
            if visitor is not None and visitor.session == session_id:
                visitor.session = None
                visitor.looking = visitor.available = False
                register.refile(visitor)

    async def block(self, a: str, b: str) -> Offer | None:
        return self._settled().block(a, b)

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        visitor = self._visitor(guest)
        if visitor is not None:
            now = self._register.now
            old = visitor.avoided_networks
            visitor.avoided_networks = {network: since for network, since in old.items() if now < since + AVOIDED_MS}
            for network in networks:
                visitor.avoid_network(network, at)

    async def networks(self, guest: str) -> tuple[str, ...]:
        visitor = self._visitor(guest)
        return visitor.networks if visitor is not None else ()

    async def pair(self, session_id: str, members: Sequence[str]) -> bool:
        register = self._settled()
        a, b = (register.visitors.get(member) for member in members)
        if a is None or b is None or strangers(a, b, register.now):
            return False
        if register.state(a) != "free" or register.state(b) != "free":
            return False
        register.begin(a, session_id)
        register.begin(b, session_id)
        return True

    async def nearby(self, guest: str) -> int:
        visitor = self._visitor(guest)
        if visitor is None or visitor.pool is None:
            return 0
        crowd = self._register.crowd
        return min(crowd.count(visitor.pool) - (guest in crowd), COUNTED_NEARBY)

    async def status(self, guests: Sequence[str]) -> list[GuestStatus]:
        register = self._settled()
        known = (register.visitors.get(guest) for guest in guests)
        return [
            GuestStatus(v.epoch, register.state(v), v.looking, v.offer, v.session) if v else GuestStatus()
            for v in known
        ]

    async def renew(self, process: str) -> bool:
        return self._settled().renew(process)

    async def drop(self, process: str) -> None:
        register = self._settled()
        register.lapse(process)
        for visitor in register.guests(process):
            register.dismiss(visitor)

    def _settled(self) -> LobbyState:
        self._register.settle()
        return self._register

    def _visitor(self, guest: str) -> LobbyGuest | None:
        return self._settled().visitors.get(guest)

    def _answered(self, guest: str, offer: str) -> Offer:
        """The open offer that ``guest`` answers. Raises Gone."""
        register = self._settled()
        answered = register.offers.get(offer)
        if answered is None or answered.candidate != guest:
            raise Gone
        register.visitors[guest].unanswered = 0
        return answered

    def _look(self, visitor: LobbyGuest) -> None:
        """A rest ends the moment both look."""
        if not visitor.looking:
            visitor.looking = True
            self._register.refile(visitor)
            for guest in list(visitor.rests):
                other = self._register.visitors.get(guest)
                if other is not None and other.looking:
                    end_rest(visitor, other)

    def _claim(self, seeker: LobbyGuest, offer: str) -> Offer | None:
        """Ask the best candidate, if there is one."""
        register = self._register
        if seeker.id not in register.crowd or seeker.pool is None:
            return None
        for guest in register.crowd.draw(seeker.pool, seeker.cell, seeker.blocked):
            candidate = register.visitors[guest]
            if may_be_asked(candidate, seeker, register.now):
                seconds = SLOW_RING_S if candidate.slow else self._ring_s
                ends = register.now + seconds * 1_000
                opened = Offer(offer, seeker.id, guest, seeker.city, seconds, candidate.looking, ends)
                register.open(opened)
                return opened
        return None

    def _resume(self, row: Session | None) -> str | None:
        """Take up ``row`` for all its members (§2.8); its id when it must end, because one of them is elsewhere."""
        if row is None:
            return None
        visitors = self._register.visitors
        known = [visitors[member] for member in row.members if member in visitors]
        if any(member.offer is not None or member.session not in (None, row.id) for member in known):
            return row.id
        for member in row.members:
            self._register.begin(visitors.setdefault(member, LobbyGuest(member)), row.id)
        return None
