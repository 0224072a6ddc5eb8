"""Backups of the embedded store: whole, though it is written to, killed or out of room; and the way back."""

import asyncio
import io
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.adapters.sqlite.copies import contents
from citychat.model import Session
from citychat.server import backup
from tests.support.killing import ROOT, killed_after
from tests.support.patience import PATIENCE_S
from tests.support.stores import StoreClock, add, message, put

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
FIRST = "citychat-20260301T120000Z.db"
BEFORE = "citychat.db.before-20260301T120000Z"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
async def database(data: Path) -> AsyncIterator[Database]:
    async with Database(data / "citychat.db") as opened:
        yield opened


async def fill(database: Database) -> None:
    """Something in every table that people notice."""
    clock = StoreClock(lambda: 1_700_000_000_000)
    history = SqliteHistory(database)
    await add(history, *map(message, range(1, 40)))
    await history.sessions.begin(Session("s", ("anna", "ben"), ("Amber Fox", "Blue Heron"), "Lyon", 1, 10**15))
    await history.relations.block("anna", "carl", 7)
    async with SqliteMailbox(database, clock) as mailbox:
        await put(mailbox, "ben", message(1, x="while you were away"))


def run(
    data: Path, command: str = "backup", *words: str, now: datetime = NOW, hook: Path | None = None
) -> tuple[int, str]:
    """The exit status and what was printed, on either stream."""
    said = io.StringIO()
    return backup.main(command, words, data=data, hook=hook, now=now, out=said, errors=said), said.getvalue()


