"""What version 0.1.0 has stored and sent is read today, and what is written today is the same, byte for byte."""

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from citychat.adapters.mongo import documents
from citychat.adapters.rabbitmq import consumers
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.figures import Figures, Meetings, Spread, Traffic
from citychat.model import NOWHERE, PENDING, Guest, Message, Offer, Place, Session
from citychat.ports import BusEvent, Dossier, Mail, Pause, Progress, Report, bus_events
from citychat.rules import DAY_MS, bar_goes
from tests.support.stores import StoreClock, add

NOW = 1_700_000_000_000
MONTH_MS = 30 * DAY_MS
STORE = Path(__file__).parents[1] / "fixtures" / "store-0.1.0.sql"
NAMES = ("Amber Fox", "Teal Owl")
LYON = Place("lyon", "Lyon", "FR", "position", NOWHERE)  # it had a square of 2 km, which is gone

ANNA = Guest("anna", NOW, NOW + 90, "2024-1", NOW + 1, LYON, (NOW + 2, NOW + 3), ("net1", "net2"))
BEN = Guest("ben", NOW, NOW + 80, "2024-1", NOW + 1)
TALK = Session("talk", ("anna", "ben"), NAMES, "Lyon", NOW + 10, NOW + MONTH_MS)
OVER = Session("over", ("carl", "anna"), NAMES, "Lyon", NOW + 5, NOW + MONTH_MS, NOW + 7)
GONE = Session("gone", ("dora", "ben"), NAMES, "Paris", NOW + 6, NOW + MONTH_MS, NOW + 20, (0,))
SAID = [
    Message("talk", 0, "one", 1, 1, 'né \U0001f98a\n"quoted"', NOW + 11),
    Message("talk", 0, "one", 2, 3, "", NOW + 12, kind="gap"),
    Message("talk", 0, "one", 4, 5, "beyond a hole", NOW + 14),
    Message("talk", 0, "two", 1, 7, "a new stream", NOW + 15, ("one", 4)),
    Message("talk", 1, "ben-s", 1, 2**52, "", NOW + 13),
]
WAITING = [
    Message("talk", 0, "two", 2, 8, "while you were away", NOW + 30),
    Message("talk", 0, "three", 1, 9, "and once more", NOW + 31, ("two", 2)),
]


# A data file


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "citychat.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(STORE.read_text("utf-8"))
    async with Database(path) as opened:
        yield opened


async def test_its_guests_sessions_and_messages_are_read(database: Database) -> None:
    history = SqliteHistory(database)
    assert [await history.guests.find(name) for name in ("anna", "ben", "dora")] == [ANNA, BEN, None]
    assert [await history.sessions.find(session.id) for session in (TALK, OVER, GONE)] == [TALK, OVER, GONE]
    assert await history.sessions.of("anna") == [TALK, OVER]
    assert await history.messages.page("talk", None, 10) == SAID
    progress = Progress({"one": 2, "two": 1}, [SAID[2]], 1, {"two": ("one", 4)})
    assert await history.messages.progress("talk", 0) == progress
    assert await history.messages.held("talk", 0, "one", [(1, 9)]) == [(1, 1), (4, 4)]
    assert await history.sessions.idle(NOW + DAY_MS + 91) == [TALK]


async def test_no_square_of_2_km_is_left_of_it(database: Database, tmp_path: Path) -> None:
    """Neither in a row, nor in a page of the file that is free again, nor in its log."""
    assert '"cell":[2287,241]' in STORE.read_text("utf-8")
    bodies = await database.run(lambda t: t._connection.execute("SELECT body FROM guests").fetchall())
    assert len(bodies) == 2 and all('"cell"' not in body for (body,) in bodies)
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert b'"anna"' in b"".join(files)
    for content in files:
        assert b"cell" not in content and b"2287" not in content


