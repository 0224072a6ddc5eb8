"""Talking again: two who both wish it are brought together without an offer (product page, "Talk again")."""

from citychat.matching.sessions import Sessions, is_in
from citychat.model import Session, Unavailable
from citychat.registry import Client
from citychat.rules import WISH_MS


class Reunions:
    """Brings pairs together again. ``_wishes``: both wished it, not both were free; until when (monotonic, s)."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions, self.registry = sessions, sessions.registry
        self.lobby, self.history, self.clock = sessions.lobby, sessions.history, sessions.clock
        self._wishes: dict[tuple[str, str], tuple[Session, float]] = {}

    async def wish(self, client: Client, session_id: str) -> None:
        """Take a ``user-again``. Somebody blocked is told nothing else than somebody whose partner has not pressed yet.

        Raises NoSession, Unavailable.
        """
        if is_in(client, session_id):
            return
        session, guest = await self.sessions.own(client, session_id), client.guest
        now, partner = self.sessions.dates.now_ms(), session.partner(guest)
        both = await self.history.sessions.wish(session_id, guest, now)
        if not both or partner in await self.history.relations.blocked(guest):
            return
        if not await self._reunite(session):
            await self.history.sessions.wish(session_id, partner, now)  # the store has used both up
            self._wishes[session_id, guest] = session, self.clock.monotonic_s() + WISH_MS / 1_000

    async def grant(self) -> None:
        """Bring together those who both wished to talk again and were not both free (every 15 s)."""
        now_s = self.clock.monotonic_s()
        for (session_id, guest), (session, until) in list(self._wishes.items()):
            if now_s >= until or self.registry.find(guest) is None:
                del self._wishes[session_id, guest]
                continue
            found = await self.lobby.status(session.members)
            if all(where.state == "free" for where in found) and await self._reunite(session):
                self._wishes.pop((session_id, guest), None)

    async def _reunite(self, session: Session) -> bool:
        """The lobby makes the session in one step, or not at all."""
        new = await self.sessions.prepare(session.members, session.city)
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
