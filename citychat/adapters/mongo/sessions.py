"""Sessions in MongoDB."""

from contextlib import aclosing, suppress

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    SLICE_ROWS,
    DocumentReader,
    IdDocument,
    WishDocument,
    text,
    to_session,
)
from citychat.model import Session, Unavailable
from citychat.rules import WISH_MS


class MongoSessions:
    """The conversations, and who would talk again (ports.SessionStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def begin(self, session: Session) -> None:
        await self._mongo.insert("sessions", [to_session(session)])

    async def undo(self, session_id: str) -> None:
        await self._mongo.delete("wishes", {"s": text(session_id)})
        await self._mongo.delete("sessions", {"_id": text(session_id)})

    async def end(self, session_id: str, at: int) -> None:
        """One step that matches a session without an end only: of two at once the first stays."""
        await self._mongo.update("sessions", {"_id": text(session_id), "ended": None}, {"$set": {"ended": at}})

    async def find(self, session_id: str) -> Session | None:
        found = self._reader.sessions(await self._mongo.find("sessions", {"_id": text(session_id)}))
        return found[0] if found else None

    async def of(self, guest: str) -> list[Session]:
        found = self._reader.sessions(await self._mongo.find("sessions", {"members": text(guest)}))
        return sorted(found, key=lambda session: (session.started, session.id), reverse=True)

    async def idle(self, before: int) -> list[Session]:
        """A session that has just begun is not idle, whatever is known of its guests."""
        idle: list[Session] = []
        where: Document = {"ended": None, "started": {"$lt": before}}
        async with aclosing(self._mongo.each("sessions", where, SLICE_ROWS, order=[("started", 1)])) as parts:
            async for documents in parts:
                sessions = self._reader.sessions(documents)
                members = list({member for session in sessions for member in session.members})
                found = await self._mongo.find(
                    "guests", {"_id": {"$in": members}, "seen": {"$gte": before}}, fields=["_id"]
                )
                here = {known.id for known in self._reader.read("guests", found, IdDocument)}
                idle += [session for session in sessions if here.isdisjoint(session.members)]
        return idle

    async def wish(self, session_id: str, guest: str, at: int) -> bool:
        """Write my wish first, then look for the partner's: of two who wish at once at least one sees both. Who does
        takes both, the one of the smaller guest first: only one process is told that it has deleted it. A crash before
        that leaves both; one after it leaves the other for a day at most. Deleted is what was seen: the same guest may
        wish again before a server gets to it."""
        wish = {"s": text(session_id), "guest": text(guest), "at": at, "gone": date(at + WISH_MS)}
        await self._mongo.replace("wishes", {"_id": f"{session_id}:{guest}", **wish})
        found = await self._mongo.find("wishes", {"s": session_id, "at": {"$gt": at - WISH_MS}})
        seen = {wish.guest: wish.at for wish in self._reader.read("wishes", found, WishDocument)}
        partner = next((other for other in seen if other != guest), None)
        if partner is None or guest not in seen:
            return False
        first, second = sorted((guest, partner))
        if not await self._mongo.delete("wishes", {"_id": f"{session_id}:{first}", "at": seen[first]}):
            return False
        with suppress(Unavailable):  # it is decided
            await self._mongo.delete("wishes", {"_id": f"{session_id}:{second}", "at": seen[second]})
        return True
