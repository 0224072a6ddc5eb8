"""Gaps of the history in MongoDB: rows that stand for numbers which have not come.

A session that has any is marked before the first is written, so that no other costs a look for them. Of a message and
a gap written at the same moment both may stand: then the message counts. Two gaps may overlap.
"""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.documents import PLACE, DocumentReader, MessageKeyDocument, id_of, to_row
from citychat.limits import bound
from citychat.model import Message, Ranges, missing

LOST_MAX = bound("lost messages")
Stream = tuple[str, int, str]


class MongoGaps:
    """The gap rows among the messages."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def of(self, session_id: str, side: int) -> dict[str, Ranges]:
        """Return them by stream."""
        marked = await self._mongo.find("sessions", {"_id": session_id, "gaps": True}, fields=["_id"])
        where: Document = {"s": session_id, "side": side, "k": "gap"}
        found: dict[str, Ranges] = {}
        for place in await self._places(where) if marked else ():
            found.setdefault(place.stream, []).append((place.number, place.last))
        return found

    async def covered(self, messages: Iterable[Message]) -> set[str]:
        """Return the ids of those that come late: a gap stands for their numbers."""
        streams: dict[Stream, list[Message]] = {}
        for m in messages:
            streams.setdefault((m.session, m.side, m.stream), []).append(m)
        late: set[str] = set()
        for stream, sent in streams.items():
            gaps = await self._between(stream, min(m.number for m in sent), max(m.number for m in sent))
            late |= {id_of(m) for m in sent if any(first <= m.number <= last for first, last in gaps)}
        return late

    async def mark(self, sessions: Collection[str]) -> None:
        """Note that these will have gaps."""
        if sessions:
            await self._mongo.update("sessions", {"_id": {"$in": sorted(sessions)}}, {"$set": {"gaps": True}})

    async def add(self, gap: Message) -> None:
        """Add those of its numbers that nothing stands for yet. Whoever writes at the same moment may take the place of
        one of the rows: then it is looked again."""
        stream, taken = (gap.session, gap.side, gap.stream), True
        while taken:
            known = await self._between(stream, gap.number, gap.last, gaps_only=False)
            rows = [
                to_row(replace(gap, number=first, to=last if last > first else None))
                for first, last in missing(gap.number, gap.last, known)
            ]
            taken = bool(await self._mongo.insert("messages", rows))

    async def part(self, late: Message, document: Document) -> None:
        """Let a message take its place in the gap that stands for it. Who breaks off in the middle leaves a hole after
        it, which is given up once more."""
        stream = {"s": late.session, "side": late.side, "st": late.stream}
        where = {**stream, "k": "gap", "n": {"$gte": late.number - LOST_MAX, "$lte": late.number}}
        for gap in self._reader.messages(await self._mongo.find("messages", where)):
            if gap.last < late.number:
                continue
            change: Document = {"$set": {"to": late.number - 1}}
            if gap.number == late.number:
                kind = {} if "k" in document else {"k": ""}
                change = {"$set": {**document}, "$unset": {**kind, "to": ""}}
                del change["$set"]["_id"]
            elif gap.number == late.number - 1:
                change = {"$unset": {"to": ""}}
            await self._mongo.update("messages", {"_id": id_of(gap), "k": "gap"}, change)
            if gap.last > late.number:
                after = late.number + 1
                await self.add(replace(gap, number=after, to=gap.last if gap.last > after else None))

    async def standing(self, gap: Message) -> list[Message]:
        """Return the messages that are there all the same."""
        where: Document = {"s": gap.session, "side": gap.side, "st": gap.stream, "k": {"$ne": "gap"}}
        where["n"] = {"$gte": gap.number, "$lte": gap.last}
        return self._reader.messages(await self._mongo.find("messages", where, order=[("n", 1)]))

    async def _between(self, stream: Stream, first: int, last: int, *, gaps_only: bool = True) -> Ranges:
        """Find what stands for numbers from ``first`` to ``last``; a gap may begin before them."""
        where: Document = dict(zip(("s", "side", "st"), stream, strict=True))
        gaps = await self._places({**where, "k": "gap", "n": {"$gte": first - LOST_MAX, "$lte": last}})
        rows = [] if gaps_only else await self._places({**where, "n": {"$gte": first, "$lte": last}})
        return [(place.number, place.last) for place in (*gaps, *rows)]

    async def _places(self, where: Document) -> list[MessageKeyDocument]:
        return self._reader.places(await self._mongo.find("messages", where, fields=(*PLACE, "to")))
