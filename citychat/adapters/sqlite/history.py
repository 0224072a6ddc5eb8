"""The embedded history: its stores, in the file of the mailbox."""

from typing import Self

from citychat.adapters.sqlite.cases import SqliteCases
from citychat.adapters.sqlite.database import Database
from citychat.adapters.sqlite.guests import SqliteGuests
from citychat.adapters.sqlite.house import SqliteHouse
from citychat.adapters.sqlite.messages import SqliteMessages
from citychat.adapters.sqlite.relations import SqliteRelations
from citychat.adapters.sqlite.reports import SqliteReports
from citychat.adapters.sqlite.sessions import SqliteSessions
from citychat.adapters.sqlite.signs import SqliteSigns


class SqliteHistory:
    """The history in SQLite (``ports.History``), and the cases for its host's commands."""

    def __init__(self, database: Database) -> None:
        self.messages = SqliteMessages(database)
        self.sessions = SqliteSessions(database)
        self.guests = SqliteGuests(database, self.sessions)
        self.relations = SqliteRelations(database)
        self.reports = SqliteReports(database)
        self.house = SqliteHouse(database)
        self.signs = SqliteSigns(database)
        self.cases = SqliteCases(database)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """The database finishes what was accepted."""