async def test_its_relations_reports_pauses_and_wishes_are_read(database: Database, tmp_path: Path) -> None:
    history = SqliteHistory(database)
    assert (await history.relations.blocked("anna"), await history.relations.blocked("carl")) == (["carl"], ["anna"])
    assert await history.relations.avoided_networks("anna", NOW + 10) == {"net3": NOW + 9, "net4": NOW + 8}
    for later in range(50):
        await history.relations.avoid_networks("anna", ["net3", "net4"], NOW + 10 + later)
        await history.relations.block("anna", "carl", NOW + 10 + later)
    with closing(sqlite3.connect(tmp_path / "citychat.db")) as looking:
        found = looking.execute("SELECT network, at FROM shuns ORDER BY network").fetchall()
    assert found == [("net3", NOW + 59), ("net4", NOW + 59)], "one row a network"
    assert [await history.reports.state(f"CODE{n}", NOW) for n in range(1, 6)] == ["received"] * 4 + [None]
    again = Report("CODE9", "over", "anna", "carl", "spam", "", NOW + 50, ("net9",))
    assert await history.reports.add(again) == "CODE1"
    assert await history.guests.pause("carl", NOW + 50) == Pause(NOW + 10 + DAY_MS, "reported by several people")
    assert await history.sessions.wish("over", "anna", NOW + 50)
    assert await history.guests.dossier("anna", NOW + 50) == Dossier(
        ANNA, None, [TALK, OVER], {"net3": NOW + 59, "net4": NOW + 59}, ["carl"], BEN.seen, ["ben", "carl"]
    )


async def test_its_bars_stand_for_the_life_of_a_token_from_now_on(database: Database) -> None:
    """Nobody had noted when the row of carl went."""
    history, now = SqliteHistory(database), time.time_ns() // 1_000_000
    await history.guests.prune(bar_goes(now - 600_000), now)  # it forgets nobody who was seen since 1970
    assert await history.relations.blocked("carl") == ["anna"]
    await history.guests.prune(bar_goes(now), now)
    assert await history.relations.blocked("carl") == []


async def test_its_bars_stand_although_its_machine_wakes_up_with_a_clock_far_behind(tmp_path: Path) -> None:
    path = tmp_path / "citychat.db"
    seen = time.time_ns() // 1_000_000 + 400 * DAY_MS  # as to a clock that is 400 days behind
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(STORE.read_text("utf-8"))
        connection.execute("UPDATE guests SET seen = ? WHERE id = 'anna'", (seen,))
        connection.commit()
    async with Database(path) as opened:
        history = SqliteHistory(opened)
        await history.guests.prune(bar_goes(seen) - 1, 3 * MONTH_MS)
        assert await history.relations.blocked("carl") == ["anna"]


async def test_its_reports_count_for_their_day(database: Database) -> None:
    history = SqliteHistory(database)
    for n in (1, 2):
        await history.sessions.begin(Session(f"s{n}", (f"g{n}", "dora"), NAMES, "Lyon", NOW, NOW + MONTH_MS))
        await add(history, Message(f"s{n}", 1, "d", 1, 1, "a threat", NOW + 1))
        assert await history.guests.pause("dora", NOW + 70_000) is None
        await history.reports.add(Report(f"C{n}", f"s{n}", f"g{n}", "dora", "hate", "", NOW + 60_000, (f"n{n}",)))
    assert await history.guests.pause("dora", NOW + 70_000) is not None


