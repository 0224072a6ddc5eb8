"""The embedded store, written by a server and by a command of its host at once."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory, StorageError
from citychat.adapters.sqlite.database import Transaction
from citychat.model import Act


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "citychat.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with Database(path) as opened:
        yield opened


async def test_a_command_writes_beside_the_server_and_each_sees_what_the_other_has_written(
    path: Path, database: Database
) -> None:
    server = SqliteHistory(database)
    async with Database(path, beside=True) as opened:
        command = SqliteHistory(opened).cases
        await command.record([Act(1, "ada", "list")])
        await server.cases.record([Act(2, "citychat", "tidy")])
        assert [row.act.act for row in await command.trail()] == ["list", "tidy"]
    assert [row.act.act for row in await server.cases.trail()] == ["list", "tidy"]


async def test_a_job_that_has_read_before_a_command_wrote_is_done_all_the_same(path: Path, database: Database) -> None:
    """SQLite refuses it at once, and however often it waits."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as command:
        runs = 0

        def work(transaction: Transaction) -> int:
            nonlocal runs
            runs += 1
            found = len(transaction.rows("blocked", "anna"))
            if runs == 1:
                command.execute("INSERT INTO barred (a, b, at) VALUES ('anna', 'carl', 7)")
            transaction.change("block", "anna", f"ben {found}", 7, 8)
            return found

        assert await database.run(work) == 1, "what it is told the second time"
    assert (runs, database.trouble) == (2, "")
    assert await SqliteHistory(database).relations.blocked("anna") == ["ben 1", "carl"]


async def test_a_command_makes_no_store_and_changes_none_of_another_version(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be used"):
        async with Database(tmp_path / "other.db", beside=True):
            pass
    assert not (tmp_path / "other.db").exists()
    async with Database(path):
        pass
    with closing(sqlite3.connect(path)) as older:
        older.execute("PRAGMA user_version = 3")
    before = path.read_bytes()
    with pytest.raises(StorageError, match="start the server of this version once"):
        async with Database(path, beside=True):
            pass
    assert path.read_bytes() == before
