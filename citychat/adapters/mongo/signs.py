"""Wishes for a sign in MongoDB."""

from msgspec import Struct, field

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import DocumentReader, text
from citychat.limits import bound
from citychat.ports import AskedSign

SIGNS_MAX = bound("signs waiting")


class AskedSignDocument(Struct, frozen=True):
    """The wish, under the guest's id."""

    guest: str = field(name="_id")
    endpoint: str
    key: str
    pool: str
    since: int
    until: int
    hidden: bool = False


class MongoSigns:
    """The store of who is to be told once (``ports.SignStore``)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def keep(self, sign: AskedSign) -> bool:
        """Several who come at once may be a few more than the site may have."""
        others = {"_id": {"$ne": text(sign.guest)}}
        if len(await self._mongo.find("signs", others, fields=["_id"], limit=SIGNS_MAX)) >= SIGNS_MAX:
            await self.drop(sign.guest)
            return False
        words: Document = {name: text(getattr(sign, name)) for name in ("endpoint", "key", "pool")}
        times: Document = {"since": sign.since, "until": sign.until, "gone": date(sign.until)}
        await self._mongo.replace("signs", {"_id": text(sign.guest), **words, **times, "hidden": sign.hidden})
        return True

    async def find(self, guest: str, now: int) -> AskedSign | None:
        found = self._read(await self._mongo.find("signs", {"_id": text(guest), "until": {"$gt": now}}))
        return found[0] if found else None

    async def note(self, guest: str, pool: str, hidden: bool) -> None:
        await self._mongo.update("signs", {"_id": text(guest)}, {"$set": {"pool": text(pool), "hidden": hidden}})

    async def drop(self, guest: str) -> None:
        await self._mongo.delete("signs", {"_id": text(guest)})

    async def take(self, sign: AskedSign) -> bool:
        where: Document = {"_id": text(sign.guest), "endpoint": text(sign.endpoint), "since": sign.since}
        return await self._mongo.delete("signs", where) > 0

    async def waiting(self, key: str, now: int) -> list[AskedSign]:
        await self._mongo.delete("signs", {"gone": {"$lte": date(now)}})
        where: Document = {"key": text(key), "gone": {"$gt": date(now)}}
        return self._read(await self._mongo.find("signs", where, order=[("since", 1)], limit=SIGNS_MAX))

    def _read(self, documents: list[Document]) -> list[AskedSign]:
        rows = self._reader.read("signs", documents, AskedSignDocument)
        return [AskedSign(row.guest, row.endpoint, row.key, row.pool, row.since, row.until, row.hidden) for row in rows]