async def test_its_erased_texts_stay_erased_and_are_evidence_for_three_days(database: Database) -> None:
    history = SqliteHistory(database)
    late = Message("gone", 0, "d", 2, 3, "on its way when dora went", NOW + 8)
    assert await add(history, late) == frozenset()
    assert [row.text for row in await history.messages.page("gone", None, 10)] == ["", "what ben said", ""]
    told = [[row.text for row in await history.messages.page("gone", None, 10, side)] for side in (0, 1)]
    assert told == [["", "what ben said"], ["", "what ben said", ""]], "what was kept before stands for both"
    await history.reports.add(Report("CODE5", "gone", "fay", "dora", "hate", "", NOW + 60, ("net7",)))
    rows = await database.run(lambda transaction: transaction.rows("evidence", "gone", NOW, 50))
    assert [row[5] for row in reversed(rows)] == ["what dora said", "what ben said", ""]
    await history.guests.prune(NOW + 20 + 3 * DAY_MS, MONTH_MS)
    rows = await database.run(lambda transaction: transaction.rows("evidence", "gone", 0, 50))
    assert [row[5] for row in reversed(rows)] == ["", "what ben said", ""]


async def test_its_mail_is_delivered_and_acked(database: Database) -> None:
    heard: list[Mail] = []
    async with SqliteMailbox(database, StoreClock(lambda: NOW + 60)) as mailbox:
        box = await mailbox.open("ben", heard.append)
        await database.run(lambda transaction: None)
        assert [mail.message for mail in heard] == WAITING
        mailbox.ack(box, [mail.tag for mail in heard])
        await mailbox.close(box)
    assert await database.run(lambda transaction: transaction.rows("contents")) == [(2, 3, 8, 0)]


async def test_what_is_written_into_an_empty_file_today_is_that_file(database: Database, tmp_path: Path) -> None:
    """Rows that both have in common; the reports' evidence among them."""
    async with Database(tmp_path / "today" / "citychat.db") as made:
        history = SqliteHistory(made)
        async with SqliteMailbox(made, StoreClock(lambda: NOW, lambda: NOW)) as mailbox:
            await write_again(history, mailbox, made)
        for table in TABLES:
            assert await rows(made, table) == await rows(database, table), table


# Not pauses: today three reports of chats that nobody had for a minute are none.
TABLES = ["barred", "erased", "guests", "mail", "members", "messages", "reports", "sessions", "shuns", "wishes"]
COLUMNS = {"barred": "a, b, at", "reports": "code, s, reporter, accused, reason, note, at, networks, evidence, state"}


async def rows(database: Database, table: str) -> list[Any]:
    def work(transaction: Any) -> list[Any]:
        found = transaction._connection.execute(f"SELECT {COLUMNS.get(table, '*')} FROM {table}")
        return sorted(found.fetchall(), key=repr)

    return await database.run(work)


async def write_again(history: SqliteHistory, mailbox: SqliteMailbox, database: Database) -> None:
    """The steps of the fixture."""
    for guest in (ANNA, BEN, Guest("dora", NOW, NOW + 70, "2024-1", NOW + 1)):
        await history.guests.keep(guest)
    for session in (TALK, OVER, GONE):
        await history.sessions.begin(msgspec.structs.replace(session, ended=None, erased=()))
    dora = Message("gone", 0, "d", 1, 1, "what dora said", NOW + 6)
    ben = Message("gone", 1, "b", 1, 2, "what ben said", NOW + 7)
    await add(history, *SAID, dora, ben, Message("over", 0, "c", 1, 1, "a threat", NOW + 6))
    await history.sessions.end("over", NOW + 7)
    await history.guests.erase("dora", NOW + 20)
    await history.relations.block("carl", "anna", NOW + 8)
    await history.relations.avoid_networks("anna", ["net3", "net4"], NOW + 8)
    await history.relations.avoid_networks("anna", ["net3"], NOW + 9)
    await history.sessions.wish("over", "carl", NOW + 9)
    for report in (
        Report("CODE1", "over", "anna", "carl", "threat", "a note", NOW + 8, ("net1", "net2")),
        Report("CODE2", "r2", "ben", "carl", "spam", "", NOW + 9, ("net5",)),
        Report("CODE3", "gone", "ben", "dora", "hate", "it was there", NOW + 21, ("net5",)),
        Report("CODE4", "r4", "eve", "carl", "spam", "", NOW + 10, ("net6",)),
    ):
        await history.reports.add(report)
    mailbox.put("ben", WAITING, lambda stored: None)
    await database.run(lambda transaction: None)


