"""Blocked pairs and avoided networks in MongoDB."""

from collections.abc import Sequence

from citychat.adapters.mongo.connection import Mongo, date
from citychat.adapters.mongo.documents import (
    AvoidedNetworkDocument,
    BlockedPairDocument,
    DocumentReader,
    pair_id,
    text,
)
from citychat.rules import held_after, held_until


class MongoRelations:
    """The store of who must not meet whom (``ports.RelationStore``)."""

    def __init__(self, mongo: Mongo, reader: DocumentReader) -> None:
        self._mongo, self._reader = mongo, reader

    async def block(self, a: str, b: str, at: int) -> None:
        await self._mongo.insert("barred", [{"_id": pair_id(a, b), "pair": sorted((a, b)), "at": at}])

    async def blocked(self, guest: str) -> list[str]:
        found = await self._mongo.find("barred", {"pair": text(guest)})
        pairs = self._reader.read("barred", found, BlockedPairDocument)
        return [row.pair[1 - row.pair.index(guest)] for row in pairs]

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        fields = {"guest": text(guest), "at": at, "gone": date(held_until("avoided network", at))}
        await self._mongo.insert(
            "shuns", [{"_id": f"{guest}:{network}:{at}", "network": text(network), **fields} for network in networks]
        )

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        """The oldest that still holds: who came between two blocks is kept away by the first one."""
        holding = {"guest": text(guest), "at": {"$gt": held_after("avoided network", now)}}
        found = await self._mongo.find("shuns", holding)
        avoided = sorted(self._reader.read("shuns", found, AvoidedNetworkDocument), key=lambda row: -row.at)
        return {row.network: row.at for row in avoided}
