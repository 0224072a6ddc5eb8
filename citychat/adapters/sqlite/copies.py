"""Copies of the embedded store: taken whole while a server writes, checked, and put back only while none does."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from citychat.adapters.sqlite.database import connect, lock
from citychat.adapters.sqlite.errors import StorageError, storage_errors
from citychat.adapters.sqlite.schema import SQL, check
from citychat.secret_files import hand_over

PART = ".part"  # the end of the name of a copy that is not finished


class Contents(NamedTuple):
    """The number of rows that a store holds. ``waiting``: messages in mailboxes."""

    guests: int
    chats: int
    messages: int
    waiting: int


def contents(path: Path) -> Contents:
    """Count what the store at ``path`` holds, after a check that it is whole and ours. Raises StorageError."""
    with storage_errors(path), closing(connect(path, "ro")) as looking:
        check(looking, path)
        return Contents(*looking.execute(SQL["contents"]).fetchone())


def copy(source: Path, target: Path) -> None:
    """Copy the store as it is at one moment to ``target``: checked, on disk, one file.

    There is never half a file of that name. Raises StorageError; then nothing is left of it.
    """
    part = target.with_name(target.name + PART)
    with storage_errors(target):
        try:
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
            with closing(connect(source, "ro")) as reading, closing(connect(part, "rw")) as writing:
                writing.execute("PRAGMA synchronous = OFF")  # until the end, where all of it goes to the disk at once
                reading.backup(writing)  # in one step: a server that writes meanwhile would make several start anew
                writing.execute("PRAGMA journal_mode = DELETE")  # else the copy would want a log beside it
                with storage_errors(source):  # a copy is as whole as what it was made from
                    check(writing, source)
            hand_over(part)
            _sync(part)
            part.replace(target)
            _sync(target.parent)
        finally:
            part.unlink(missing_ok=True)
            part.with_name(f"{part.name}-journal").unlink(missing_ok=True)


def put_back(source: Path, store: Path, kept: Path) -> bool:
    """The copy ``source`` takes the store's place; what was there goes to ``kept``. Whether there was something.

    Nothing is touched before the copy is known to be whole. Raises StorageError, also while a server has the store.
    """
    held = lock(store)
    fresh = store.with_name(f"{store.name}.restored")
    try:
        copy(source, fresh)
        with storage_errors(store):
            _settle(store)
            existed = store.stat().st_size > 0
            # A log may never lie beside a store that it is not of: SQLite would write it into the wrong one.
            for end in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    store.with_name(store.name + end).replace(kept.with_name(kept.name + end))
            if existed:
                os.link(store, kept)
            fresh.replace(store)
            hand_over(Path(f"{store}.lock"))
            _sync(store.parent)
    finally:
        fresh.unlink(missing_ok=True)
        os.close(held)
    return existed


def _settle(store: Path) -> None:
    """Bring the log of a killed server into its file, if both are whole; else they stay as they are."""
    with suppress(sqlite3.Error, StorageError):
        with closing(connect(store, "ro")) as looking:
            check(looking, store)
        with closing(connect(store, "rw")) as old:  # not before: closing it would write into a damaged file
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