def rows(path: Path) -> list[str]:
    """Everything in a store, as SQL, but for the mailbox's time, which goes on."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as looking:
        return [line for line in looking.iterdump() if not line.startswith('INSERT INTO "mail_time"')]


def is_whole(path: Path) -> bool:
    return contents(path) is not None


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Making one


async def test_a_backup_is_one_private_file_with_all_that_was_committed(data: Path, database: Database) -> None:
    await fill(database)
    status, said = run(data)
    target = data / "backups" / FIRST
    assert (status, said) == (0, f"Kept {target}: 0 guests, 1 chats, 39 messages, 1 waiting in mailboxes\n")
    assert names(data / "backups") == [FIRST]
    assert (target.stat().st_mode & 0o777, target.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert rows(target) == rows(data / "citychat.db")
    assert names(data / "backups") == [FIRST], "looking into it makes no log beside it"


async def test_a_server_that_writes_meanwhile_goes_on_and_the_backup_is_of_one_moment(
    data: Path, database: Database
) -> None:
    history = SqliteHistory(database)
    await add(history, *(message(n, x="x" * 1_000) for n in range(1, 5_001)))
    done: list[int] = []

    async def write() -> None:
        for n in range(5_001, 9_999):
            await add(history, message(n))
            done.append(n)

    writing = asyncio.create_task(write())
    for second in range(5):
        while len(done) < 10 * (second + 1):  # noqa: ASYNC110 - every commit is a turn
            await asyncio.sleep(0)
        surely = done[-1]
        status, said = await asyncio.to_thread(run, data, now=NOW + timedelta(seconds=second))
        assert status == 0, said
        newest = sorted((data / "backups").iterdir())[-1]
        with closing(sqlite3.connect(newest)) as looking:
            kept = [n for (n,) in looking.execute("SELECT n FROM messages ORDER BY n")]
        assert kept == list(range(1, len(kept) + 1)), "no message without those before it"
        assert len(kept) >= surely
    assert not writing.done()
    writing.cancel()


async def test_the_newest_24_are_kept_and_only_backups_are_let_go(data: Path, database: Database) -> None:
    for hour in range(27):
        assert run(data, now=NOW + timedelta(hours=hour))[0] == 0
        (data / "backups" / "my own notes.db").touch()
    expected = [f"citychat-{NOW + timedelta(hours=hour):%Y%m%dT%H%M%SZ}.db" for hour in range(3, 27)]
    assert names(data / "backups") == [*expected, "my own notes.db"]


async def test_backups_of_a_clock_that_was_ahead_go_before_the_one_just_made(data: Path, database: Database) -> None:
    for hour in range(24):
        run(data, now=NOW + timedelta(days=365, hours=hour))
    for hour, ahead in enumerate((23, 22)):
        now = NOW + timedelta(hours=hour)
        said = run(data, now=now)[1]
        assert f"; {ahead} are dated later, by a clock that was ahead: they go first" in said
        assert f"citychat-{now:%Y%m%dT%H%M%SZ}.db" in names(data / "backups")
    kept = [f"citychat-{NOW + timedelta(days=365, hours=hour):%Y%m%dT%H%M%SZ}.db" for hour in range(2, 24)]
    assert names(data / "backups")[2:] == kept
    assert "later" not in run(data, now=NOW + timedelta(days=400))[1]


async def test_backups_of_a_clock_that_was_ahead_do_not_hide_that_none_is_made_any_more(
    data: Path, database: Database
) -> None:
    run(data)
    run(data, now=NOW + timedelta(days=365))
    first, ahead = sorted((data / "backups").glob("*.db"))
    made = NOW - timedelta(days=2)
    os.utime(first, (made.timestamp(),) * 2)
    os.utime(ahead, ((NOW + timedelta(days=365)).timestamp(),) * 2)
    assert backup.newest(data, NOW) == made
    assert backup.newest(data) == NOW + timedelta(days=365), "doctor says that it is of the future"
    first.unlink()
    assert backup.newest(data, NOW) is None


async def test_two_backups_at_once_are_one(data: Path, database: Database) -> None:
    run(data)
    with backup._alone(data / "backups"):
        status, said = run(data, now=NOW + timedelta(hours=1))
    assert status == 1
    assert said == f"citychat backup: {data / 'backups'}: another backup is being made\n"
    assert run(data, now=NOW + timedelta(hours=1))[0] == 0


def test_where_nothing_is_kept_there_is_nothing_to_back_up(data: Path) -> None:
    status, said = run(data)
    assert (status, said.count("\n")) == (1, 1)
    assert f"no citychat.db in {data}" in said
    assert not data.exists()


async def test_a_damaged_store_gives_no_backup_and_takes_none_away(data: Path) -> None:
    async with Database(data / "citychat.db") as database:
        await add(SqliteHistory(database), *map(message, range(1, 400)))
    run(data)
    raw = bytearray((data / "citychat.db").read_bytes())
    raw[8_192:16_384] = b"\xa5" * 8_192
    (data / "citychat.db").write_bytes(raw)
    status, said = run(data, now=NOW + timedelta(hours=1))
    assert status == 1 and f"{data / 'citychat.db'}: damaged" in said and said.count("\n") == 1
    assert names(data / "backups") == [FIRST]


async def test_a_backup_that_would_take_the_servers_room_is_not_made(
    data: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (data / "citychat.db").stat().st_size + (data / "citychat.db-wal").stat().st_size
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 2 * size - 1}))
    status, said = run(data)
    assert status == 1 and "MB are wanted (a copy, and as much for the server)" in said
    assert names(data / "backups") == []


# Cut short

BACKUP = """import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from citychat.server import backup
if len(sys.argv) > 2: resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
print("begins", flush=True)
sys.exit(backup.main("backup", (), data=Path(sys.argv[1]), now=datetime.now(UTC), out=sys.stdout, errors=sys.stderr))"""


def start(data: Path, *limit_bytes: int) -> "subprocess.Popen[str]":
    """A backup in a process of its own; with a limit, no file of it may grow beyond that, as on a full disk."""
    return subprocess.Popen(
        [sys.executable, "-c", BACKUP, data, *map(str, limit_bytes)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip


async def test_kill_9_in_the_middle_leaves_no_half_backup_and_the_next_one_cleans_up(
    data: Path, database: Database
) -> None:
    await add(SqliteHistory(database), *(message(n, x="x" * 2_000) for n in range(1, 10_001)))
    random, cut = Random(1), 0
    end_s = time.monotonic() + PATIENCE_S
    while cut < 3:
        assert time.monotonic() < end_s, f"only {cut} backups were cut short"
        with await asyncio.to_thread(start, data) as process:
            while process.poll() is None and not list((data / "backups").glob("*.part")):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await asyncio.sleep(random.uniform(0, 0.03))
            process.kill()
            process.communicate()
        parts = list((data / "backups").glob("*.part"))
        cut += bool(parts)
        assert all(map(is_whole, (data / "backups").glob("*.db")))
        for part in parts if cut < 3 else ():  # the next round must see its own
            part.unlink()
    assert run(data)[0] == 0
    assert is_whole(data / "backups" / FIRST)
    assert not list((data / "backups").glob("*.part*"))
    await add(SqliteHistory(database), message(10_001))


async def test_a_full_disk_is_one_line_and_the_server_goes_on(data: Path, database: Database) -> None:
    await add(SqliteHistory(database), *(message(n, x="x" * 2_000) for n in range(1, 1_001)))
    run(data)
    with await asyncio.to_thread(start, data, 500_000) as process:
        out, errors = process.communicate(timeout=PATIENCE_S)
        await add(SqliteHistory(database), message(1_001))
    assert (process.returncode, out) == (1, "begins\n")
    assert errors.startswith(f"citychat backup: {data / 'backups'}") and errors.count("\n") == 1
    assert "disk" in errors
    assert names(data / "backups") == [FIRST]


# The way back


async def test_the_drill_what_was_backed_up_is_back_row_for_row(data: Path) -> None:
    async with Database(data / "citychat.db") as database:
        await fill(database)
        run(data)
        expected = rows(data / "backups" / FIRST)
        await add(SqliteHistory(database), *map(message, range(40, 90)))
    (data / "citychat.db").write_bytes(b"\xa5" * 100_000)  # the disaster
    file = data / "backups" / FIRST
    status, said = run(data, "restore", str(file))
    assert (status, said) == (
        0,
        f"Restored {file}: 0 guests, 1 chats, 39 messages, 1 waiting in mailboxes; "
        f"what was there before is {data / BEFORE}\n",
    )
    assert rows(data / "citychat.db") == expected
    assert (data / BEFORE).read_bytes() == b"\xa5" * 100_000
    assert (data / "citychat.db").stat().st_mode & 0o777 == 0o600
    async with Database(data / "citychat.db") as database:
        history = SqliteHistory(database)
        assert [row.number for row in await history.messages.page("s", None, 100)] == list(range(1, 40))
        assert await history.relations.blocked("carl") == ["anna"]
        await add(history, message(40))
    assert is_whole(file), "a backup can be used again"


async def test_a_restore_into_an_empty_folder_keeps_nothing_from_before(data: Path, tmp_path: Path) -> None:
    async with Database(data / "citychat.db") as database:
        await fill(database)
    run(data)
    new = tmp_path / "new machine"
    status, said = run(new, "restore", str(data / "backups" / FIRST))
    assert status == 0 and "before" not in said
    assert names(new) == ["citychat.db", "citychat.db.lock"]
    assert rows(new / "citychat.db") == rows(data / "citychat.db")


async def test_nothing_is_restored_while_a_server_runs(data: Path, database: Database) -> None:
    await fill(database)
    run(data)
    await add(SqliteHistory(database), message(40))
    status, said = run(data, "restore", str(data / "backups" / FIRST))
    assert status == 1 and "in use by another process; stop that one" in said and said.count("\n") == 1
    assert names(data) == ["backups", "citychat.db", "citychat.db-shm", "citychat.db-wal", "citychat.db.lock"]
    assert contents(data / "citychat.db").messages == 40


async def test_what_a_killed_server_had_in_its_log_is_kept_with_the_store_from_before(data: Path) -> None:
    data.mkdir()
    async with Database(data / "citychat.db") as database:
        await fill(database)
    run(data)
    durable = await killed_after("history", "sqlite", data, 100)
    assert (data / "citychat.db-wal").stat().st_size > 0
    assert run(data, "restore", str(data / "backups" / FIRST))[0] == 0
    assert not list(data.glob("*-wal")), "in one file: a restore that is cut short finds it whole"
    assert contents(data / "citychat.db").messages == 39, "the log of the old store is not put into the new one"
    with closing(sqlite3.connect(data / BEFORE)) as looking:
        kept = {n for (n,) in looking.execute("SELECT n FROM messages WHERE st LIKE 'st%'")}
    assert set(durable) <= kept
    assert not list(data.glob("citychat.db-*"))


async def test_a_damaged_store_is_kept_with_its_log_as_it_was(data: Path) -> None:
    data.mkdir()
    async with Database(data / "citychat.db") as database:
        await fill(database)
        await add(SqliteHistory(database), *(message(n, s="older") for n in range(1, 2_000)))
    run(data)
    await killed_after("history", "sqlite", data, 100)
    raw = bytearray((data / "citychat.db").read_bytes())
    raw[4_096:] = b"\xa5" * (len(raw) - 4_096)  # more than the log has newer pages of
    (data / "citychat.db").write_bytes(raw)
    log = (data / "citychat.db-wal").read_bytes()
    assert run(data, "restore", str(data / "backups" / FIRST))[0] == 0
    assert (data / BEFORE).read_bytes() == raw
    assert (data / f"{BEFORE}-wal").read_bytes() == log
    assert contents(data / "citychat.db").messages == 39 + 1_999


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file; the backups are in"),
        (b"a letter to the host\n" * 100, "damaged; nothing was changed"),
        ("recipes", "not a database of CityChat"),
        ("cut", "damaged; nothing was changed"),
    ],
    ids=["missing", "a letter", "another program's", "cut off"],
)
async def test_what_is_no_backup_is_refused_and_nothing_is_touched(
    data: Path, tmp_path: Path, content: bytes | str | None, complaint: str
) -> None:
    async with Database(data / "citychat.db") as database:
        await fill(database)
    run(data)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    file = tmp_path / "file.db"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "recipes":
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE recipes (name TEXT)")
    elif content == "cut":
        file.write_bytes((data / "backups" / FIRST).read_bytes()[:20_000])
    status, said = run(data, "restore", str(file))
    assert status == 1 and str(file) in said and complaint in said and said.count("\n") == 1
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("words", [("backup", "now"), ("restore",), ("restore", "a", "b")], ids=" ".join)
def test_wrong_words_are_answered_with_the_usage(words: tuple[str, ...], data: Path) -> None:
    assert run(data, *words) == (2, f"{backup.USAGE}\n")


async def test_what_root_makes_belongs_to_the_folders_owner(data: Path) -> None:
    """A host types the commands as root; the service must be able to read the result."""
    async with Database(data / "citychat.db") as database:
        await fill(database)
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(data, owner, -1)
    run(data)
    run(data, "restore", str(data / "backups" / FIRST))
    made = [data / "backups", data / "backups" / FIRST, data / "citychat.db", data / "citychat.db.lock"]
    assert {path.name: path.stat().st_uid for path in made} == {path.name: owner for path in made}


def script(folder: Path, *lines: str, mode: int = 0o755) -> Path:
    """A program of a host's own."""
    file = folder / "hook"
    file.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    file.chmod(mode)
    return file


async def test_a_hook_gets_each_new_backup_whole(database: Database, data: Path, tmp_path: Path) -> None:
    await fill(database)
    hook = script(tmp_path, f'cp "$1" {tmp_path}/copied.db')
    status, said = run(data, hook=hook)
    assert (status, said.startswith("Kept ")) == (0, True)
    assert contents(tmp_path / "copied.db") == contents(data / "backups" / FIRST)
    assert run(data, "restore", str(data / "nothing.db"), hook=hook)[0] == 1, "and is for backups alone"


async def test_a_hook_that_fails_is_one_line_and_the_backup_stays(
    database: Database, data: Path, tmp_path: Path
) -> None:
    await fill(database)
    kept = data / "backups" / FIRST
    for hook, why in (
        (script(tmp_path, "exit 3"), "failed with status 3"),
        (tmp_path / "missing", "cannot be run: No such file or directory"),
    ):
        status, said = run(data, hook=hook)
        assert (status, said) == (1, f"citychat backup: kept {kept}, but the hook {hook} {why}\n")
        assert contents(kept).messages == 39
    hook = script(tmp_path, "exit 0", mode=0o644)
    assert "cannot be run: Permission denied" in run(data, hook=hook)[1]
