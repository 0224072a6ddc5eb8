"""The house in MongoDB: whether it is closed, and whose turn is what."""

from msgspec import Struct, field

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import DocumentReader, text
from citychat.ports import Closure
from citychat.rules import turn_goes

CLOSED = "closed"


class HouseDocument(Struct, frozen=True):
    """The host's word, or whose turn something is, and until when."""

    id: str = field(name="_id")
    words: str
    until: int


class MongoHouse:
    """Store of what holds for the whole site (ports.HouseStore)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def closure(self, now: int) -> Closure | None:
        found = self._reader.read("house", await self._mongo.find("house", {"_id": CLOSED}), HouseDocument)
        return Closure(found[0].words, found[0].until) if found and found[0].until > now else None

    async def close(self, closure: Closure) -> None:
        fields: Document = {"words": text(closure.text), "until": closure.until, "gone": date(closure.until)}
        await self._mongo.replace("house", {"_id": CLOSED, **fields})

    async def open(self) -> None:
        await self._mongo.delete("house", {"_id": CLOSED})

    async def take_turn(self, what: str, who: str, now: int, until: int) -> bool:
        """Turns are numbered: of two who take at once one finds the next number taken. They go a day after their end,
        when nobody looks at them any more."""
        name = f"turn:{text(what)}"
        where: Document = {"_id": {"$gt": f"{name}:", "$lt": f"{name};"}}
        newest = await self._mongo.find("house", where, order=[("_id", -1)], limit=1)
        n = 1
        for last in self._reader.read("house", newest, HouseDocument, lambda row: row.id[len(name) + 1 :].isdecimal()):
            if last.until > now and last.words != who:
                return False
            n = int(last.id.rpartition(":")[2]) + 1
        fields: Document = {"words": text(who), "until": until, "gone": date(turn_goes(until))}
        return not await self._mongo.insert("house", [{"_id": f"{name}:{n:012}", **fields}])
