"""Blocked pairs and avoided networks in MongoDB."""

from collections.abc import Sequence

from citychat.adapters.mongo.connection import Document, Mongo, date
from citychat.adapters.mongo.documents import (
    AvoidedNetworkDocument,
    BlockedPairDocument,
    DocumentReader,
    MembersDocument,
    pair_id,
    text,
)
from citychat.limits import bound
from citychat.model import PENDING
from citychat.rules import bar_goes, held_after, held_until

MET_MAX = bound("people met")


class MongoRelations:
    """The store of who must not meet whom (``ports.RelationStore``)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def block(self, a: str, b: str, at: int) -> None:
        bar: Document = {"_id": pair_id(a, b), "pair": sorted((a, b)), "at": at, "goes": bar_goes(at)}
        await self._mongo.insert("barred", [bar])

    async def blocked(self, guest: str) -> list[str]:
        found = await self._mongo.find("barred", {"pair": text(guest)})
        pairs = self._reader.read("barred", found, BlockedPairDocument)
        return [row.pair[1 - row.pair.index(guest)] for row in pairs]

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        """One document a network, of the newest time."""
        newest = {"at": at, "gone": date(held_until("avoided network", at))}
        for network in networks:
            change: Document = {"$set": {"guest": text(guest), "network": text(network)}, "$max": newest}
            await self._mongo.update("shuns", {"_id": f"{guest}:{network}"}, change, upsert=True)

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        """Up to 0.2.0 each block was a document of its own: the newest counts."""
        holding = {"guest": text(guest), "at": {"$gt": held_after("avoided network", now)}}
        found = await self._mongo.find("shuns", holding)
        avoided = sorted(self._reader.read("shuns", found, AvoidedNetworkDocument), key=lambda row: row.at)
        return {row.network: row.at for row in avoided}

    async def met(self, guest: str) -> list[str]:
        where: Document = {"members": text(guest), "ended": {"$ne": PENDING}}
        found = await self._mongo.find("sessions", where, fields=["members"], order=[("started", -1)], limit=MET_MAX)
        rows = self._reader.read("sessions", found, MembersDocument)
        return list(dict.fromkeys(other for row in rows for other in row.members if other != guest))
