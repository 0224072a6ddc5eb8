"""Talking again: two who both wish it are brought together (product page, "Talk again").

Without an offer only while both have just pressed it. Who pressed it longer ago than that may be anywhere by now, and
is asked once more. A wish keeps the time at which its guest pressed it, however often the other one tries.
"""

from typing import NamedTuple

from citychat.expiring import Expiring
from citychat.limits import bound
from citychat.matching.sessions import Sessions, is_in
from citychat.model import Gone, Session, Unavailable, new_id
from citychat.ports import OfferMade
from citychat.registry import Client
from citychat.rules import FRESH_WISH_MS

FRESH_S = FRESH_WISH_MS / 1_000
WISHES_OF_ONE = bound("wishes of a guest")


class Wish(NamedTuple):
    """Both wished it, and not both were free: when this guest's press was, by the date and by the clock that does not
    step (s)."""

    session: Session
    at: int
    pressed_s: float


class Reunions:
    """Brings pairs together again. ``_wishes``: of each guest those that are tried, newest last."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.registry = sessions, sessions.registry
        self.lobby, self.history, self.clock = sessions.lobby, sessions.history, sessions.clock
        self._wishes = Expiring[str, tuple[Wish, ...]](bound("wishes"), FRESH_S, self.clock.monotonic_s)

    async def wish(self, client: Client, session_id: str) -> None:
        """Take a ``user-again``. Somebody blocked is told nothing else than somebody whose partner has not pressed yet,
        nor is who has had too many chats today.

        Raises NoSession, Unavailable.
        """
        if is_in(client, session_id):
            return
        session = await self.sessions.own(client, session_id)
        self.sessions.check_room()
        if not client.may_begin_chat():
            return
        pressed = self.sessions.dates.now_ms(), self.clock.monotonic_s()
        if await self._meet(session, client.guest, pressed[0]) is False:
            self.remember(session, client.guest, *pressed)

    def remember(self, session: Session, guest: str, at: int, pressed_s: float) -> None:
        """Try it for a while; of a guest's wishes the oldest goes for one too many, and so does the process's oldest
        guest: their next press counts."""
        others = [wish for wish in self.waiting(guest) if wish.session.id != session.id]
        self._wishes[guest] = (*others, Wish(session, at, pressed_s))[-WISHES_OF_ONE:]

    def waiting(self, guest: str) -> tuple[Wish, ...]:
        """Return the guest's wishes that are tried."""
        return self._wishes.get(guest) or ()

    def _forget(self, guest: str, wish: Wish) -> None:
        if left := tuple(each for each in self.waiting(guest) if each is not wish):
            self._wishes[guest] = left
        else:
            self._wishes.discard(guest)

    async def grant(self) -> None:
        """Bring together those who both wished to talk again and were not both free (every 15 s)."""
        now_s = self.clock.monotonic_s()
        if self.sessions.house.text or not self.sessions.has_room():
            return
        for guest, wish in [(one, wish) for one in self._wishes for wish in self.waiting(one)]:
            if now_s >= wish.pressed_s + FRESH_S or self.registry.find(guest) is None:
                self._forget(guest, wish)
                continue
            found = await self.lobby.status(wish.session.members)
            is_free = all(where.state == "free" for where in found)
            if is_free and await self._meet(wish.session, guest, wish.at) is not False:
                self._forget(guest, wish)

    async def _meet(self, session: Session, guest: str, at: int) -> bool | None:
        """Bring this guest, who has just pressed, together with the partner, or have that one asked; whether it came to
        that. None when nobody waits for it: the partner has not pressed, or the two are kept apart."""
        partner, wishes = session.partner(guest), self.history.sessions
        since = await wishes.wish(session.id, guest, at)
        if not since or partner in await self.history.relations.blocked(guest):
            return None
        is_fresh = self.sessions.dates.now_ms() - since <= FRESH_WISH_MS
        if await (self._reunite(session) if is_fresh else self._ask(guest, partner)):
            return True
        await wishes.keep_wish(session.id, partner, since)
        await wishes.keep_wish(session.id, guest, at)
        return False

    async def _ask(self, guest: str, partner: str) -> bool:
        """Ring at the partner, once for that wish."""
        offer = await self.lobby.ask(guest, partner, new_id(self.sessions.random))
        if offer is not None:
            for side in (guest, partner):
                self.sessions.bus.publish(side, OfferMade(offer))
        return offer is not None

    async def _reunite(self, session: Session) -> bool:
        """The lobby makes the session in one step, or not at all."""
        try:
            new = await self.sessions.prepare(session.members, session.city)
        except Gone:
            return True  # too often today: the wishes are used up, as if it had come to that
        try:
            paired = await self.lobby.pair(new.id, new.members)
        except Unavailable:  # perhaps it has begun
            self.sessions.tell_met(new)
            raise
        if paired:
            self.sessions.tell_met(new)
        else:  # the pair may be tried again and again
            await self.history.sessions.end(new.id, self.sessions.dates.now_ms())
        return paired
