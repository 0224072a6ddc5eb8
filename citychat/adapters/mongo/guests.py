"""Guests in MongoDB, and the way they go."""

import asyncio
from collections.abc import Sequence

from citychat.adapters.mongo import retention
from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import DocumentReader, ErasedGuestDocument, SeenDocument, text, to_guest
from citychat.adapters.mongo.relations import MongoRelations
from citychat.adapters.mongo.sessions import MongoSessions
from citychat.limits import bound
from citychat.model import PENDING, Guest, Session
from citychat.ports import Dossier, Pause
from citychat.rules import PAUSE_REASON, held_after, held_until


class MongoGuests:
    """Guests and what is kept of them between visits (ports.GuestStore)."""

    def __init__(
        self, mongo: Mongo, reader: DocumentReader, sessions: MongoSessions, relations: MongoRelations
    ) -> None:
        self._mongo, self._reader, self._sessions, self._relations = mongo, reader, sessions, relations
        self._shortened_to_ms = 0

    async def dossier(self, guest: str, now: int) -> Dossier:
        """Ask for all parts at once. When one fails the others are not waited for."""
        row, pause, (sessions, partner_seen), (avoided_networks, met), blocked, erased = await asyncio.gather(
            self.find(guest),
            self.pause(guest, now),
            self._sessions_and_partner(guest),
            self._avoided_and_met(guest, now),
            self._relations.blocked(guest),
            self._erased(guest, held_after("erased guest", now)),
        )
        return Dossier(row, pause, sessions, avoided_networks, blocked, partner_seen, met, bool(erased))

    async def find(self, guest: str) -> Guest | None:
        found = self._reader.guests(await self._mongo.find("guests", {"_id": text(guest)}))
        return found[0] if found else None

    async def keep(self, row: Guest) -> None:
        await self._mongo.replace("guests", to_guest(row))

    async def pause(self, guest: str, now: int) -> Pause | None:
        found = await self._mongo.find("pauses", {"_id": text(guest), "until": {"$gt": now}})
        pauses = self._reader.read("pauses", found, Pause)
        return pauses[0] if pauses else None

    async def networks(self, guest: str, now: int) -> tuple[str, ...]:
        since = held_after("blamed network", now)
        row = await self.find(guest)
        if row is not None and row.seen > since:
            return row.networks
        return next((erased.networks for erased in await self._erased(guest, since)), ())

    async def pause_networks(self, networks: Sequence[str], until: int) -> None:
        for network in networks:
            await keep_pause(self._mongo, _of_network(network), until)

    async def networks_paused(self, networks: Sequence[str], now: int) -> int:
        where: Document = {"_id": {"$in": [_of_network(network) for network in networks]}, "until": {"$gt": now}}
        found = self._reader.read("pauses", await self._mongo.find("pauses", where), Pause)
        return max((pause.until for pause in found), default=0)

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Session after session: marked as erased and ended, then each text copied, then emptied. The guest goes last,
        after the id was noted as erased: an erase that was broken off can be repeated by its page, and ``prune``
        completes it if nobody does."""
        sessions = await self._sessions.of(guest)
        for session in sessions:
            side = session.side(guest)
            change: Document = {"$addToSet": {"erased": side}, "$max": {"erasing": at}}
            await self._mongo.update("sessions", {"_id": session.id}, change)
            await self._sessions.end(session.id, at)
            await retention.empty(self._mongo, self._reader, session.id, side, at)
        await self._mongo.delete("sessions", {"members": guest, "ended": PENDING})
        networks = await self.networks(guest, at)
        dates = {"at": at, "gone": date(held_until("erased guest", at))}
        await self._mongo.insert("erased_guests", [{"_id": text(guest), "networks": networks, **dates}])
        await self._mongo.delete("shuns", {"guest": guest})
        await self._mongo.delete("wishes", {"guest": guest})
        await self._mongo.delete("guests", {"_id": guest})
        return await self._sessions.of(guest)

    async def newest_seen(self) -> int:
        found = await self._mongo.find("guests", {}, fields=["seen"], order=[("seen", -1)], limit=1)
        return max((row.seen for row in self._reader.read("guests", found, SeenDocument)), default=0)

    async def prune(self, now: int, history_ms: int) -> None:
        if self._shortened_to_ms != history_ms:  # a look at every chat: once a start is enough
            await retention.shorten(self._mongo, self._reader, now, history_ms)
            self._shortened_to_ms = history_ms
        await retention.prune(self._mongo, self._reader, now, history_ms)

    async def _avoided_and_met(self, guest: str, now: int) -> tuple[dict[str, int], list[str]]:
        """The networks the guest avoids, and only if there are any, with whom the guest has talked."""
        avoided = await self._relations.avoided_networks(guest, now)
        return avoided, await self._relations.met(guest) if avoided else []

    async def _erased(self, guest: str, since: int) -> list[ErasedGuestDocument]:
        found = await self._mongo.find("erased_guests", {"_id": text(guest), "at": {"$gt": since}})
        return self._reader.read("erased_guests", found, ErasedGuestDocument)

    async def _sessions_and_partner(self, guest: str) -> tuple[list[Session], int]:
        """The guest's sessions, and when the partner of the one that runs was last seen: a second question, for a guest
        who comes back to a chat. Who has had more of them than a join loads is asked about for older ones that run."""
        sessions = await self._sessions.newest(guest, None, bound("chats at a join"))
        if len(sessions) == bound("chats at a join"):
            sessions += [session for session in await self._sessions.running(guest) if session not in sessions]
        partner = next((session.partner(guest) for session in sessions if session.ended is None), None)
        if partner is None:
            return sessions, 0
        found = await self._mongo.find("guests", {"_id": partner}, fields=["seen"])
        return sessions, max((row.seen for row in self._reader.read("guests", found, SeenDocument)), default=0)


async def keep_pause(mongo: Mongo, who: str, until: int) -> None:
    """Pause a guest, or the new ones of a network, until then; never shorter than before."""
    change: Document = {"$max": {"until": until, "gone": date(until)}, "$set": {"reason": PAUSE_REASON}}
    await mongo.update("pauses", {"_id": text(who)}, change, upsert=True)


def _of_network(network: str) -> str:
    return f"network:{text(network)}"