async def test_a_session_that_is_pending_is_over_for_a_process_of_an_older_version(database: Database) -> None:
    """Which knows of sessions without an end and of those with one: it lets nobody in, and leaves the row alone."""
    history = SqliteHistory(database)
    pending = msgspec.structs.replace(TALK, id="new", started=NOW + 40, ended=PENDING)
    await history.sessions.begin(pending)
    older = {
        "running": "SELECT id FROM sessions WHERE ended IS NULL",
        "ended": "SELECT id FROM sessions WHERE ended IS NOT NULL ORDER BY id",
        "end": "UPDATE sessions SET ended = 99 WHERE id = 'new' AND ended IS NULL RETURNING id",
    }
    found = await database.run(lambda t: {name: t._connection.execute(sql).fetchall() for name, sql in older.items()})
    assert found == {"running": [("talk",)], "ended": [("gone",), ("new",), ("over",)], "end": []}
    assert documents.to_session(pending)["ended"] == 0
    confirmed = await history.sessions.confirm("new", MONTH_MS)
    assert confirmed is not None and [row.id for row in await history.sessions.of("ben")] == ["new", "talk", "gone"]


# What processes tell each other, and what waits in a queue

FULL = Message("s-_", 1, "st", 1, 7, 'né \U0001f98a\n"', NOW, ("older", 4))
GAP = Message("s", 0, "st", 2, 2**52, "", 5, kind="gap")
MAIL = {
    '{"s":"s-_","side":1,"st":"st","n":1,"l":7,"x":"né \U0001f98a\\n\\"","at":1700000000000,"p":["older",4]}': FULL,
    '{"s":"s","side":0,"st":"st","n":2,"l":4503599627370496,"x":"","at":5,"k":"gap"}': GAP,
}
FIGURES = Figures(
    process="p", version="1.0.0", at=7, up_s=0.5, ready=True, wrong=("bus",), free=1, looking=2, talking=3,
    traffic=Traffic(4, 5, 6, Spread((0.5, 1.0), [1, 2, 3], 0.5)), meetings=Meetings(7, 8, Spread((2.0,), [9, 0], 4.0)),
    mail=None, reports=9, disk_bytes=2**50, free_disk_bytes=0, backup_at=0, city_database_at=None,
)  # fmt: skip
EVENTS: dict[str, BusEvent] = {
    **{f'{{"type":"said","message":{raw}}}': bus_events.NewMessage(message) for raw, message in MAIL.items()},
    '{"type":"receipt","s":"s","st":"st","ranges":[[1,2],[5,4503599627370496]]}': bus_events.Receipt(
        "s", "st", [(1, 2), (5, 2**52)]
    ),
    '{"type":"here","s":"s"}': bus_events.PartnerHere("s"),
    '{"type":"away","s":"s","since":1700000000000}': bus_events.PartnerAway("s", NOW),
    '{"type":"left","s":"s","at":1}': bus_events.SessionEnded("s", 1),
    '{"type":"typing","s":"s","on":true}': bus_events.PartnerTyping("s", True),
    '{"type":"erased","s":"s"}': bus_events.TextsErased("s"),
    '{"type":"takeover","epoch":4503599627370496}': bus_events.NewerPage(2**52),
    '{"type":"offered","offer":{"id":"o","seeker":"ann","candidate":"ben","city":"Lyon","seconds":15,'
    '"looking":true,"ends":1}}': bus_events.OfferMade(Offer("o", "ann", "ben", "Lyon", 15, True, 1)),
    '{"type":"over","offer":"o"}': bus_events.OfferEnded("o"),
    '{"type":"met","session":"s"}': bus_events.SessionBegun("s"),
    '{"type":"paused","until":1,"reason":"reports"}': bus_events.GuestPaused(1, "reports"),
    '{"type":"figures?","process":"p"}': bus_events.FiguresAsked("p"),
    '{"type":"figures","figures":{"process":"p","version":"1.0.0","at":7,"up_s":0.5,"ready":true,"wrong":["bus"],'
    '"free":1,"looking":2,"talking":3,"traffic":{"taken":4,"stored":5,"delivered":6,'
    '"times":{"bounds_s":[0.5,1.0],"counts":[1,2,3],"total_s":0.5}},'
    '"meetings":{"searches":7,"matches":8,"waits":{"bounds_s":[2.0],"counts":[9,0],"total_s":4.0}},'
    '"mail":null,"reports":9,"disk_bytes":1125899906842624,"free_disk_bytes":0,"backup_at":0,'
    '"city_database_at":null}}': bus_events.FiguresTold(FIGURES),
}


