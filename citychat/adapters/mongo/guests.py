"""Guests in MongoDB, and the way they go."""

import asyncio
from collections.abc import Sequence

from citychat.adapters.mongo import pauses, retention
from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    DocumentReader,
    ErasedGuestDocument,
    SeenDocument,
    text,
    to_guest,
)
from citychat.adapters.mongo.pauses import PausedDocument, of_network
from citychat.adapters.mongo.relations import MongoRelations
from citychat.adapters.mongo.sessions import MongoSessions
from citychat.limits import bound
from citychat.model import PENDING, Guest, Session
from citychat.ports import Dossier, Lifted, Pause
from citychat.rules import held_after, held_until


class MongoGuests:
    """Guests and what is kept of them between visits (ports.GuestStore)."""

    def __init__(
        self, mongo: Mongo, reader: DocumentReader, sessions: MongoSessions, relations: MongoRelations
    ) -> None:
        self._mongo, self._reader, self._sessions, self._relations = mongo, reader, sessions, relations
        self._shortened_to_ms = 0

    async def dossier(self, guest: str, now: int) -> Dossier:
        """Ask for all parts at once. When one fails the others are not waited for."""
        row, (pause, lifted), (sessions, partner_seen), (avoided_networks, met), blocked, erased = await asyncio.gather(
            self.find(guest),
            self._paused(guest, now),
            self._sessions_and_partner(guest),
            self._avoided_and_met(guest, now),
            self._relations.blocked(guest),
            self._erased(guest, held_after("erased guest", now)),
        )
        return Dossier(row, pause, sessions, avoided_networks, blocked, partner_seen, met, bool(erased), lifted)

    async def find(self, guest: str) -> Guest | None:
        found = self._reader.guests(await self._mongo.find("guests", {"_id": text(guest)}))
        return found[0] if found else None

    async def keep(self, row: Guest) -> None:
        """Written first and looked at after, while ``erase`` notes the id first and deletes after: one of them sees the
        other."""
        await self._mongo.replace("guests", to_guest(row))
        if await self._erased(row.id, 0):
            await self._mongo.delete("guests", {"_id": row.id})

    async def is_erased(self, guest: str, now: int) -> bool:
        return bool(await self._erased(guest, held_after("erased guest", now)))

    async def pause(self, guest: str, now: int) -> Pause | None:
        return (await self._paused(guest, now))[0]

    async def keep_objection(self, guest: str, text: str, now: int) -> Pause | None:
        """Of two at once the first to be written stays."""
        for row in await pauses.found(self._mongo, self._reader, guest, now):
            if row.code and row.lifted is None:
                said: Document = {"$set": {"objection": text, "objected": now}}
                await self._mongo.update("reports", {"code": row.code, "objected": None}, said)
        return await self.pause(guest, now)

    async def networks(self, guest: str, now: int) -> tuple[str, ...]:
        since = held_after("blamed network", now)
        row = await self.find(guest)
        if row is not None and row.seen > since:
            return row.networks
        return next((erased.networks for erased in await self._erased(guest, since)), ())

    async def networks_paused(self, networks: Sequence[str], now: int) -> Pause | None:
        where: Document = {"_id": {"$in": [of_network(network) for network in networks]}, "until": {"$gt": now}}
        rows = self._reader.read("pauses", await self._mongo.find("pauses", where), PausedDocument)
        found = [Pause(row.until, row.reason, row.rule) for row in rows]
        return max(found, key=lambda pause: pause.until, default=None)

    async def sanctions(self, since: int, now: int) -> list[tuple[str, Pause]]:
        found = await self._mongo.find("pauses", {"at": {"$gt": since}, "until": {"$gt": now}})
        rows = self._reader.read("pauses", found, PausedDocument)
        return [(row.id, await pauses.told(self._mongo, self._reader, row)) for row in rows if row.lifted is None]

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
        row = await self.find(guest)  # when it bears a later date than now, so does the guest's token
        await retention.let_bars_go(self._mongo, [guest], max(at, row.seen) if row else at)
        await self._mongo.delete("signs", {"_id": guest})
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

    async def _paused(self, guest: str, now: int) -> tuple[Pause | None, Lifted | None]:
        """The pause that holds, or the end of one that would."""
        for row in await pauses.found(self._mongo, self._reader, guest, now):
            over = await pauses.lifted(self._mongo, self._reader, row)
            return (await pauses.told(self._mongo, self._reader, row), None) if over is None else (None, over)
        return None, None

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
