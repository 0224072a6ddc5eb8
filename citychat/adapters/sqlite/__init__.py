"""The embedded mailbox and history: one SQLite file."""

from citychat.adapters.sqlite.database import Database
from citychat.adapters.sqlite.errors import StorageError
from citychat.adapters.sqlite.free_disk import FreeDisk, free_bytes
from citychat.adapters.sqlite.history import SqliteHistory
from citychat.adapters.sqlite.mailbox import SqliteMailbox

__all__ = ["Database", "FreeDisk", "SqliteHistory", "SqliteMailbox", "StorageError", "free_bytes"]
