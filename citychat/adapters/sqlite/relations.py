"""Blocked pairs and avoided networks in the embedded store."""

from collections.abc import Sequence

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.limits import bound
from citychat.rules import held_after

MET_MAX = bound("people met")


class SqliteRelations:
    """The store of who must not meet whom (``ports.RelationStore``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, a: str, b: str, at: int) -> None:
        first, second = sorted((a, b))
        await self._database.run(lambda transaction: transaction.change("block", first, second, at))

    async def blocked(self, guest: str) -> list[str]:
        rows = await self._database.run(lambda transaction: transaction.rows("blocked", guest))
        return [other for (other,) in rows]

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        rows: list[Row] = [(guest, network, at) for network in networks]
        await self._database.run(lambda transaction: transaction.change_each("avoid_network", rows))

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        made_after = held_after("avoided network", now)
        rows = await self._database.run(lambda transaction: transaction.rows("avoided_networks", guest, made_after))
        return dict(rows)

    async def met(self, guest: str) -> list[str]:
        return await self._database.run(lambda transaction: met(transaction, guest))


def met(transaction: Transaction, guest: str) -> list[str]:
    """Read with whom the guest has talked."""
    return [other for (other,) in transaction.rows("met", guest, MET_MAX)]
