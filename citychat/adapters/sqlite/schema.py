"""Schema of the embedded store's file: whether it is ours and whole, and how it comes to the newest version."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citychat.adapters.sqlite.errors import StorageError
from citychat.adapters.statements import statements

SQL = statements("sqlite/statements.sql")
SCHEMA_VERSION = sum(name.startswith("migration_") for name in SQL)
APPLICATION_ID = 0x43697479  # "City": tells our file from any other SQLite file


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the file is ours, whole, and not of a newer version. Raises StorageError, sqlite3.Error."""
    _check_kind(connection, path)
    if _pragma(connection, "quick_check(1)") != "ok":
        raise sqlite3.DatabaseError("quick_check failed")


def check_beside(connection: sqlite3.Connection, path: Path) -> None:
    """Check for a command that works beside the server, which alone changes the schema. Raises StorageError.

    The file is not read as a whole: its server has done that at its start."""
    _check_kind(connection, path)
    if (version := _pragma(connection, "user_version")) != SCHEMA_VERSION:
        raise StorageError(
            f"{path}: made by an older CityChat (schema {version}, this one knows {SCHEMA_VERSION}); "
            "start the server of this version once"
        )


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if application != APPLICATION_ID and (version or connection.execute("SELECT 1 FROM sqlite_schema").fetchone()):
        raise StorageError(f"{path}: not a database of CityChat; choose another folder with --data")
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path}: made by a newer CityChat (schema {version}, this one knows {SCHEMA_VERSION}); "
            "install that version again or restore an older backup"
        )


def set_pragmas(connection: sqlite3.Connection) -> None:
    for setting in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "journal_size_limit = 16777216"):
        connection.execute(f"PRAGMA {setting}")


def prepare(connection: sqlite3.Connection) -> None:
    set_pragmas(connection)
    connection.execute("BEGIN IMMEDIATE")
    for version in range(_pragma(connection, "user_version") + 1, SCHEMA_VERSION + 1):
        for statement in _each(SQL[f"migration_{version}"]):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what a migration has deleted is nowhere any more


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _each(script: str) -> Iterator[str]:
    """The statements of a script: sqlite3's own executescript would commit before it begins."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
