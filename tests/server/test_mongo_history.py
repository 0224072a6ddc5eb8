"""The history in MongoDB on a server of its own: killed, frozen, full of garbage, asked by two processes at once."""

import asyncio
import logging
import sqlite3
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from citychat.adapters.mongo import Mongo, MongoHistory, messages
from citychat.adapters.mongo.connection import FAILED_MAX
from citychat.adapters.mongo.documents import INDEXES
from citychat.adapters.mongo.errors import trouble
from citychat.adapters.mongo.retention import SETTLED_MS
from citychat.adapters.service_status import ServiceStatus
from citychat.model import Guest, Message, Session, Unavailable
from citychat.ports import Committed, Report
from citychat.rules import DAY_MS, ERASED_MS
from tests.support.patience import PATIENCE_S
from tests.support.services.mongo import MongoServer
from tests.support.services.running import MONGO, is_tested
from tests.support.stores import StoreClock, add, comes_up, message

NOW = round(time.time() * 1_000)  # a server with TTL indexes deletes what is older
MONTH_MS = 30 * DAY_MS
CANARY = "the canary sings at dawn"
DATABASE = "citychat"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["mongo"] if is_tested(MONGO) else [], indirect=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MongoServer]:
    server = MongoServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def raw(server: MongoServer) -> Iterator[Any]:
    """The database as somebody else sees it."""
    with MongoClient[dict[str, Any]](server.url) as client:
        yield client[DATABASE]


def new_history(url: str, link: ServiceStatus) -> MongoHistory:
    return MongoHistory(url, link=link, clock=StoreClock(lambda: NOW))


def new_link(unfit: Callable[[str], None] = pytest.fail) -> ServiceStatus:
    return ServiceStatus("MongoDB", Random(7), unfit)


@asynccontextmanager
async def opened(server: MongoServer) -> AsyncIterator[MongoHistory]:
    link = new_link()
    async with new_history(server.url, link) as history:
        await comes_up(link)
        yield history


@pytest.fixture
async def history(server: MongoServer) -> AsyncIterator[MongoHistory]:
    async with opened(server) as history:
        yield history


def session(s: str = "s", members: tuple[str, str] = ("anna", "ben")) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", NOW, NOW + MONTH_MS)


def report(n: int, at: int = NOW) -> Report:
    return Report(f"CODE{n}", f"r{n}", f"g{n}", "ben", "hate", "a note", at, (f"n{n}",))


def begun(history: MongoHistory, *rows: Message) -> "asyncio.Future[Committed | None]":
    answer: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()
    history.messages.add(rows, answer.set_result)
    return answer


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - a link tells nobody
            await asyncio.sleep(0.01)


async def held(history: MongoHistory) -> set[int]:
    return {n for a, b in await history.messages.held("s", 0, "st", [(1, 10**9)]) for n in range(a, b + 1)}


# All that somebody waits for; a prune in the background has more time.
EVERYTHING: list[Callable[[MongoHistory], Awaitable[object]]] = [
    lambda h: h.messages.page("s", (1, 1, "st", 1), 5),
    lambda h: h.messages.progress("s", 0),
    lambda h: h.messages.held("s", 0, "st", [(1, 5)]),
    lambda h: h.guests.find("anna"),
    lambda h: h.guests.dossier("anna", NOW),
    lambda h: h.guests.keep(Guest("anna", NOW, NOW, "1", NOW)),
    lambda h: h.sessions.begin(session()),
    lambda h: h.sessions.undo("s"),
    lambda h: h.sessions.end("s", NOW),
    lambda h: h.sessions.find("s"),
    lambda h: h.sessions.of("anna"),
    lambda h: h.relations.block("anna", "ben", NOW),
    lambda h: h.relations.blocked("anna"),
    lambda h: h.relations.avoid_networks("anna", ["n"], NOW),
    lambda h: h.relations.avoided_networks("anna", NOW),
    lambda h: h.reports.add(report(1)),
    lambda h: h.reports.state("CODE1"),
    lambda h: h.guests.pause("anna", NOW),
    lambda h: h.sessions.wish("s", "anna", NOW),
    lambda h: h.guests.erase("anna", NOW),
    lambda h: h.sessions.idle(NOW),
]


