"""The embedded history: five stores in the file of the mailbox."""

from typing import Self

from citychat.adapters.sqlite.database import Database
from citychat.adapters.sqlite.guests import SqliteGuests
from citychat.adapters.sqlite.messages import SqliteMessages
from citychat.adapters.sqlite.relations import SqliteRelations
from citychat.adapters.sqlite.reports import SqliteReports
from citychat.adapters.sqlite.sessions import SqliteSessions


class SqliteHistory:
    """The history in SQLite (``ports.History``)."""

    def __init__(self, database: Database) -> None:
        self.messages = SqliteMessages(database)
        self.sessions = SqliteSessions(database)
        self.guests = SqliteGuests(database, self.sessions)
        self.relations = SqliteRelations(database)
        self.reports = SqliteReports(database)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        """The database finishes what was accepted."""
