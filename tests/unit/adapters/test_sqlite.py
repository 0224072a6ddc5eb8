"""What the embedded store promises beyond the ports' contracts: its file, its commits, its retention."""

import asyncio
import logging
import random
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox, StorageError
from citychat.adapters.sqlite.database import JOBS_WAITING_MAX, Transaction
from citychat.adapters.sqlite.mailbox import SWEEP_S
from citychat.adapters.sqlite.schema import SCHEMA_VERSION, SQL
from citychat.model import Guest, Message, Session, Unavailable
from citychat.ports import Mail, Report, Timer
from citychat.rules import DAY_MS, ERASED_MS, EVIDENCE_MESSAGES, MAILBOX_MS
from tests.support.killing import ROOT, killed_after
from tests.support.patience import PATIENCE_S
from tests.support.stores import StoreClock, add, message, put

NOW = 1_700_000_000_000
CANARY = "the canary sings at dawn"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "citychat.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    async with Database(path) as opened:
        yield opened


def insert(guest: str | None) -> Callable[[Transaction], int]:
    return lambda transaction: transaction.change("begin_member", guest, "s")


async def guests(database: Database) -> set[str]:
    def work(transaction: Transaction) -> set[str]:
        return {name for name in "abcdef" if transaction.change("begin_member", name, "s") == 0}

    return await database.run(work)


@contextmanager
def held_up(database: Database) -> Iterator[None]:
    """A disk that stands still meanwhile."""
    moves = Event()
    database.submit(lambda _: moves.wait(), lambda _: None)
    try:
        yield
    finally:
        moves.set()


async def refused(path: Path, complaint: str) -> None:
    """Entering raises one line that names the file and says ``complaint``; no file has changed."""
    before = contents(path.parent)
    with pytest.raises(StorageError, match=complaint) as raised:
        async with Database(path):
            pass
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
    assert contents(path.parent) == before


def contents(folder: Path) -> dict[str, bytes]:
    """The database and what its WAL holds; the index of the WAL (-shm) is made anew by every reader."""
    files = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith((".lock", "-shm"))}
    return {name: raw for name, raw in files.items() if raw}


# The file


