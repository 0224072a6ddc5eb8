"""Sessions in MongoDB."""

import asyncio
from contextlib import aclosing, suppress

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    SLICE_ROWS,
    DocumentReader,
    SeenDocument,
    WishDocument,
    pair_id,
    text,
    to_session,
)
from citychat.limits import bound
from citychat.model import PENDING, Session, Unavailable
from citychat.ports import SessionPlace
from citychat.rules import confirmed, held_after, held_until, is_left_alone, left_alone_before, met_after

PAIR_CHATS_MAX = bound("chats of a pair")


class MongoSessions:
    """The conversations, and who would talk again (ports.SessionStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def begin(self, session: Session) -> bool:
        if session.ended == PENDING and await self._met(session) >= PAIR_CHATS_MAX:
            return False
        await self._mongo.insert("sessions", [to_session(session)])
        return True

    async def confirm(self, session_id: str, history_ms: int) -> Session | None:
        """One step that matches a pending session only. Whether the two are kept apart is asked before it and after it:
        of a block and a confirm at once the later one sees the other, and what was confirmed is ended."""
        session = await self.find(session_id)
        if session is None or await self._is_blocked(session):
            return None
        if session.ended == PENDING:
            started, expires = confirmed(session.started, await self._last_started(session), history_ms)
            change = {"ended": None, "started": started, "expires": expires}
            await self._mongo.update("sessions", {"_id": session_id, "ended": PENDING}, {"$set": change})
            session, is_blocked = await asyncio.gather(self.find(session_id), self._is_blocked(session))
            if is_blocked:
                await self.end(session_id, started)
                return None
        return session if session is not None and session.ended is None else None

    async def _is_blocked(self, session: Session) -> bool:
        return bool(await self._mongo.find("barred", {"_id": pair_id(*session.members)}, fields=["_id"]))

    async def _last_started(self, session: Session) -> int:
        """Return when the newest of all sessions of the two began that were ever confirmed."""
        where: Document = {"members": {"$in": list(session.members)}, "ended": {"$ne": PENDING}}
        newest = await self._mongo.find("sessions", where, order=[("started", -1)], limit=1)
        return max((row.started for row in self._reader.sessions(newest)), default=0)

    async def end(self, session_id: str, at: int) -> None:
        """Steps that each match a session in one state only: of two at once the first stays. The pending one goes
        first, because a running one is never pending again."""
        await self._mongo.delete("sessions", {"_id": text(session_id), "ended": PENDING})
        await self._mongo.update("sessions", {"_id": session_id, "ended": None}, {"$set": {"ended": at}})

    async def find(self, session_id: str) -> Session | None:
        found = self._reader.sessions(await self._mongo.find("sessions", {"_id": text(session_id)}))
        return found[0] if found else None

    async def of(self, guest: str) -> list[Session]:
        where: Document = {"members": text(guest), "ended": {"$ne": PENDING}}
        found = self._reader.sessions(await self._mongo.find("sessions", where))
        return sorted(found, key=lambda session: (session.started, session.id), reverse=True)

    async def newest(self, guest: str, before: SessionPlace | None, limit: int) -> list[Session]:
        where: Document = {"members": text(guest), "ended": {"$ne": PENDING}}
        if before is not None:
            started, session_id = before
            where["started"] = {"$lte": started}
            where["$or"] = [{"started": {"$lt": started}}, {"_id": {"$lt": text(session_id)}}]
        order = [("started", -1), ("_id", -1)]
        return self._reader.sessions(await self._mongo.find("sessions", where, order=order, limit=limit))

    async def running(self, guest: str) -> list[Session]:
        """Return all of this member that have not ended, newest first."""
        where: Document = {"members": text(guest), "ended": None}
        return self._reader.sessions(await self._mongo.find("sessions", where, order=[("started", -1), ("_id", -1)]))

    async def _met(self, session: Session) -> int:
        both: Document = {"$and": [{"members": text(member)} for member in session.members]}
        where = {**both, "started": {"$gt": met_after(session.started)}, "ended": {"$ne": PENDING}}
        return len(await self._mongo.find("sessions", where, fields=["_id"], limit=PAIR_CHATS_MAX))

    async def idle(self, now: int) -> list[Session]:
        idle: list[Session] = []
        where: Document = {"ended": None, "started": {"$lt": left_alone_before(now)}}
        async with aclosing(self._mongo.each("sessions", where, SLICE_ROWS, order=[("started", 1)])) as parts:
            async for documents in parts:
                sessions = self._reader.sessions(documents)
                members = list({member for session in sessions for member in session.members})
                found = await self._mongo.find("guests", {"_id": {"$in": members}}, fields=["seen"])
                seen = {known.id: known.seen for known in self._reader.read("guests", found, SeenDocument)}
                idle += [
                    session
                    for session in sessions
                    if is_left_alone(session.started, (seen.get(member, 0) for member in session.members), now)
                ]
        return idle

    async def wish(self, session_id: str, guest: str, at: int) -> int:
        """Write my wish first, then look for the partner's: of two who wish at once at least one sees both. Who does
        takes both, the one of the smaller guest first: only one process is told that it has deleted it. A crash before
        that leaves both; one after it leaves the other for a day at most. Deleted is what was seen: the same guest may
        wish again before a server gets to it."""
        await self.keep_wish(session_id, guest, at)
        found = await self._mongo.find("wishes", {"s": session_id, "at": {"$gt": held_after("wish", at)}})
        seen = {wish.guest: wish.at for wish in self._reader.read("wishes", found, WishDocument)}
        partner = next((other for other in seen if other != guest), None)
        if partner is None or guest not in seen:
            return 0
        first, second = sorted((guest, partner))
        if not await self._mongo.delete("wishes", {"_id": f"{session_id}:{first}", "at": seen[first]}):
            return 0
        with suppress(Unavailable):  # it is decided
            await self._mongo.delete("wishes", {"_id": f"{session_id}:{second}", "at": seen[second]})
        return seen[partner]

    async def keep_wish(self, session_id: str, guest: str, at: int) -> None:
        wish = {"s": text(session_id), "guest": text(guest), "at": at, "gone": date(held_until("wish", at))}
        await self._mongo.replace("wishes", {"_id": f"{session_id}:{guest}", **wish})
