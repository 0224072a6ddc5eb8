"""The embedded mailbox and history: one SQLite file."""

from citychat.adapters.sqlite.database import Database, StorageError
from citychat.adapters.sqlite.free_disk import FreeDisk
from citychat.adapters.sqlite.history import SqliteHistory
from citychat.adapters.sqlite.mailbox import SqliteMailbox

__all__ = ["Database", "FreeDisk", "SqliteHistory", "SqliteMailbox", "StorageError"]
