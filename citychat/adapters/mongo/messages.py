"""Delivered messages in MongoDB."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import (
    PLACE,
    DocumentReader,
    ErasedSessionDocument,
    MessageKeyDocument,
    earlier,
    id_of,
    newest_messages,
    slices,
    text,
    to_row,
)
from citychat.adapters.service_status import ServiceStatus
from citychat.limits import bound
from citychat.model import Message, Ranges, Unavailable, is_storable, merged, to_ranges
from citychat.ports import Committed, Progress
from citychat.tasks import described

ROWS_IN_FLIGHT_MAX = bound("waiting for MongoDB")
CLOSING_S = 5.0  # what was accepted may still be written when the process goes
CLAUSES = 100  # of one $or: a page may ask for any number of ranges and streams

log = logging.getLogger(__name__)


class MongoMessages:
    """The delivered messages (ports.MessageStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader, status: ServiceStatus) -> None:
        self._mongo, self._reader, self._status = mongo, reader, status
        self._rows_in_flight = 0
        self._adding: set[asyncio.Task[None]] = set()

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep rows in one unordered write. A crash half way leaves some of the rows; whoever still owns them adds them
        again and meets duplicates. What can never be kept is reported like a gap: no receipt, no retry."""
        loop = asyncio.get_running_loop()
        if not self._status.up or self._rows_in_flight + len(rows) > ROWS_IN_FLIGHT_MAX:
            loop.call_soon(done, None)
            return
        self._rows_in_flight += len(rows)
        task = loop.create_task(self._add(list(rows), done), name="add to the history")
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    async def finish(self) -> None:
        """Let what was accepted be written; what has no answer by then is told that nothing is sure."""
        if self._adding:
            await asyncio.wait(self._adding, timeout=CLOSING_S)
        for task in self._adding:
            task.cancel()
        if self._adding:
            await asyncio.wait(self._adding)

    async def page(self, session_id: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        where = {"s": text(session_id)} | ({} if before is None else earlier(before))
        return (await newest_messages(self._mongo, self._reader, where, limit))[::-1]

    async def progress(self, session_id: str, side: int) -> Progress:
        """A stream with as many rows as its last number says is whole: the index counts, and one row is read. Only of
        a stream with a hole all numbers are read."""
        sent: Document = {"s": text(session_id), "side": side}
        counts = await self._mongo.counted("messages", {**sent, "n": {"$gt": 0}}, "st")
        ends: dict[str, list[int]] = {stream: [] for stream in counts}
        for part in slices(list(counts), CLAUSES):
            clauses = [{"st": stream, "n": {"$gte": counts[stream]}} for stream in part]
            for place in await self._places({**sent, "$or": clauses}):
                ends[place.stream].append(place.number)
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        for stream in sorted(counts):
            seen[stream] = counts[stream]
            if ends[stream] != [counts[stream]]:
                numbers = {place.number for place in await self._places({**sent, "st": stream})}
                seen[stream] = next(n for n in range(len(numbers) + 1) if n + 1 not in numbers)
                where = {**sent, "st": stream, "n": {"$gt": seen[stream]}}
                beyond += self._reader.messages(await self._mongo.find("messages", where, order=[("n", 1)]))
        return Progress(seen, beyond)

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        numbers: list[int] = []
        for part in slices(merged(ranges), CLAUSES):
            where = {"s": text(session_id), "side": side, "st": text(stream), "k": {"$ne": "gap"}}
            clauses = [{"n": {"$gte": first, "$lte": last}} for first, last in part]
            numbers += [place.number for place in await self._places({**where, "$or": clauses})]
        return to_ranges(numbers)

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
        was done before the erase began to empty. A process that dies in between leaves it to ``prune``. A session that
        is deleted meanwhile is noticed in the same way."""
        kept: dict[str, Message] = {}
        for m in filter(is_storable, rows):
            kept.setdefault(id_of(m), m)  # of two with one number the first stays
        blank = await self._erased_sides({m.session for m in kept.values()})
        kept = {i: m for i, m in kept.items() if m.session in blank}
        documents = [to_row(m) | ({"x": ""} if m.side in blank[m.session] else {}) for m in kept.values()]
        there = await self._mongo.insert("messages", documents)
        await self._look_again(kept, blank)
        perhaps = [i for i, m in kept.items() if i in there or m.kind == "gap"]
        gaps = await self._gaps(perhaps) if perhaps else set()
        late_keys = ((m.session, m.side, m.stream, m.number) for m in rows if m.kind != "gap" and id_of(m) in gaps)
        hopeless = ((m.session, m.side, m.stream, m.number) for m in rows if id_of(m) not in kept)
        return Committed(frozenset((*late_keys, *hopeless)))

    async def _look_again(self, kept: dict[str, Message], blank: dict[str, tuple[int, ...]]) -> None:
        """Empty what was erased, and delete what was deleted, since ``blank`` was read."""
        now = await self._erased_sides(set(blank))
        late = [i for i, m in kept.items() if m.side in now.get(m.session, ()) and m.side not in blank[m.session]]
        if late:
            await self._mongo.update("messages", {"_id": {"$in": late}}, {"$set": {"x": ""}})
        if gone := [i for i, m in kept.items() if m.session not in now]:
            await self._mongo.delete("messages", {"_id": {"$in": gone}})

    async def _erased_sides(self, sessions: set[str]) -> dict[str, tuple[int, ...]]:
        """Those of these sessions that exist, each with the sides whose texts are erased."""
        found = await self._mongo.find("sessions", {"_id": {"$in": list(sessions)}}, fields=["erased"])
        return {row.id: row.erased for row in self._reader.read("sessions", found, ErasedSessionDocument)}

    async def _gaps(self, ids: list[str]) -> set[str]:
        return {place.id for place in await self._places({"_id": {"$in": ids}, "k": "gap"})}

    async def _places(self, where: Document) -> list[MessageKeyDocument]:
        return self._reader.places(await self._mongo.find("messages", where, fields=PLACE))
