"""Whatever is kept has its end: every table, collection, kind of key and queue is gone over."""

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.mongo.connection import TRIAL
from citychat.adapters.mongo.documents import INDEXES
from citychat.adapters.sqlite import SqliteHistory
from citychat.model import Act
from citychat.ports import AskedSign, Closure, History, Report, Sanction
from citychat.rules import DAY_MS, FOR_GOOD_MS, bar_goes, case_goes
from tests.contract.accusing import MONTH_MS, NOW, Reports, guest, session
from tests.support.stores import add, cases_of, message

ROOT = Path(__file__).parents[2]
FOR_EVER = {"mail_time": "one row, the mailbox's clock"}
ONE_ROW = {"trail": "the row that says what has gone"}
# Their own suites move the clocks by which these go.
ELSEWHERE = {
    "mail": "tests/contract/test_mailbox.py::test_what_has_waited_too_long_is_gone",
    TRIAL: "tests/server/mongo/test_outages.py",
}
# What a service keeps of ours, and the piece of the code that gives it its end.
SERVICES = {
    "a guest, a place, a process, a seeker in Redis": ("redis/lobby.lua", "call('PEXPIRE', at, KEY_MS)"),
    "a record of the lobby in Redis": ("redis/lobby.lua", "cmsgpack.pack(record), 'PX', KEY_MS)"),
    "letdowns and complaints in Redis": ("redis/lobby.lua", "cmsgpack.pack(record), 'PX', LETDOWN_MS)"),
    "rests of a pair in Redis": ("redis/lobby.lua", "call('PEXPIRE', rests, REST_MS)"),
    "offers that ended, in Redis": ("redis/lobby.lua", "cmsgpack.pack(offer), 'PX', ENDED_MS)"),
    "the mark of the keys in Redis": ("redis/shared_keys.py", '"EX", KEPT_S)'),
    "mail in RabbitMQ": ("rabbitmq/mailbox.py", '"x-message-ttl": ttl_ms'),
    "a queue in RabbitMQ": ("rabbitmq/mailbox.py", '"x-expires": mailbox_expires_ms(ttl_ms)'),
}


async def rows(history: History) -> Mapping[str, int]:
    """How many there are in each table or collection."""
    if isinstance(history, MongoHistory):
        names = sorted({index.collection for index in INDEXES} | {TRIAL})
        return {name: len(await history._mongo.find(name, {})) for name in names}
    assert isinstance(history, SqliteHistory)

    def work(transaction: object) -> Mapping[str, int]:
        run = transaction._connection.execute  # type: ignore[attr-defined]
        tables = run("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
        return {name: run(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in tables}

    return await history.reports._database.run(work)


async def fill(history: History) -> None:
    """Something of every kind."""
    reports, cases = Reports(history), cases_of(history)
    for n in range(3):
        await reports.of(f"g{n}", f"n{n}", at=NOW + n)
    await history.guests.keep(guest("anna"))
    await history.sessions.begin(session("s", members=("dora", "eve")))
    await add(history, message(1, s="s"))
    await history.guests.keep(guest("dora"))
    await history.guests.erase("dora", NOW)
    await history.reports.add(Report("LATE", "s", "eve", "dora", "hate", "", NOW, ("n9",)))
    await history.relations.block("anna", "ben", NOW)
    await history.relations.avoid_networks("anna", ["n"], NOW)
    await history.sessions.wish("r1", "anna", NOW)
    await history.house.close(Closure("back soon", NOW + 1))
    await history.house.take_turn("tell", "p", NOW, NOW + 1)
    await history.signs.keep(AskedSign("anna", "https://push.example/secret", "k1", "fr-lyon", NOW, NOW + 1))
    await cases.sanction(Sanction("ben", FOR_GOOD_MS, "threats", ("n7",), NOW, "3"), Act(NOW, "ada", "pause", "CODE1"))
    await history.guests.keep_objection("ben", "it was not me", NOW)
    await cases.record([], [replace(c, answer="It was.", answered=NOW) for c in await cases.cases() if c.objected])
    assert [(c.objection, c.answer) for c in await cases.cases() if c.answered] == [("it was not me", "It was.")]
    await cases.lift("ben", (), Act(NOW, "ada", "lift", "CODE1"))
    closed = [replace(c, state="acted", closed=NOW, goes=case_goes("acted", NOW, 0)) for c in await cases.cases()]
    await cases.record([Act(NOW, "ada", "close", case.code) for case in closed], closed)


async def test_every_table_and_collection_is_empty_when_all_in_it_is_over(history: History) -> None:
    await fill(history)
    before = await rows(history)
    assert [name for name, count in before.items() if not count and name not in (*ELSEWHERE, "mail_time")] == [], (
        "a kind of which this test has nothing: fill it"
    )
    over = NOW + 20 * 365 * DAY_MS
    for later in (over, over, bar_goes(over)):  # a guest goes after the last of their chats, a bar a token after that
        await history.guests.prune(later, MONTH_MS)
    left = {name: count for name, count in (await rows(history)).items() if count and name not in FOR_EVER}
    assert left == dict.fromkeys(ONE_ROW, 1)


async def test_what_the_host_leaves_open_is_all_that_a_year_leaves(history: History) -> None:
    await Reports(history).of("g", "n")
    await history.guests.prune(NOW + 365 * DAY_MS, MONTH_MS)
    kept = {name: count for name, count in (await rows(history)).items() if count}
    assert kept == {"reports": 1}


def test_whatever_services_keep_of_ours_is_written_with_its_end() -> None:
    for kind, (file, piece) in SERVICES.items():
        assert piece in (ROOT / "citychat/adapters" / file).read_text("utf-8"), kind
    lua = (ROOT / "citychat/adapters/redis/lobby.lua").read_text("utf-8")
    writes = re.findall(r"call\('SET',[^\n]*", lua)
    assert writes and [line for line in writes if "'PX'" not in line] == [], "a key without an end"


def test_the_tests_that_are_named_exist() -> None:
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / file).read_text("utf-8")