async def all_unavailable(history: MongoHistory) -> None:
    """Every method says so, with the reason, whether the server is silent or nobody listens."""
    async with asyncio.timeout(PATIENCE_S):
        answers = await asyncio.gather(*(ask(history) for ask in EVERYTHING), return_exceptions=True)
        assert await begun(history, message(1)) is None
    assert [type(answer) for answer in answers] == [Unavailable] * len(EVERYTHING)


# Away and back


async def test_a_process_starts_without_its_server_and_finds_it_soon_after_its_return(server: MongoServer) -> None:
    server.kill()
    link = new_link()
    async with new_history(server.url, link) as history:
        await until(lambda: link.trouble == "nobody listens at its address")
        await all_unavailable(history)
        server.start()
        await until(lambda: link.up)
        assert await add(history, message(1)) == frozenset()
    assert link.version.split(".")[0].isdigit()


async def test_a_killed_server_is_soon_known_to_be_away_and_keeps_what_it_has_acknowledged(
    server: MongoServer, history: MongoHistory
) -> None:
    committed: set[int] = set()
    answers = [begun(history, *(message(n) for n in range(first, first + 5))) for first in range(1, 100, 5)]
    await answers[5]
    server.kill()
    async with asyncio.timeout(PATIENCE_S):
        for first, answer in zip(range(1, 100, 5), answers, strict=True):
            if await answer is not None:
                committed |= set(range(first, first + 5))
    await until(lambda: not history._mongo._link.up)
    await all_unavailable(history)
    server.start()
    await until(lambda: history._mongo._link.up)
    assert committed <= await held(history)
    assert await add(history, *(message(n) for n in range(1, 101))) == frozenset()
    assert await held(history) == set(range(1, 101))


async def test_a_frozen_server_holds_up_nobody_and_what_it_does_later_harms_nothing(
    server: MongoServer, history: MongoHistory
) -> None:
    server.freeze()
    await all_unavailable(history)
    await until(lambda: not history._mongo._link.up)
    told = asyncio.create_task(all_unavailable(history))
    for _ in range(20):
        await asyncio.sleep(0)
    assert told.done(), "known to be away: no answer is waited for"
    await told
    with pytest.raises(Unavailable):
        await history.guests.prune(NOW, MONTH_MS)
    server.thaw()
    await until(lambda: history._mongo._link.up)
    assert await add(history, message(1), message(2)) == frozenset()
    assert await history.messages.page("s", None, 10) == [message(1), message(2)]


async def test_a_question_that_takes_too_long_is_given_up_before_the_server_is_known_to_be_away(
    server: MongoServer,
) -> None:
    link = new_link()
    # The driver's own heartbeat would end the question as well
    async with new_history(f"{server.url}?heartbeatFrequencyMS=3600000", link) as history:
        await comes_up(link)
        await add(history, message(1))
        bound, history._mongo._read_within_s = history._mongo._read_within_s, 0.1
        server.freeze()
        with pytest.raises(Unavailable) as raised:
            await history.messages.page("s", None, 10)
        assert not isinstance(raised.value.__cause__, PyMongoError), "its own bound, not the driver's"
        server.thaw()
        history._mongo._read_within_s = bound
        await until(lambda: link.up)
        assert await history.messages.page("s", None, 10) == [message(1)]


async def test_leaving_a_frozen_server_is_soon_over_and_tells_that_nothing_is_sure(server: MongoServer) -> None:
    async with opened(server) as history:
        server.freeze()
        answer = begun(history, message(1))
    assert await answer is None
    server.thaw()


async def test_rows_beyond_the_bound_are_refused_at_once(
    server: MongoServer, history: MongoHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "ROWS_IN_FLIGHT_MAX", 200)
    server.freeze()
    waiting = [begun(history, *(message(part + n) for n in range(1, 51))) for part in range(0, 200, 50)]
    refused = begun(history, message(1))
    await asyncio.sleep(0)
    assert refused.done() and refused.result() is None
    assert not any(answer.done() for answer in waiting)
    server.thaw()
    assert {await answer for answer in waiting} <= {Committed(), None}
    async with asyncio.timeout(PATIENCE_S):
        while await begun(history, message(1)) is None:  # noqa: ASYNC110 - a busy server gets to it
            await asyncio.sleep(0.1)


