"""The history in MongoDB, shared by many processes: what must not vanish (ports.History).

A standalone server has no transactions. So every rule over several documents is a row of steps, each atomic and
harmless when done twice, in an order in which a crash or another process between two of them breaks no promise; where
a step may be left out by a crash, who repeats the call or ``prune`` makes up for it. The docstrings say how.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import Literal, Self

from citychat.adapters.mongo import reports, retention
from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    INDEXES,
    PLACE,
    SLICE_ROWS,
    AvoidedNetworkDocument,
    BlockedPairDocument,
    DocumentReader,
    ErasedSessionDocument,
    IdDocument,
    MessageKeyDocument,
    WishDocument,
    earlier,
    id_of,
    newest_messages,
    slices,
    text,
    to_guest,
    to_row,
    to_session,
)
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Guest, Message, Ranges, Session, Unavailable, can_be_kept, merged, to_ranges
from citychat.ports import Clock, Committed, Pause, Progress, Report
from citychat.rules import SHUN_MS, WISH_MS
from citychat.tasks import described

ROWS_IN_FLIGHT_MAX = 10_000  # 20 full batches; a server that stands still must not fill the memory
CLOSING_S = 5.0  # what was accepted may still be written when the process goes
CLAUSES = 100  # of one $or: a page may ask for any number of ranges and streams

log = logging.getLogger(__name__)


class MongoHistory:
    """One per process. ``dropped`` counts what was found in our collections and is not ours."""

    def __init__(self, url: str, *, link: ServiceStatus, clock: Clock, database: str = "") -> None:
        self._link = link
        self._mongo = Mongo(url, link=link, clock=clock, indexes=INDEXES, database=database)
        self._reader = DocumentReader()
        self._rows_in_flight = 0
        self._adding: set[asyncio.Task[None]] = set()

    @property
    def dropped(self) -> dict[str, int]:
        return self._reader.dropped

    async def __aenter__(self) -> Self:
        await self._mongo.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """What was accepted may still be written; what has no answer by then is told that nothing is sure."""
        if self._adding:
            await asyncio.wait(self._adding, timeout=CLOSING_S)
        for task in self._adding:
            task.cancel()
        if self._adding:
            await asyncio.wait(self._adding)
        await self._mongo.__aexit__(*error)

    # -- messages -----------------------------------------------------------------------------------------------------

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """As the port says, in one unordered write. A crash half way leaves some of the rows; whoever still owns them
        adds them again and meets duplicates. What can never be kept is reported like a gap: no receipt, no retry."""
        loop = asyncio.get_running_loop()
        if not self._link.up or self._rows_in_flight + len(rows) > ROWS_IN_FLIGHT_MAX:
            loop.call_soon(done, None)
            return
        self._rows_in_flight += len(rows)
        task = loop.create_task(self._add(list(rows), done), name="add to the history")
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    async def _add(self, rows: list[Message], done: Callable[[Committed | None], None]) -> None:
        committed = None
        try:
            committed = await self._commit(rows)
        except Unavailable:
            pass
        except Exception as error:
            log.error("adding to the history failed: %s", described(error))
        finally:
            self._rows_in_flight -= len(rows)
            asyncio.get_running_loop().call_soon(done, committed)

    async def _commit(self, rows: list[Message]) -> Committed:
        """An erase marks the session first and empties the texts after that. Who reads the mark before inserting
        inserts an empty text; who inserted without having seen it either looks again and empties what it inserted, or
        was done before the erase began to empty. A process that dies in between leaves it to ``prune``."""
        kept: dict[str, Message] = {}
        for m in filter(can_be_kept, rows):
            kept.setdefault(id_of(m), m)  # of two with one number the first stays
        sessions = list({m.session for m in kept.values()})
        blank = await self._erased_sides(sessions)
        documents = {i: to_row(m) | ({"x": ""} if (m.session, m.side) in blank else {}) for i, m in kept.items()}
        there = await self._mongo.insert("messages", list(documents.values()))
        if late := await self._erased_sides(sessions) - blank:
            ids = [i for i, m in kept.items() if (m.session, m.side) in late]
            await self._mongo.update("messages", {"_id": {"$in": ids}}, {"$set": {"x": ""}})
        perhaps = [i for i, m in kept.items() if i in there or m.kind == "gap"]
        gaps = await self._gaps(perhaps) if perhaps else set()
        late_keys = ((m.session, m.side, m.stream, m.number) for m in rows if m.kind != "gap" and id_of(m) in gaps)
        hopeless = ((m.session, m.side, m.stream, m.number) for m in rows if not can_be_kept(m))
        return Committed(frozenset((*late_keys, *hopeless)))

    async def _erased_sides(self, sessions: list[str]) -> set[tuple[str, int]]:
        where = {"_id": {"$in": sessions}, "erased": {"$exists": True}}
        found = await self._mongo.find("sessions", where, fields=["erased"])
        return {
            (row.id, side) for row in self._reader.read("sessions", found, ErasedSessionDocument) for side in row.erased
        }

    async def _gaps(self, ids: list[str]) -> set[str]:
        found = await self._mongo.find("messages", {"_id": {"$in": ids}, "k": "gap"}, fields=PLACE)
        return {place.id for place in self._reader.places(found)}

    async def page(self, s: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        where = {"s": text(s)} | ({} if before is None else earlier(before))
        return (await newest_messages(self._mongo, self._reader, where, limit))[::-1]

    async def standing(self, s: str, side: int) -> Progress:
        """A stream with as many rows as its last number says is whole: the index counts, and one row is read. Only of
        a stream with a hole all numbers are read."""
        stream = {"s": text(s), "side": side}
        counts = await self._mongo.counted("messages", {**stream, "n": {"$gt": 0}}, "st")
        ends: dict[str, list[int]] = {st: [] for st in counts}
        for part in slices(list(counts), CLAUSES):
            clauses = [{"st": st, "n": {"$gte": counts[st]}} for st in part]
            for place in await self._places({**stream, "$or": clauses}):
                ends[place.stream].append(place.number)
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        for st in sorted(counts):
            seen[st] = counts[st]
            if ends[st] != [counts[st]]:
                numbers = {place.number for place in await self._places({**stream, "st": st})}
                seen[st] = next(n for n in range(len(numbers) + 1) if n + 1 not in numbers)
                where = {**stream, "st": st, "n": {"$gt": seen[st]}}
                beyond += self._reader.messages(await self._mongo.find("messages", where, order=[("n", 1)]))
        return Progress(seen, beyond)

    async def _places(self, where: Document) -> list[MessageKeyDocument]:
        return self._reader.places(await self._mongo.find("messages", where, fields=PLACE))

    async def held(self, s: str, side: int, st: str, ranges: Ranges) -> Ranges:
        numbers: list[int] = []
        for part in slices(merged(ranges), CLAUSES):
            where = {"s": text(s), "side": side, "st": text(st), "k": {"$ne": "gap"}}
            clauses = [{"n": {"$gte": a, "$lte": b}} for a, b in part]
            numbers += [place.number for place in await self._places({**where, "$or": clauses})]
        return to_ranges(numbers)

    # -- guests and sessions ------------------------------------------------------------------------------------------

    async def guest(self, guest: str) -> Guest | None:
        found = self._reader.guests(await self._mongo.find("guests", {"_id": text(guest)}))
        return found[0] if found else None

    async def keep_guest(self, guest: Guest) -> None:
        await self._mongo.replace("guests", to_guest(guest))

    async def begin(self, session: Session) -> None:
        await self._mongo.insert("sessions", [to_session(session)])

    async def undo(self, s: str) -> None:
        await self._mongo.delete("wishes", {"s": text(s)})
        await self._mongo.delete("sessions", {"_id": text(s)})

    async def end(self, s: str, at: int) -> None:
        """One step that matches a session without an end only: of two at once the first stays."""
        await self._mongo.update("sessions", {"_id": text(s), "ended": None}, {"$set": {"ended": at}})

    async def session(self, s: str) -> Session | None:
        found = self._reader.sessions(await self._mongo.find("sessions", {"_id": text(s)}))
        return found[0] if found else None

    async def sessions(self, guest: str) -> list[Session]:
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

    # -- who never meets again, and who would -------------------------------------------------------------------------

    async def bar(self, a: str, b: str, at: int) -> None:
        first, second = sorted((text(a), text(b)))
        await self._mongo.insert("barred", [{"_id": f"{first}:{second}", "pair": [first, second], "at": at}])

    async def barred(self, guest: str) -> list[str]:
        pairs = self._reader.read(
            "barred", await self._mongo.find("barred", {"pair": text(guest)}), BlockedPairDocument
        )
        return [bar.pair[1 - bar.pair.index(guest)] for bar in pairs]

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        fields = {"guest": text(guest), "at": at, "gone": date(at + SHUN_MS)}
        await self._mongo.insert(
            "shuns", [{"_id": f"{guest}:{network}:{at}", "network": text(network), **fields} for network in networks]
        )

    async def shunned(self, guest: str, now: int) -> dict[str, int]:
        """The oldest that still holds: who came between two blocks is kept away by the first one."""
        found = await self._mongo.find("shuns", {"guest": text(guest), "at": {"$gt": now - SHUN_MS}})
        shuns = sorted(self._reader.read("shuns", found, AvoidedNetworkDocument), key=lambda shun: -shun.at)
        return {shun.network: shun.at for shun in shuns}

    async def wish(self, s: str, guest: str, at: int) -> bool:
        """My wish is written first, then the partner's is looked for: of two who wish at once at least one sees both.
        Who does takes both, the one of the smaller guest first: only one process is told that it has deleted it. A
        crash before that leaves both; one after it leaves the other for a day at most."""
        wish = {"s": text(s), "guest": text(guest), "at": at, "gone": date(at + WISH_MS)}
        await self._mongo.replace("wishes", {"_id": f"{s}:{guest}", **wish})
        found = await self._mongo.find("wishes", {"s": s, "at": {"$gt": at - WISH_MS}})
        others = [wish.guest for wish in self._reader.read("wishes", found, WishDocument) if wish.guest != guest]
        if not others:
            return False
        first, second = sorted((guest, others[0]))
        if not await self._mongo.delete("wishes", {"_id": f"{s}:{first}"}):
            return False
        with suppress(Unavailable):  # it is decided
            await self._mongo.delete("wishes", {"_id": f"{s}:{second}"})
        return True

    # -- reports ------------------------------------------------------------------------------------------------------

    async def report(self, report: Report) -> str:
        """As the port says. A report without a network (loopback, private address) is kept but pauses nobody."""
        return await reports.keep_report(self._mongo, self._reader, report)

    async def case(self, code: str) -> Literal["received", "acted", "none"] | None:
        return await reports.case(self._mongo, self._reader, code)

    async def pause(self, guest: str, now: int) -> Pause | None:
        return await reports.pause(self._mongo, self._reader, guest, now)

    # -- forgetting ---------------------------------------------------------------------------------------------------

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Session after session: marked as erased and ended, then each text copied, then emptied. The guest goes last:
        an erase that was broken off can be repeated by its guest, and ``prune`` completes it if nobody does."""
        sessions = await self.sessions(guest)
        for session in sessions:
            side = session.side(guest)
            change: Document = {"$addToSet": {"erased": side}, "$max": {"erasing": at}}
            await self._mongo.update("sessions", {"_id": session.id}, change)
            await self.end(session.id, at)
            await retention.empty(self._mongo, self._reader, session.id, side, at)
        await self._mongo.delete("shuns", {"guest": guest})
        await self._mongo.delete("wishes", {"guest": guest})
        await self._mongo.delete("guests", {"_id": guest})
        return await self.sessions(guest)

    async def prune(self, now: int, history_ms: int) -> None:
        await retention.prune(self._mongo, self._reader, now, history_ms)
