"""The embedded store: one SQLite file, one thread that alone touches it, many jobs in one commit.

WAL with synchronous=FULL: what was committed survives a power cut (protocol §2.7). A commit costs an fsync whatever is
in it, so all jobs that wait share one; their answers come back on the loop after it.
"""

import asyncio
import fcntl
import logging
import math
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple, Self, TypeVar

from citychat.adapters.sqlite.errors import StorageError, storage_errors
from citychat.adapters.sqlite.schema import SQL, check, check_beside, prepare, set_pragmas
from citychat.limits import bound
from citychat.model import Unavailable
from citychat.tasks import described

JOBS_PER_COMMIT = 256  # the first of them must not wait long for the last
PROBE_S = 2.0
JOBS_WAITING_MAX = bound("waiting for SQLite")
BUSY_S = 2.0  # how long we wait for another program that looks into the file
# How long a thread waits before it demands the interpreter's lock. A loop that never sleeps lets go of it so often and
# so briefly that with the default of 5 ms the writer waited up to 3 s for one turn; with this one 5 ms at most.
SWITCH_S = 1e-4

Value = str | int | None
Row = tuple[Any, ...]
T = TypeVar("T")
log = logging.getLogger(__name__)


class Transaction:
    """A job's way to the database: run statements of ``statements.sql`` by their names."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.forgets = False

    def forget(self) -> None:
        """Keep what this job deletes from staying readable in the write-ahead log: empty it after the commit."""
        self.forgets = True

    def rows(self, name: str, *values: Value) -> list[Row]:
        return self._connection.execute(SQL[name], values).fetchall()

    def change(self, name: str, *values: Value) -> int:
        """Run a statement; return how many rows were changed."""
        return self._connection.execute(SQL[name], values).rowcount

    def change_each(self, name: str, rows: Iterable[Row]) -> int:
        return self._connection.executemany(SQL[name], rows).rowcount


class _Job(NamedTuple):
    work: Callable[[Transaction], Any]
    answer: Callable[[Any, Exception | None], None]


class Database:
    """The database file at ``path`` and its writer thread. Entering raises StorageError when the file cannot be used.

    Leaving finishes all accepted jobs. A job may run twice (after a failed commit): it changes only the database.
    ``beside``: a command's way to a store that a server may have open; it must be of this version already.
    """

    def __init__(self, path: Path, *, beside: bool = False) -> None:
        self._path, self._beside = path, beside
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._waiting = 0
        self._open = self._probing = False
        self._probed_s = -math.inf
        self.trouble = ""  # what the last job failed of, in a few words; "" when it did not

    async def __aenter__(self) -> Self:
        sys.setswitchinterval(SWITCH_S)
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = self._loop.create_future()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._thread = Thread(target=self._live, args=(opened,), name="citychat-sqlite", daemon=True)
        self._thread.start()
        await opened
        self._open = True
        return self

    async def __aexit__(self, *error: object) -> None:
        self._open = False
        self._queue.put(None)
        await self._closed
        self._thread.join()

    def submit(self, work: Callable[[Transaction], T], done: Callable[[T | None], None]) -> None:
        """Do ``work`` durably, then tell its result; None when it failed. Never calls ``done`` before this returns."""
        self._enqueue(_Job(work, lambda result, _: done(result)))

    def run(self, work: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """The result of ``work`` once it is durable. The future raises Unavailable."""
        future: asyncio.Future[T] = self._loop.create_future()

        def answer(result: T, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        self._enqueue(_Job(work, answer))
        return future

    def probe(self) -> None:
        """Write something that changes nothing, to find out whether it works (again): see ``trouble``. At most every
        other second, or whoever asks for /ready would have the disk written for each question."""
        if not self._probing and self._loop.time() >= self._probed_s + PROBE_S:
            self._probing, self._probed_s = True, self._loop.time()
            self.submit(lambda transaction: transaction.change_each("mail_touch_now", [(-1,), (1,)]), self._probed)

    def _probed(self, _: int | None) -> None:
        self._probing = False

    def _enqueue(self, job: _Job) -> None:
        if self._open and self._waiting < JOBS_WAITING_MAX:
            self._waiting += 1
            self._queue.put(job)
        else:
            self._loop.call_soon(job.answer, None, Unavailable())

    def _answer(self, answers: list[tuple[_Job, Any, Exception | None]]) -> None:
        self._waiting -= len(answers)
        for job, result, error in answers:
            self._loop.call_soon(job.answer, result, error)

    # Below: on the writer thread.

    def _live(self, opened: asyncio.Future[None]) -> None:
        try:
            held, connection = (None, _open_beside(self._path)) if self._beside else _open(self._path)
        except Exception as error:
            self._loop.call_soon_threadsafe(opened.set_exception, error)
            return
        self._loop.call_soon_threadsafe(opened.set_result, None)
        going = True
        while going:
            jobs, going = self._next_jobs()
            if jobs:
                self._loop.call_soon_threadsafe(self._answer, self._do(connection, jobs))
        connection.close()  # the last connection checkpoints and removes the WAL
        if held is not None:
            os.close(held)
        self._loop.call_soon_threadsafe(self._closed.set_result, None)

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """All that wait, at least one; False when the end was among them (nothing comes after it)."""
        jobs: list[_Job] = []
        while not jobs or (len(jobs) < JOBS_PER_COMMIT and not self._queue.empty()):
            job = self._queue.get()
            if job is None:
                return jobs, False
            jobs.append(job)
        return jobs, True

    def _do(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[tuple[_Job, Any, Exception | None]]:
        transaction, before = Transaction(connection), connection.total_changes
        try:
            results = _commit(connection, transaction, [job.work for job in jobs])
        except Exception as error:
            if len(jobs) > 1:  # one bad job, or a full disk that still lets the reading ones through
                return [answer for job in jobs for answer in self._do(connection, [job])]
            return [(jobs[0], None, self._failure(error))]
        if self.trouble and connection.total_changes > before:
            self.trouble = ""
            log.warning("storage works again")
        if transaction.forgets:
            with suppress(sqlite3.Error):  # committed all the same; the next job that forgets empties it
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _failure(self, error: Exception) -> Exception:
        """The error for the one who asked; the log hears of an outage once, of a fault of ours every time."""
        if not isinstance(error, sqlite3.Error):
            log.error("a storage job failed: %s", described(error))  # its message may quote a text
            return error
        if not self.trouble:
            log.error("storage does not work: %s", error)
        self.trouble = f"cannot be written: {error}"
        unavailable = Unavailable()
        unavailable.__cause__ = error
        return unavailable


def _commit(
    connection: sqlite3.Connection, transaction: Transaction, works: list[Callable[[Transaction], Any]]
) -> list[Any]:
    """Do them in one transaction. When a command beside has written since one of them has read, SQLite lets this one
    write no more, however long it waits: then all once more, and nobody writes in between."""
    try:
        return _tried(connection, transaction, works, "BEGIN")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY_SNAPSHOT:
            raise
        return _tried(connection, transaction, works, "BEGIN IMMEDIATE")


def _tried(
    connection: sqlite3.Connection, transaction: Transaction, works: list[Callable[[Transaction], Any]], begin: str
) -> list[Any]:
    connection.execute(begin)
    try:
        results = [work(transaction) for work in works]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise
    return results


def _open(path: Path) -> tuple[int, sqlite3.Connection]:
    """The lock (a file descriptor) and a connection to a file that was checked and has the newest schema."""
    held = lock(path)
    try:
        with storage_errors(path):
            # Read-only: nothing is written before the file is known to be ours and whole.
            with closing(connect(path, "ro")) as looking:
                check(looking, path)
            connection = connect(path, "rw")
            try:
                prepare(connection)
            except BaseException:
                connection.close()
                raise
    except BaseException:
        os.close(held)
        raise
    return held, connection


def _open_beside(path: Path) -> sqlite3.Connection:
    """A connection beside the server's."""
    with storage_errors(path):
        connection = connect(path, "rw")
        try:
            check_beside(connection, path)
            set_pragmas(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def lock(path: Path) -> int:
    """Held by flock on a file beside: programs that only read, like a backup, may still open the database."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)  # SQLite gives its WAL the same mode
        held = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); make the folder writable or choose another with --data"
        ) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise StorageError(
            f"{path}: in use by another process; stop that one or choose another folder with --data"
        ) from error
    return held


def connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=BUSY_S)
