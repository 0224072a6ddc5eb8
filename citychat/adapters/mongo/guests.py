"""Guests in MongoDB, and the way they go."""

import asyncio

from citychat.adapters.mongo import retention
from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import DocumentReader, SeenDocument, text, to_guest
from citychat.adapters.mongo.relations import MongoRelations
from citychat.adapters.mongo.sessions import MongoSessions
from citychat.limits import bound
from citychat.model import PENDING, Guest, Session
from citychat.ports import Dossier, Pause


class MongoGuests:
    """Guests and what is kept of them between visits (ports.GuestStore)."""

    def __init__(
        self, mongo: Mongo, reader: DocumentReader, sessions: MongoSessions, relations: MongoRelations
    ) -> None:
        self._mongo, self._reader, self._sessions, self._relations = mongo, reader, sessions, relations

    async def dossier(self, guest: str, now: int) -> Dossier:
        """Ask for all parts at once. When one fails the others are not waited for."""
        row, pause, (sessions, partner_seen), avoided_networks, blocked = await asyncio.gather(
            self.find(guest),
            self.pause(guest, now),
            self._sessions_and_partner(guest),
            self._relations.avoided_networks(guest, now),
            self._relations.blocked(guest),
        )
        return Dossier(row, pause, sessions, avoided_networks, blocked, partner_seen)

    async def find(self, guest: str) -> Guest | None:
        found = self._reader.guests(await self._mongo.find("guests", {"_id": text(guest)}))
        return found[0] if found else None

    async def keep(self, row: Guest) -> None:
        await self._mongo.replace("guests", to_guest(row))

    async def pause(self, guest: str, now: int) -> Pause | None:
        found = await self._mongo.find("pauses", {"_id": text(guest), "until": {"$gt": now}})
        pauses = self._reader.read("pauses", found, Pause)
        return pauses[0] if pauses else None

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Session after session: marked as erased and ended, then each text copied, then emptied. The guest goes last:
        an erase that was broken off can be repeated by its guest, and ``prune`` completes it if nobody does."""
        sessions = await self._sessions.of(guest)
        for session in sessions:
            side = session.side(guest)
            change: Document = {"$addToSet": {"erased": side}, "$max": {"erasing": at}}
            await self._mongo.update("sessions", {"_id": session.id}, change)
            await self._sessions.end(session.id, at)
            await retention.empty(self._mongo, self._reader, session.id, side, at)
        await self._mongo.delete("sessions", {"members": guest, "ended": PENDING})
        await self._mongo.delete("shuns", {"guest": guest})
        await self._mongo.delete("wishes", {"guest": guest})
        await self._mongo.delete("guests", {"_id": guest})
        return await self._sessions.of(guest)

    async def newest_seen(self) -> int:
        found = await self._mongo.find("guests", {}, fields=["seen"], order=[("seen", -1)], limit=1)
        return max((row.seen for row in self._reader.read("guests", found, SeenDocument)), default=0)

    async def prune(self, now: int, history_ms: int) -> None:
        await retention.prune(self._mongo, self._reader, now, history_ms)

    async def _sessions_and_partner(self, guest: str) -> tuple[list[Session], int]:
        """The guest's sessions, and when the partner of the one that runs was last seen: a second question, for a guest
        who comes back to a chat."""
        newest, running = await asyncio.gather(
            self._sessions.newest(guest, None, bound("chats at a join")), self._sessions.running(guest)
        )
        sessions = newest + [session for session in running if session not in newest]
        partner = next((session.partner(guest) for session in sessions if session.ended is None), None)
        if partner is None:
            return sessions, 0
        found = await self._mongo.find("guests", {"_id": partner}, fields=["seen"])
        return sessions, max((row.seen for row in self._reader.read("guests", found, SeenDocument)), default=0)
