"""Delivered messages in MongoDB."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import (
    PLACE,
    DocumentReader,
    MarkedSessionDocument,
    MessageKeyDocument,
    earlier,
    id_of,
    newest_messages,
    slices,
    text,
    to_row,
)
from citychat.adapters.mongo.gaps import MongoGaps
from citychat.adapters.service_status import ServiceStatus
from citychat.limits import bound
from citychat.model import Message, MessageKey, Ranges, Unavailable, is_storable, merged, reach, to_ranges
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
        self._gaps = MongoGaps(mongo, reader)
        self._rows_in_flight = 0
        self._adding: set[asyncio.Task[None]] = set()

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep rows in one unordered write. A crash half way leaves some of the rows; whoever still owns them adds them
        again and meets duplicates. What can never be kept is reported: no receipt, no retry."""
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

    async def page(
        self, session_id: str, before: tuple[int, int, str, int] | None, limit: int, reader: int | None = None
    ) -> list[Message]:
        where = {"s": text(session_id)} | ({} if before is None else earlier(before))
        if reader is not None:
            where["$nor"] = [{"side": reader, "after_end": True}, {"side": reader, "k": "gap"}]
        return (await newest_messages(self._mongo, self._reader, where, limit))[::-1]

    async def progress(self, session_id: str, side: int) -> Progress:
        """A stream with as many rows as its last number says is whole: the index counts, and its first and last row are
        read. Only of a stream with a hole all numbers are read."""
        sent: Document = {"s": text(session_id), "side": side}
        counts, gaps = await asyncio.gather(
            self._mongo.counted("messages", {**sent, "n": {"$gt": 0}}, "st"), self._gaps.of(session_id, side)
        )
        ends: dict[str, list[int]] = {stream: [] for stream in counts}
        links: dict[str, MessageKey] = {}
        for part in slices(list(counts), CLAUSES // 2):
            clauses = [{"st": stream, "n": n} for stream in part for n in (1, {"$gte": counts[stream]})]
            for place in await self._places({**sent, "$or": clauses}, *PLACE, "p"):
                if place.number >= counts[place.stream]:
                    ends[place.stream].append(place.number)
                if place.number == 1 and place.previous is not None:
                    links[place.stream] = place.previous
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        for stream in sorted(counts):
            seen[stream] = counts[stream]
            if ends[stream] != [counts[stream]] or stream in gaps:
                numbers = [place.number for place in await self._places({**sent, "st": stream})]
                seen[stream] = reach([*to_ranges(numbers), *gaps.get(stream, ())])
                where = {**sent, "st": stream, "n": {"$gt": seen[stream]}}
                beyond += self._reader.messages(await self._mongo.find("messages", where, order=[("n", 1)]))
        lost = sum(last - first + 1 for ranges in gaps.values() for first, last in merged(ranges))
        return Progress(seen, beyond, lost, links)

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        numbers: list[int] = []
        for part in slices(merged(ranges), CLAUSES):
            where = {"s": text(session_id), "side": side, "st": text(stream), "k": {"$ne": "gap"}}
            where["after_end"] = {"$ne": True}
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
        storable = list(filter(is_storable, rows))
        hopeless = {m.row_key for m in rows} - {m.row_key for m in storable}
        gaps = [m for m in storable if m.kind == "gap"]
        for m in storable:
            if m.kind != "gap":
                kept.setdefault(id_of(m), m)  # of two with one number the first stays
        known = await self._sessions({m.session for m in storable})
        await self._gaps.mark({m.session for m in gaps} & set(known))
        kept = {i: m for i, m in kept.items() if m.session in known}
        documents = [to_row(m) | known[m.session].marks(m) for m in kept.values()]
        there = await self._mongo.insert("messages", documents)
        late = await self._gaps.covered(m for i, m in kept.items() if i in there or known[m.session].gaps)
        for document in documents:
            if document["_id"] in late:
                await self._gaps.part(kept[document["_id"]], document)
        standing = []
        for gap in gaps:
            if gap.session in known:
                await self._gaps.add(gap)
                standing += await self._gaps.standing(gap)
        await self._look_again(kept, known)
        hopeless |= {m.row_key for m in storable if m.session not in known}
        return Committed(frozenset(hopeless), frozenset(kept[i].row_key for i in late), tuple(standing))

    async def _look_again(self, new: dict[str, Message], known: dict[str, MarkedSessionDocument]) -> None:
        """Empty what was erased, and delete what was deleted, since ``known`` was read."""
        now = await self._sessions(set(known))
        late = [
            i
            for i, m in new.items()
            if m.session in now and m.side in now[m.session].erased and m.side not in known[m.session].erased
        ]
        if late:
            await self._mongo.update("messages", {"_id": {"$in": late}}, {"$set": {"x": ""}})
        if gone := [session_id for session_id in known if session_id not in now]:
            await self._mongo.delete("messages", {"s": {"$in": gone}})

    async def _sessions(self, ids: set[str]) -> dict[str, MarkedSessionDocument]:
        """Those of these sessions that exist, with their marks."""
        found = await self._mongo.find("sessions", {"_id": {"$in": list(ids)}}, fields=["erased", "gaps", "ended"])
        return {row.id: row for row in self._reader.read("sessions", found, MarkedSessionDocument)}

    async def _places(self, where: Document, *fields: str) -> list[MessageKeyDocument]:
        return self._reader.places(await self._mongo.find("messages", where, fields=fields or PLACE))
