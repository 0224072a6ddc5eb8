"""Wishes for a sign in the embedded store."""

from citychat.adapters.sqlite.database import Database, Row, Transaction, Value
from citychat.limits import bound
from citychat.ports import AskedSign

SIGNS_MAX = bound("signs waiting")


class SqliteSigns:
    """The store of who is to be told once (``ports.SignStore``)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, sign: AskedSign) -> bool:
        row = sign.guest, sign.endpoint, sign.key, sign.pool, sign.since, sign.until, sign.hidden

        def work(transaction: Transaction) -> bool:
            transaction.change("drop_sign", sign.guest)
            return bool(transaction.change("keep_sign", *row, SIGNS_MAX))

        return await self._database.run(work)

    async def find(self, guest: str, now: int) -> AskedSign | None:
        rows = await self._database.run(lambda transaction: transaction.rows("sign", guest, now))
        return _to_sign(*rows[0]) if rows else None

    async def note(self, guest: str, pool: str, hidden: bool) -> None:
        await self._database.run(lambda transaction: transaction.change("note_sign", guest, pool, hidden))

    async def drop(self, guest: str) -> None:
        await self._database.run(lambda transaction: _delete(transaction, "drop_sign", guest))

    async def take(self, sign: AskedSign) -> bool:
        row = sign.guest, sign.endpoint, sign.since
        return await self._database.run(lambda transaction: _delete(transaction, "take_sign", *row))

    async def waiting(self, key: str, now: int) -> list[AskedSign]:
        def work(transaction: Transaction) -> list[Row]:
            _delete(transaction, "expire_signs", now)
            return transaction.rows("signs", key)

        return [_to_sign(*row) for row in await self._database.run(work)]


def _delete(transaction: Transaction, statement: str, *values: Value) -> bool:
    """Delete, so that no address of a browser stays readable; whether there was anything."""
    deleted = transaction.change(statement, *values) > 0
    if deleted:
        transaction.forget()
    return deleted


def _to_sign(guest: str, endpoint: str, key: str, pool: str, since: int, until: int, hidden: int) -> AskedSign:
    return AskedSign(guest, endpoint, key, pool, since, until, bool(hidden))