async def test_an_outage_is_told_once_and_without_what_anybody_wrote(
    server: MongoServer, history: MongoHistory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await add(history, message(1, x=CANARY))
    server.kill()
    await begun(history, message(2, x=CANARY))
    await until(lambda: not history._mongo._link.up)
    await asyncio.sleep(1)
    server.start()
    await until(lambda: history._mongo._link.up)
    told = [record.message for record in caplog.records if record.name.startswith("citychat")]
    outage = told[told.index(next(line for line in told if "is away" in line)) :]
    assert outage[-1] == f"MongoDB {history._mongo._link.version} answers"
    assert all(line.startswith("MongoDB is away: ") for line in outage[:-1])
    assert all(a != b for a, b in pairwise(outage)), "a reason once, not at every attempt"
    assert CANARY not in caplog.text


@contextmanager
def no_writes(folder: Path, url: str) -> Iterator[None]:
    """The server of ``folder`` goes on to answer, and takes no write."""
    files = list(folder.rglob(f"{DATABASE}.sqlite"))
    if not files:
        with MongoClient[dict[str, Any]](url) as client:
            client.admin.command("fsync", lock=True)
            yield
            client.admin.command("fsyncUnlock")
        return
    with closing(sqlite3.connect(files[0], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_server_that_answers_but_takes_no_writes_is_shown_so_until_it_does_though_nobody_writes(
    server: MongoServer, history: MongoHistory, raw: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = history._mongo._link
    await add(history, message(1))
    with no_writes(tmp_path, server.url):
        for n in range(2, 5):
            assert await begun(history, message(n)) is None
        await until(lambda: link.state == "does not take writes")
        assert link.up, "it is asked on"
        assert [line for line in caplog.messages if "but" in line] == ["MongoDB answers, but does not take writes"]
    await until(lambda: link.state == "")
    await add(history, message(9))
    assert link.up
    assert raw["trial"].count_documents({}) == 0


async def test_writes_that_fail_for_reasons_of_their_own_hinder_nobody(history: MongoHistory) -> None:
    """Three that are too slow while the server takes another."""
    history._mongo._failed_writes = FAILED_MAX
    history._mongo._doubted.set()
    await until(lambda: history._mongo._failed_writes == 0)
    assert history._mongo._link.state == ""


async def test_the_wish_for_tls_is_named_where_a_plain_server_only_goes_silent() -> None:
    asked, other = "mongodb://ada:hunter2@host/?a=b&tls=true", "mongodb://host/"
    assert trouble(PyMongoError("closed"), asked) == "it does not answer, or not with TLS, for which its address asks"
    assert trouble(PyMongoError("closed"), other) == "it does not answer"


async def test_a_refused_login_is_told_in_words_and_without_the_password(
    server: MongoServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Our private server takes no SCRAM login at all, and says so with the code of a wrong password."""
    link = new_link()
    async with new_history(server.url.replace("//", "//adalovelace:hunter2@"), link) as history:
        await until(lambda: link.trouble == "it refuses user or password")
        await all_unavailable(history)
    assert "hunter2" not in caplog.text and "lovelace" not in caplog.text


class Strange(asyncio.Protocol):
    """A server that has one answer to everything."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._answer(data))


@asynccontextmanager
async def strange(answer: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """Its address."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Strange(answer), "127.0.0.1", 0)
    async with server:
        yield f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_server_without_tls_is_told_from_one_that_is_silent() -> None:
    link = new_link()
    async with strange(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, new_history(f"{url}?tls=true", link):
        await until(lambda: link.trouble.startswith("TLS fails"))


async def test_something_else_than_mongodb_is_away() -> None:
    link = new_link()
    async with strange(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, new_history(url, link) as history:
        await until(lambda: link.trouble == "it does not answer")
        await all_unavailable(history)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("mongodb://ada:hunter2@@host/", "expected mongodb://"),
        ("http://ada:hunter2@host/", "expected mongodb://"),
        ("mongodb://ada:hunter2@host:99999/", "expected mongodb://"),
        ("mongodb://ada:hunter2@host/?tlsCAFile=/nowhere/ca.pem", "ca.pem: No such file|a file: The tlscafile file"),
        ("mongodb+srv://ada:hunter2@host/", "name the servers"),
        ("mongodb://ada:hunter2@host/?foo=bar", "an option behind the question mark"),
        ("mongodb://ada:hunter2@host/?maxPoolSize=bar", "an option behind the question mark"),
    ],
    ids=["at sign", "scheme", "port", "file", "srv", "unknown option", "wrong option"],
)
async def test_an_address_that_cannot_be_read_is_told_without_its_password(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        await new_history(url, new_link()).__aenter__()
    assert "hunter2" not in str(raised.value)


async def test_a_server_that_is_too_old_is_unfit() -> None:
    """One that speaks the protocol of MongoDB 4.2, as far as its first answer."""

    def hello(asked: bytes) -> bytes:
        request, opcode = struct.unpack_from("<i4xi", asked, 4)
        assert opcode == 2_013
        body = bytes(5) + bson.encode({"ismaster": True, "minWireVersion": 0, "maxWireVersion": 8, "ok": 1.0})
        return struct.pack("<iiii", 16 + len(body), 0, request, opcode) + body

    told: list[str] = []
    async with strange(hello) as url, new_history(url, new_link(told.append)):
        await until(lambda: bool(told))
    assert told == ["MongoDB wire version 8 is too old: 4.4 or newer is needed"]


# What the server is asked to do


async def test_indexes_are_made_once_also_by_two_processes_at_once(
    server: MongoServer, raw: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with opened(server), opened(server):
        pass
    async with opened(server):
        pass
    for index in INDEXES:
        made = [list(one["key"]) for one in raw[index.collection].index_information().values()]
        assert made.count([(name, 1) for name in index.fields]) == 1, (index, made)
    refused = [record.message for record in caplog.records if "does not make" in record.message]
    assert len(refused) in (0, 3 * 4), "told once by each process"


def test_the_page_for_hosts_names_every_collection_and_index() -> None:
    page = (Path(__file__).parents[2] / "docs" / "mongodb.md").read_text("utf-8")
    for index in INDEXES:
        fields = ", ".join(index.fields)
        row = f"`{index.collection}` | {fields} |" if not index.lapses else f"| {fields} (TTL) |"
        assert row in page and f"`{index.collection}`" in page, row


async def test_a_write_is_answered_when_it_is_in_the_journal(history: MongoHistory) -> None:
    assert history._mongo._database is not None
    assert history._mongo._database.write_concern.document == {"w": 1, "j": True}


async def test_the_database_is_the_one_of_the_address(server: MongoServer) -> None:
    for url, database, name in [("", "", "citychat"), ("chats", "", "chats"), ("chats", "other", "other")]:
        link = new_link()
        clock = StoreClock(lambda: NOW)
        async with MongoHistory(f"{server.url}{url}", link=link, clock=clock, database=database) as history:
            await comes_up(link)
            assert history._mongo._database is not None and history._mongo._database.name == name


async def test_what_is_no_text_never_becomes_an_operator(history: MongoHistory) -> None:
    anything: Any = {"$gt": ""}
    await history.sessions.begin(session())
    for ask in (
        history.sessions.find, history.guests.find, history.sessions.of, history.relations.blocked,
        history.reports.state, lambda s: history.guests.dossier(s, NOW),
        lambda s: history.messages.page(s, None, 5), lambda s: history.messages.progress(s, 0),
        lambda s: history.sessions.end(s, NOW), lambda s: history.guests.erase(s, NOW),
        lambda s: history.sessions.undo(s),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="expected a text, not dict"):
            await ask(anything)
    with pytest.raises(TypeError, match="expected a text"):
        await history.sessions.wish("s", anything, NOW)
    assert await history.sessions.find("s") == session()


@pytest.mark.parametrize(("chatting", "questions"), [(False, 5), (True, 6)])
async def test_a_dossier_asks_for_everything_at_once(history: MongoHistory, chatting: bool, questions: int) -> None:
    """But for the partner of a running chat, who is known after the sessions."""
    if chatting:
        await history.sessions.begin(session())
    asked, find, all_asked = [], history._mongo.find, asyncio.Event()

    async def together(*args: Any, **options: Any) -> Any:
        asked.append(args)
        if len(asked) >= 5:
            all_asked.set()
        await all_asked.wait()
        return await find(*args, **options)

    history._mongo.find = together  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE_S):
        dossier = await history.guests.dossier("anna", NOW)
    assert (len(dossier.sessions), len(asked)) == (chatting, questions)


# Garbage

GARBAGE: list[dict[str, Any]] = [
    {},
    {"s": "s", "side": 0, "st": "st", "n": 2},
    {"s": "s", "side": 0, "st": "st", "n": 2, "l": 2, "x": "not under its id", "at": 2},
    {"s": "s", "side": 0, "st": "st", "n": "2", "l": {"gt": ""}, "x": 5, "at": None},
    {"s": "s", "side": 0, "st": {"a": [1]}, "n": 2.5},
    {"s": "s", "side": 0, "st": "st", "n": -4, "l": 2**62, "x": "", "at": True},
    {"members": ["anna", "anna"], "started": "x", "ended": None, "expires": 0, "erasing": 0, "erased": [7]},
    {"members": ["anna"], "aliases": ["A"], "city": "L", "started": 1, "expires": NOW * 2},
    {"members": ["anna", "anna"], "aliases": ["A", "B"], "city": "L", "started": 1, "expires": NOW * 2},
    {"members": ["anna", "ben", "carl"], "aliases": ["A", "B", "C"], "city": "L", "started": 1, "expires": NOW * 2},
    {"pair": ["anna"]}, {"pair": "anna"}, {"pair": ["anna", 7]},
    {"guest": "anna", "at": NOW, "network": 7},
    {"accused": "ben", "at": NOW, "networks": 7},
    {"seen": 0}, {"until": NOW * 2}, {"code": "CODE1"},
    {"gone": "never"}, {"when": bson.Regex("("), "what": bson.Binary(b"\xff"), "id": bson.ObjectId()},
]  # fmt: skip
COLLECTIONS = sorted({index.collection for index in INDEXES})


async def test_garbage_in_every_collection_is_passed_over_and_counted(history: MongoHistory, raw: Any) -> None:
    await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
    await history.sessions.begin(session())
    await add(history, message(1), message(2), message(3, side=1))
    await history.relations.block("anna", "ben", NOW)
    for collection in COLLECTIONS:
        raw[collection].insert_many([{**document, "_id": f"garbage {i}"} for i, document in enumerate(GARBAGE)])
        raw[collection].insert_many([dict(document) for document in GARBAGE])  # under ids of the driver's
    raw.guests.insert_one({"_id": "carl", "seen": "yesterday"})
    raw.wishes.insert_one({"_id": "v:carl", "s": "v", "guest": ["carl"], "at": NOW})

    assert await history.messages.page("s", None, 2) == [message(2), message(3, side=1)]
    assert await history.messages.page("s", message(3, side=1).order, 9) == [message(1), message(2)]
    standing = await history.messages.progress("s", 0)
    assert (standing.seen, standing.beyond) == ({"st": 2}, [])
    assert await history.messages.held("s", 0, "st", [(1, 9)]) == [(1, 2)]
    assert await add(history, message(1), message(4)) == frozenset()
    assert [m.number for m in (await history.messages.progress("s", 0)).beyond] == [4]
    assert await history.sessions.of("anna") == [session()]
    assert await history.sessions.idle(NOW + 1) == [session()]
    assert await history.guests.find("carl") is None
    assert await history.relations.blocked("anna") == ["ben"]
    assert await history.relations.avoided_networks("anna", NOW) == {}
    assert await history.reports.state("CODE1") is None
    assert await history.reports.add(report(1)) == "CODE1"
    assert await history.guests.pause("ben", NOW) is None
    assert not await history.sessions.wish("v", "anna", NOW)
    assert [(row.id, row.erased) for row in await history.guests.erase("anna", NOW)] == [("s", (0,))]
    await history.guests.prune(NOW + 2 * DAY_MS, MONTH_MS)
    assert await history.sessions.find("s") is not None
    assert set(history.dropped) >= {"messages", "sessions", "barred", "shuns", "reports", "guests"}


async def test_what_cannot_be_deleted_stops_a_prune_and_is_left_to_the_next(
    history: MongoHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history.sessions.begin(session())
    await add(history, message(1))
    await history.relations.avoid_networks("anna", ["net"], NOW)

    async def nothing_goes(*_: object) -> int:
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(Mongo, "delete", nothing_goes)
        async with asyncio.timeout(PATIENCE_S):
            await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    assert await history.sessions.find("s") is not None and await history.messages.page("s", None, 5)
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    assert await history.sessions.find("s") is None and not await history.messages.page("s", None, 5)


# Steps that are broken off, and two processes at once


class Away(Exception):
    """The server goes away before the next question."""


def breaks_after(history: MongoHistory, questions: int) -> None:
    """From its own next question but so many on, this process gets no answer."""
    asked, left = history._mongo._asked, [questions]

    def counting(within_s: float) -> AbstractAsyncContextManager[Any]:
        left[0] -= 1
        if left[0] < 0:
            raise Unavailable
        return asked(within_s)

    history._mongo._asked = counting  # type: ignore[method-assign,assignment]


async def broken_off_at_every_step(
    server: MongoServer, act: Callable[[MongoHistory], Awaitable[object]]
) -> AsyncIterator[bool]:
    """After each number of questions that ``act`` may be broken off at; True at last, when it was not."""
    for questions in range(100):
        async with opened(server) as history:
            breaks_after(history, questions)
            try:
                await act(history)
            except Unavailable:
                whole = False
            else:
                whole = True
        yield whole
        if whole:
            return
    raise AssertionError("it never ends")


async def test_an_erase_broken_off_anywhere_is_completed_by_the_next_prune(server: MongoServer, raw: Any) -> None:
    broken = 0
    async for whole in broken_off_at_every_step(server, lambda h: h.guests.erase("anna", NOW)):
        async with opened(server) as history:
            marked = await history.sessions.find("s")
            if await history.guests.find("anna") is None:
                assert raw.messages.count_documents({"side": 0, "x": {"$ne": ""}}) == 0, "nobody can repeat it now"
            await history.guests.prune(NOW + SETTLED_MS, MONTH_MS)
            texts = [(m.side, m.text) for m in await history.messages.page("s", None, 10)]
            if marked is not None and marked.erased:
                assert texts == [(0, ""), (0, ""), (1, "text 3")]
                assert marked.ended == NOW or not whole
                assert raw.erased.count_documents({}) == 2
                assert {copy["x"] for copy in raw.erased.find()} == {"text 1", "text 2"}
            if whole:
                assert await history.guests.find("anna") is None and marked is not None and marked.ended == NOW
            broken += not whole
        for collection in COLLECTIONS:
            raw[collection].delete_many({})
        async with opened(server) as history:
            await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
            await history.sessions.begin(session())
            await add(history, message(1), message(2), message(3, side=1))
    assert broken >= 8


async def test_an_erase_that_is_repeated_completes_whatever_the_first_one_left(server: MongoServer, raw: Any) -> None:
    async with opened(server) as history:
        await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
        await history.sessions.begin(session())
        await add(history, *(message(n, x=CANARY) for n in range(1, 9)))
    async for _ in broken_off_at_every_step(server, lambda h: h.guests.erase("anna", NOW)):
        pass
    async with opened(server) as history:
        assert [m.text for m in await history.messages.page("s", None, 10)] == [""] * 8
        assert [copy["x"] for copy in raw.erased.find()] == [CANARY] * 8
        kept = await history.sessions.find("s")
        assert kept is not None and (kept.erased, kept.ended) == ((0,), NOW)


async def test_the_third_report_pauses_even_when_it_was_broken_off_and_repeated(server: MongoServer) -> None:
    async with opened(server) as history:
        await history.reports.add(report(1))
        await history.reports.add(report(2))
    async for _ in broken_off_at_every_step(server, lambda h: h.reports.add(report(3))):
        pass
    async with opened(server) as history:
        assert await history.guests.pause("ben", NOW) is not None
        assert await history.reports.state("CODE3") == "received"


async def test_three_reports_at_once_by_three_processes_pause_whatever_their_clocks_say(server: MongoServer) -> None:
    async with opened(server) as one, opened(server) as two, opened(server) as three:
        await asyncio.gather(
            one.reports.add(report(1, NOW + 900)), two.reports.add(report(2)), three.reports.add(report(3, NOW + 300))
        )
        assert await one.guests.pause("ben", NOW) is not None


async def test_one_report_sent_by_two_processes_at_once_has_one_code(server: MongoServer, raw: Any) -> None:
    async with opened(server) as one, opened(server) as two:
        for n in range(10):
            first = Report(f"A{n}", f"s{n}", "anna", "ben", "hate", "", NOW, ())
            other = Report(f"B{n}", f"s{n}", "anna", "ben", "hate", "", NOW, ())
            codes = set(await asyncio.gather(one.reports.add(first), two.reports.add(other)))
            assert len(codes) == 1
            assert [kept["code"] for kept in raw.reports.find({"s": f"s{n}"})] == list(codes)


async def test_two_wishes_at_once_on_two_processes_meet_exactly_once(server: MongoServer) -> None:
    async with opened(server) as one, opened(server) as two:
        for n in range(20):
            both = one.sessions.wish(f"s{n}", "anna", NOW), two.sessions.wish(f"s{n}", "ben", NOW)
            answers = await asyncio.gather(*both)
            assert sorted(answers) == [False, True]
            assert not await one.sessions.wish(f"s{n}", "anna", NOW + 1), "used up"
            again = await asyncio.gather(
                *(history.sessions.wish(f"s{n}", "anna", NOW + 2 + i) for i, history in enumerate((one, two, one))),
                two.sessions.wish(f"s{n}", "ben", NOW + 2),
            )
            assert again.count(True) == 1, "pressed again and again"


async def test_a_chat_that_both_sides_end_at_once_on_two_processes_has_one_end(server: MongoServer) -> None:
    async with opened(server) as one, opened(server) as two:
        for n in range(20):
            await asyncio.gather(one.sessions.begin(session(f"s{n}")), two.sessions.begin(session(f"s{n}")))
            await asyncio.gather(one.sessions.end(f"s{n}", NOW + 1), two.sessions.end(f"s{n}", NOW + 2))
            kept = await one.sessions.find(f"s{n}")
            await asyncio.gather(one.sessions.end(f"s{n}", NOW + 3), two.sessions.end(f"s{n}", NOW + 4))
            assert kept is not None and kept.ended in (NOW + 1, NOW + 2)
            assert await two.sessions.find(f"s{n}") == kept


async def test_the_same_batch_on_two_processes_at_once_is_kept_once(server: MongoServer, raw: Any) -> None:
    async with opened(server) as one, opened(server) as two:
        rows = [message(n) for n in range(1, 301)]
        gaps = [message(n, x="", k="gap") for n in range(1, 301)]
        _, behind = await asyncio.gather(add(one, *gaps), add(two, *rows))
        kept = {n for (_, _, _, n) in behind}
        assert {m["n"] for m in raw.messages.find({"k": "gap"})} == kept, "each is a gap for both or for neither"
        assert raw.messages.count_documents({}) == 300


async def test_no_text_survives_an_erase_that_runs_while_messages_come_in(server: MongoServer, raw: Any) -> None:
    async with opened(server) as one, opened(server) as two:
        for n in range(4):
            s = f"s{n}"
            await one.sessions.begin(session(s))
            coming = [add(two, *(message(10 * i + j, s=s, x=CANARY) for j in range(1, 10))) for i in range(6)]
            await asyncio.gather(*coming[:3], one.guests.erase("anna", NOW), *coming[3:])
            assert {m["x"] for m in raw.messages.find({"s": s, "side": 0})} == {""}


async def test_a_text_that_a_killed_process_inserted_during_an_erase_is_emptied_later(
    server: MongoServer, raw: Any
) -> None:
    async with opened(server) as history:
        await history.sessions.begin(session())
        await history.guests.erase("anna", NOW)
        await history._mongo.insert("messages", [{"_id": "s:0:st:1", **_fields(message(1, x=CANARY))}])
        await history.guests.prune(NOW + SETTLED_MS - 1, MONTH_MS)
        assert raw.messages.count_documents({"x": CANARY}) == 1
        await history.guests.prune(NOW + SETTLED_MS, MONTH_MS)
        assert raw.messages.count_documents({"x": CANARY}) == 0
        assert "erasing" not in raw.sessions.find_one({"_id": "s"})


def _fields(m: Message) -> dict[str, object]:
    return {"s": m.session, "side": m.side, "st": m.stream, "n": m.number, "l": m.lamport, "x": m.text, "at": m.at}


async def test_a_prune_broken_off_anywhere_can_be_done_again_and_by_two_at_once(server: MongoServer, raw: Any) -> None:
    async with opened(server) as history:
        for s in ("s", "t"):
            await history.sessions.begin(session(s))
            await add(history, *(message(n, s=s) for n in range(1, 601)))
        await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
        await history.guests.erase("ben", NOW)
    async for _ in broken_off_at_every_step(server, lambda h: h.guests.prune(NOW + MONTH_MS, MONTH_MS)):
        sessions = {row["_id"] for row in raw.sessions.find()}
        assert {row["s"] for row in raw.messages.find()} <= sessions, "a session goes after its messages"
    async with opened(server) as one, opened(server) as two:
        await asyncio.gather(*(h.guests.prune(NOW + MONTH_MS, MONTH_MS) for h in (one, two)))
    assert {name: raw[name].count_documents({}) for name in COLLECTIONS} == dict.fromkeys(COLLECTIONS, 0)


# Retention


@pytest.mark.parametrize(("later_ms", "theirs"), [(ERASED_MS - 1, f"{CANARY} 070"), (ERASED_MS, "")])
async def test_evidence_is_the_last_50_of_both_sides_with_erased_texts_of_72_hours(
    history: MongoHistory, raw: Any, later_ms: int, theirs: str
) -> None:
    await history.sessions.begin(session())
    gap = message(41, side=1, x="", k="gap")
    await add(history, *(message(n, side=n % 2, x=f"{CANARY} {n:03}") for n in range(1, 71) if n != 41), gap)
    await history.guests.erase("anna", NOW)
    await history.reports.add(Report("CODE", "s", "ben", "anna", "threat", "", NOW + later_ms, ("n1",)))
    await history.guests.prune(NOW + ERASED_MS, MONTH_MS)
    evidence = raw.reports.find_one()["evidence"]
    assert [m["n"] for m in evidence] == [20, *range(21, 41), *range(42, 71)]
    assert [evidence[-1]["x"], evidence[-2]["x"]] == [theirs, f"{CANARY} 069"]
    assert raw.erased.count_documents({}) == 0
    await history.guests.prune(NOW + 2 * MONTH_MS, MONTH_MS)
    assert len(raw.reports.find_one()["evidence"]) == 50


async def test_a_guest_who_comes_back_while_others_are_forgotten_stays(history: MongoHistory, raw: Any) -> None:
    await history.guests.keep(Guest("anna", NOW, NOW, "1", NOW))
    await history.guests.keep(Guest("ben", NOW, NOW + MONTH_MS, "1", NOW))
    await history.guests.prune(NOW + MONTH_MS, MONTH_MS)
    assert await history.guests.find("anna") is None
    assert await history.guests.find("ben") is not None


async def test_the_driver_alone_answers_unavailable_before_it_is_connected() -> None:
    mongo = Mongo("mongodb://127.0.0.1:1/", link=new_link(), clock=StoreClock(lambda: NOW), indexes=())
    async with mongo:
        with pytest.raises(Unavailable):
            await mongo.find("messages", {})
