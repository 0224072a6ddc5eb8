"""Errors of SQLite and of the file system, as one line for the host that says what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StorageError(Exception):
    """The data file cannot be used. The message is one line for the host: which file, what is wrong, what to do."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite or the system refuses into a StorageError: one line that names the file."""
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {trouble(error)}") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from error


def trouble(error: sqlite3.Error) -> str:
    """Return what is the matter with the file, and what to do, for the host."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # the low byte is the kind
    if code == sqlite3.SQLITE_BUSY:
        return "in use by another program; close that one or choose another folder with --data"
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "damaged; nothing was changed. Restore a backup, or move the file away to start with an empty one"
    return f"cannot be used ({error}); check the disk or choose another folder with --data"
