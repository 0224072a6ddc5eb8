"""The house in the embedded store: whether it is closed, and whose turn is what."""

from citychat.adapters.sqlite.database import Database
from citychat.ports import Closure

CLOSED = "closed"


class SqliteHouse:
    """Store of what holds for the whole site (ports.HouseStore)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def closure(self, now: int) -> Closure | None:
        rows = await self._database.run(lambda transaction: transaction.rows("house", CLOSED, now))
        return Closure(*rows[0]) if rows else None

    async def close(self, closure: Closure) -> None:
        row = CLOSED, closure.text, closure.until
        await self._database.run(lambda transaction: transaction.change("keep_house", *row))

    async def open(self) -> None:
        await self._database.run(lambda transaction: transaction.change("drop_house", CLOSED))

    async def take_turn(self, what: str, who: str, now: int, until: int) -> bool:
        row = f"turn:{what}", who, until, now
        return bool(await self._database.run(lambda transaction: transaction.change("take_turn", *row)))