@pytest.mark.parametrize(("raw", "event"), EVENTS.items(), ids=lambda value: str(value)[:20])
def test_a_bus_event_is_the_same(raw: str, event: BusEvent) -> None:
    assert bus_events.encode(event) == raw.encode()
    assert bus_events.decode(raw.encode()) == event


def test_there_is_one_of_each_event() -> None:
    assert {type(event) for event in EVENTS.values()} == set(BusEvent.__args__)


@pytest.mark.parametrize(("raw", "message"), MAIL.items(), ids=["message", "gap"])
def test_a_message_in_a_queue_is_the_same(raw: str, message: Message) -> None:
    assert consumers.encode(message) == raw.encode()
    assert consumers.decode(raw.encode()) == message


# Documents; those that a store alone can make are held by tests/server/test_mongo_old_store.py


def test_the_documents_of_messages_guests_and_sessions_are_the_same() -> None:
    full: dict[str, Any] = {
        "_id": "s-_:1:st:1", "s": "s-_", "side": 1, "st": "st", "n": 1, "l": 7, "x": 'né \U0001f98a\n"', "at": NOW,
        "p": ("older", 4),
    }  # fmt: skip
    gap: dict[str, Any] = {
        "_id": "s:0:st:2", "s": "s", "side": 0, "st": "st", "n": 2, "l": 2**52, "x": "", "at": 5, "k": "gap"
    }  # fmt: skip
    guest: dict[str, Any] = {
        "_id": "anna", "made": 1, "seen": 2, "consent": "2024-1", "consented": 3,
        "place": {"key": "lyon", "city": "Lyon", "country": "FR", "source": "position", "district": (0, 0)},
        "moves": (4, 5), "networks": ("net1",),
    }  # fmt: skip
    running: dict[str, Any] = {
        "_id": "s", "members": ("anna", "ben"), "aliases": NAMES, "city": "Lyon", "started": 10, "expires": 20,
        "ended": None,
    }  # fmt: skip
    over = {**running, "ended": 15, "erased": (1,)}
    anna = Guest("anna", 1, 2, "2024-1", 3, LYON, (4, 5), ("net1",))
    session = Session("s", ("anna", "ben"), NAMES, "Lyon", 10, 20)
    ended = msgspec.structs.replace(session, ended=15, erased=(1,))
    made = [*map(documents.to_row, (FULL, GAP)), documents.to_guest(anna), *map(documents.to_session, (session, ended))]
    assert [list(document.items()) for document in made] == [
        list(document.items()) for document in (full, gap, guest, running, over)
    ]
    reader = documents.DocumentReader()
    assert reader.messages([full, gap]) == [FULL, GAP]
    assert reader.guests([guest]) == [anna]
    kept_before = {**guest, "place": {name: it for name, it in guest["place"].items() if name != "district"}}
    kept_before["place"]["cell"] = (2287, 241)
    assert reader.guests([kept_before]) == [anna]
    assert reader.sessions([running, over]) == [session, ended]
