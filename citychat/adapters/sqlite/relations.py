"""Blocked pairs and avoided networks in the embedded store."""

from collections.abc import Sequence

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.limits import bound
from citychat.rules import FOR_GOOD_MS, bar_goes, held_after

MET_MAX = bound("people met")
SLICE_ROWS = 500  # of bars that are looked at in one go


class SqliteRelations:
    """The store of who must not meet whom (``ports.RelationStore``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def block(self, a: str, b: str, at: int) -> None:
        first, second = sorted((a, b))
        await self._database.run(lambda transaction: transaction.change("block", first, second, at, bar_goes(at)))

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


def prune_bars(transaction: Transaction, now: int) -> bool:
    """Look at a slice of the pairs whose time has come; whether there were any."""
    found = transaction.rows("bars_to_look_at", now, SLICE_ROWS)
    stays: list[Row] = [(a, b, FOR_GOOD_MS) for a, b, both in found if both]
    goes: list[Row] = [(a, b) for a, b, both in found if not both]
    transaction.change_each("bar_stays", stays)
    transaction.change_each("drop_bar", goes)
    return bool(found)