async def test_folder_and_files_are_private(path: Path) -> None:
    async with Database(path) as database:
        await database.run(insert("a"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == dict.fromkeys(["citychat.db", "citychat.db-shm", "citychat.db-wal", "citychat.db.lock"], 0o600)
        assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    async with Database(tmp_path / "citychat.db"):
        assert tmp_path.stat().st_mode & 0o777 == 0o750


async def test_every_commit_reaches_the_disk(database: Database, path: Path) -> None:
    def pragma(transaction: Transaction) -> list[object]:
        return [transaction._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    names = ["journal_mode", "synchronous", "secure_delete"]
    assert await database.run(pragma) == ["wal", 2, 1]


async def test_leaving_checkpoints_and_leaves_one_file(path: Path) -> None:
    async with Database(path) as database:
        await database.run(insert("a"))
    assert {file.name for file in path.parent.iterdir()} == {"citychat.db", "citychat.db.lock"}


async def test_opening_again_changes_nothing(path: Path) -> None:
    async with Database(path):
        pass
    before = path.read_bytes()
    async with Database(path):
        pass
    assert path.read_bytes() == before


async def test_a_second_process_is_refused(path: Path) -> None:
    program = (
        "import asyncio,sys;from pathlib import Path;from citychat.adapters.sqlite.database import Database as D\n"
    )
    program += (
        "async def main():\n async with D(Path(sys.argv[1])): print('open', flush=True); input()\nasyncio.run(main())"
    )
    with subprocess.Popen(  # noqa: ASYNC220 - a start of milliseconds
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StorageError, match=r"citychat\.db: in use by another process"):
            async with Database(path):
                pass
        other.kill()
    async with Database(path) as database:
        await database.run(insert("a"))


async def test_a_file_that_another_program_writes_is_refused(path: Path) -> None:
    async with Database(path):
        pass
    other = sqlite3.connect(path)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="in use by another program"):
        async with Database(path):
            pass
    other.close()


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"file/data/citychat\.db: cannot be written \(Not a directory\).*--data"):
        async with Database(tmp_path / "file" / "data" / "citychat.db"):
            pass


@pytest.mark.parametrize("seed", range(5))
async def test_a_damaged_file_is_refused_and_left_alone(path: Path, seed: int) -> None:
    async with Database(path) as database:
        await add(SqliteHistory(database), *map(message, range(1, 400)))
    raw = bytearray(path.read_bytes())
    start = random.Random(seed).randrange(0, len(raw) - 8_192)
    raw[start : start + 8_192] = b"\xa5" * 8_192
    path.write_bytes(raw)
    await refused(path, "damaged; nothing was changed")


async def test_a_file_damaged_while_its_wal_was_full_is_refused_and_left_alone(path: Path) -> None:
    async with Database(path) as database:
        await add(SqliteHistory(database), *(message(n, s="older") for n in range(1, 2_000)))
    await killed_after("history", "sqlite", path.parent, 100)
    raw = bytearray(path.read_bytes())
    assert path.with_name("citychat.db-wal").stat().st_size > 0
    raw[4_096:] = b"\xa5" * (len(raw) - 4_096)  # more than the WAL has newer pages of
    path.write_bytes(raw)
    await refused(path, "damaged; nothing was changed")


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a letter to the host\n" * 100)
    await refused(path, "damaged; nothing was changed")


async def test_the_database_of_another_program_is_refused(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    await refused(path, "not a database of CityChat")


async def test_a_newer_schema_is_refused(path: Path) -> None:
    async with Database(path):
        pass
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    await refused(path, rf"newer CityChat \(schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}\)")


async def test_a_migration_that_fails_leaves_the_old_schema_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Database(path) as database:
        await database.run(insert("a"))
    following = f"migration_{SCHEMA_VERSION + 1}"
    monkeypatch.setitem(SQL, following, "CREATE TABLE extra (x TEXT);\nCREATE TABLE members (x TEXT);")
    monkeypatch.setattr("citychat.adapters.sqlite.schema.SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with pytest.raises(StorageError, match="cannot be used"):
        async with Database(path):
            pass
    monkeypatch.setitem(SQL, following, "CREATE TABLE extra (x TEXT);\n-- and one more\nCREATE TABLE more (x TEXT);")
    async with Database(path) as database:
        assert await guests(database) == {"a"}


# Jobs


async def test_jobs_of_one_tick_share_a_commit_and_a_bad_one_harms_nobody(database: Database) -> None:
    answers: list[int | None] = []
    for name in ("a", None, "b", None, "c"):
        database.submit(insert(name), answers.append)
    assert answers == [], "no answer before the method has returned"
    assert await guests(database) >= {"a", "b", "c"}
    assert answers == [1, None, 1, None, 1]


async def test_an_error_that_rolls_everything_back_harms_nobody_else(database: Database) -> None:
    """As a full disk may do at any statement."""

    def rolls_back(transaction: Transaction) -> int:
        return transaction._connection.execute("INSERT OR ROLLBACK INTO members VALUES (NULL, 's')").rowcount

    answers: list[int | None] = []
    for job in (insert("a"), rolls_back, insert("b")):
        database.submit(job, answers.append)
    assert await guests(database) >= {"a", "b"}
    assert answers == [1, None, 1]
    with pytest.raises(Unavailable) as raised:
        await database.run(rolls_back)
    assert isinstance(raised.value.__cause__, sqlite3.IntegrityError)


async def test_waiting_jobs_are_committed_together(database: Database, path: Path) -> None:
    """A commit writes at least the page it changes: the WAL tells how many there were."""
    wal = path.with_name("citychat.db-wal")
    with held_up(database):
        before = wal.stat().st_size
        last = [database.run(insert(f"g{n}")) for n in range(200)]
    await asyncio.gather(*last)
    assert wal.stat().st_size - before < 20 * 4_096


async def test_an_error_of_the_driver_is_unavailable_with_its_cause(database: Database) -> None:
    with pytest.raises(Unavailable) as raised:
        await database.run(insert(None))
    assert isinstance(raised.value.__cause__, sqlite3.IntegrityError)


async def test_an_outage_is_logged_once_and_its_end_too(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        with pytest.raises(Unavailable):
            await database.run(insert(None))
    await database.run(insert("a"))
    await database.run(insert("b"))
    assert [(r.levelno, r.message.split(":")[0]) for r in caplog.records] == [
        (logging.ERROR, "storage does not work"), (logging.WARNING, "storage works again"),
    ]  # fmt: skip


async def test_a_fault_of_ours_is_not_called_an_outage(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError):
        await database.run(lambda transaction: transaction.rows("a guest's text"))
    assert "a storage job failed: KeyError at" in caplog.text
    assert "a guest's text" not in caplog.text
    assert await database.run(insert("a")) == 1


async def test_jobs_beyond_the_bound_are_refused(database: Database) -> None:
    answers: list[int | None] = []
    with held_up(database):
        for n in range(JOBS_WAITING_MAX + 1):
            database.submit(insert(f"g{n}"), answers.append)
        await asyncio.sleep(0)
        assert answers == [None, None]
        last = database.run(insert("never"))
    with pytest.raises(Unavailable):
        await last
    async with asyncio.timeout(PATIENCE_S):
        while len(answers) < JOBS_WAITING_MAX + 1:  # noqa: ASYNC110 - one turn after another is all it takes
            await asyncio.sleep(0)
    assert answers[2:] == [1] * (JOBS_WAITING_MAX - 1)
    assert await guests(database) == set()


async def test_a_caller_that_gave_up_disturbs_nobody(database: Database) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    database.run(insert("a")).cancel()
    assert await guests(database) >= {"a"}
    assert complaints == []


async def test_leaving_finishes_what_was_accepted_and_takes_no_more(path: Path) -> None:
    answers: list[int | None] = []
    async with Database(path) as database:
        for n in range(2_000):
            database.submit(insert(f"g{n}"), answers.append)
    await asyncio.sleep(0)
    assert answers == [1] * 2_000
    database.submit(insert("late"), answers.append)
    assert len(answers) == 2_000
    with pytest.raises(Unavailable):
        await database.run(insert("late"))
    assert answers[2_000:] == [None]


async def test_a_full_disk_acks_nothing_and_heals_by_itself(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.adapters.full_disk", str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(PATIENCE_S):
        printed, _ = await process.communicate()
    assert printed.decode().splitlines() == [
        "before True True",
        "full False False",
        "unavailable OperationalError",
        "reads [1]",
        "after True True",
        "kept [1, 3] [1, 3]",
    ]


def test_no_statement_reads_a_whole_table() -> None:
    small = {"expire_wishes", "drop_wishes_of_guest", "expire_pauses"}  # tables of a day's rows, looked through rarely
    small |= {"contents", "mail_now"}  # counted by a backup, in a process of its own; one row
    small |= {"shorten_sessions"}  # once a start
    small |= {"trail_first", "trail_last"}  # one row, at an end of the key
    small |= {"expire_house", "signs", "keep_sign"}  # a few rows; 5,000 at most, of who waits today
    small |= {"cases", "trail", "trail_before"}  # for the host's commands, in a process of their own; once a year
    for name, steps in plans().items():
        free = "subquery", "CONSTANT ROW"
        scans = [step for step in steps if step.startswith("SCAN") and not any(word in step for word in free)]
        assert not scans or name in small, (name, steps)


def test_pages_and_mail_are_read_in_the_order_of_an_index() -> None:
    found = plans()
    for name in ("page_newest", "page_before", "evidence", "mail_next", "streams", "beyond"):
        assert not any("TEMP B-TREE" in step for step in found[name]), (name, found[name])


def plans() -> dict[str, list[str]]:
    """How SQLite would run every statement."""
    connection = sqlite3.connect(":memory:")
    for version in range(1, SCHEMA_VERSION + 1):
        connection.executescript(SQL[f"migration_{version}"])
    found = {}
    for name, statement in SQL.items():
        if not name.startswith("migration_"):
            numbers = [int(number) for number in re.findall(r"\?(\d+)", statement)]
            slots = max(numbers) if numbers else statement.count("?")
            found[name] = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * slots)]
    connection.close()
    return found


# Retention


class Wall(StoreClock):
    """A wall and timers that the test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.timers: list[tuple[float, Callable[[], None]]] = []
        super().__init__(lambda: self.now, lambda: self.now)

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        self.timers.append((delay_s, call))
        return super().later(10**6, lambda: None)


async def count(database: Database, table: str) -> int:
    def work(transaction: Transaction) -> int:
        number: int = transaction._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return number

    return await database.run(work)


async def test_mail_waits_24_hours_and_is_then_neither_delivered_nor_counted(database: Database) -> None:
    wall = Wall()
    async with SqliteMailbox(database, wall) as mailbox:
        assert await put(mailbox, "anna", *(message(n) for n in range(1, 501)))
        wall.now = NOW + MAILBOX_MS
        assert await put(mailbox, "anna", *(message(n) for n in range(501, 1_001)))
        mail: list[Mail] = []
        await mailbox.open("anna", mail.append)
        assert not await put(mailbox, "anna", *(message(n) for n in range(1_001, 1_502)))
        await guests(database)
        assert [one.message.number for one in mail] == list(range(501, 1_001))


async def test_mail_that_nobody_fetches_is_deleted(database: Database) -> None:
    wall = Wall()
    async with SqliteMailbox(database, wall) as mailbox:
        for guest in range(6):
            assert await put(mailbox, f"g{guest}", *(message(n) for n in range(500)))
        wall.now = NOW + MAILBOX_MS - 1
        assert await put(mailbox, "late", message(1))
        wall.now += 1
        delay_s, sweep = wall.timers.pop()
        assert delay_s == SWEEP_S
        sweep()
        async with asyncio.timeout(PATIENCE_S):
            while await count(database, "mail") != 1:
                pass
    assert len(wall.timers) == 1, "swept again later"


async def erased_chat(database: Database) -> SqliteHistory:
    history = SqliteHistory(database)
    await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
    names, ends = ("Amber Fox", "Teal Owl"), NOW + 30 * DAY_MS
    await history.sessions.begin(Session("s", ("anna", "ben"), names, "Lyon", NOW, ends))
    gap = message(41, side=1, x="", k="gap")
    await add(history, *(message(n, side=n % 2, x=f"{CANARY} {n:03}") for n in range(1, 71) if n != 41), gap)
    await history.guests.erase("anna", NOW)
    return history


@pytest.mark.parametrize(("later_ms", "theirs"), [(ERASED_MS - 1, f"{CANARY} 070"), (ERASED_MS, "")])
async def test_evidence_is_the_last_50_of_both_sides_with_erased_texts_of_72_hours(
    database: Database, later_ms: int, theirs: str
) -> None:
    history = await erased_chat(database)
    await history.reports.add(Report("CODE", "s", "ben", "anna", "threat", "", NOW + later_ms, ("n1",)))
    await history.guests.prune(NOW + 30 * DAY_MS, 30 * DAY_MS)
    raw = await database.run(lambda t: t._connection.execute("SELECT evidence FROM reports").fetchone()[0])
    evidence = msgspec.json.decode(raw, type=list[Message])
    assert len(evidence) == EVIDENCE_MESSAGES
    assert [m.number for m in evidence] == [20, *range(21, 41), *range(42, 71)]
    assert evidence[-1].text == theirs
    assert evidence[-2].text == f"{CANARY} 069"


async def test_a_network_that_is_avoided_again_and_again_is_one_row(database: Database) -> None:
    history = SqliteHistory(database)
    for later in range(50):
        await history.relations.avoid_networks("anna", ["n1", "n2"], NOW + later)
    assert await count(database, "shuns") == 2


async def test_nothing_of_an_erased_text_is_left_in_the_file_after_72_hours(path: Path) -> None:
    async with Database(path) as database:
        history = await erased_chat(database)
        async with SqliteMailbox(database, StoreClock(lambda: NOW)) as mailbox:
            assert await put(mailbox, "ben", *(message(n, x=f"{CANARY} waiting") for n in range(100)))
            await mailbox.blank("ben", "s", 0)
        await history.guests.prune(NOW + ERASED_MS - 1, 30 * DAY_MS)
        assert await count(database, "erased") == 35
        await history.guests.prune(NOW + ERASED_MS, 30 * DAY_MS)
        assert await count(database, "erased") == 0
        log = path.with_name(f"{path.name}-wal").read_bytes()
        assert CANARY.encode() not in log, "the write-ahead log of a running server still tells it"
    raw = path.read_bytes()
    assert f"{CANARY} 069".encode() in raw, "what ben wrote stays"
    for n in range(2, 71, 2):
        assert f"{CANARY} {n:03}".encode() not in raw
    assert f"{CANARY} waiting".encode() not in raw


async def test_pruning_a_session_takes_its_erased_texts_along(database: Database) -> None:
    history = await erased_chat(database)
    await history.sessions.begin(Session("short", ("anna", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + 5))
    await add(history, message(1, s="short"))
    await history.guests.erase("anna", NOW)
    await history.guests.prune(NOW + 5, 30 * DAY_MS)
    assert await count(database, "erased") == 35


async def test_a_dossier_is_one_job_for_the_writer(database: Database) -> None:
    history = SqliteHistory(database)
    await history.sessions.begin(Session("s", ("anna", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + DAY_MS))
    await history.guests.keep(Guest("ben", NOW, NOW, "1", NOW))
    jobs, enqueue = [], database._enqueue

    def counting(job: Any) -> None:
        jobs.append(job)
        enqueue(job)

    database._enqueue = counting  # type: ignore[method-assign]
    assert (await history.guests.dossier("anna", NOW)).partner_seen == NOW
    assert len(jobs) == 1
