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
        """One document a network: what was held before counts on from its own time, if it still holds."""
        known = await self.avoided_networks(guest, at) if networks else {}
        fields = {"guest": text(guest), "at": at, "gone": date(held_until("avoided network", at))}
        for network in networks:
            since = min(at, known.get(network, at))
            shun = {"_id": f"{guest}:{network}", "network": text(network), "since": since}
            await self._mongo.replace("shuns", shun | fields)

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        """The oldest that still holds: who came between two blocks is kept away by the first one. Up to 0.2.0 each
        block was a document of its own."""
        over = held_after("avoided network", now)
        found = await self._mongo.find("shuns", {"guest": text(guest), "at": {"$gt": over}})
        avoided: dict[str, int] = {}
        for row in self._reader.read("shuns", found, AvoidedNetworkDocument):
            since = row.since if row.since is not None and row.since > over else row.at
            avoided[row.network] = min(since, avoided.get(row.network, since))
        return avoided
