"""MongoDB killed, frozen, silent, unfit or refused: what waits, what is told, and what is kept."""

import asyncio
import logging
import sqlite3
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from citychat.adapters.mongo import MongoHistory, messages
from citychat.adapters.mongo.connection import FAILED_MAX
from citychat.adapters.mongo.errors import trouble
from citychat.model import Guest, Unavailable
from citychat.ports import Committed
from tests.server.mongo.conftest import (
    CANARY,
    DATABASE,
    MONTH_MS,
    NOW,
    begun,
    new_history,
    new_status,
    opened,
    report,
    session,
)
from tests.support.patience import PATIENCE_S, until
from tests.support.services.mongo import MongoServer
from tests.support.stores import add, comes_up, make_room, message
from tests.support.stream_server import listening


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
    lambda h: h.sessions.confirm("s", MONTH_MS),
    lambda h: h.sessions.end("s", NOW),
    lambda h: h.sessions.find("s"),
    lambda h: h.sessions.of("anna"),
    lambda h: h.relations.block("anna", "ben", NOW),
    lambda h: h.relations.blocked("anna"),
    lambda h: h.relations.avoid_networks("anna", ["n"], NOW),
    lambda h: h.relations.avoided_networks("anna", NOW),
    lambda h: h.relations.met("anna"),
    lambda h: h.reports.add(report(1)),
    lambda h: h.reports.state("CODE1", NOW),
    lambda h: h.guests.pause("anna", NOW),
    lambda h: h.guests.keep_objection("anna", "why", NOW),
    lambda h: h.guests.networks("anna", NOW),
    lambda h: h.guests.networks_paused(["n"], NOW),
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


async def test_a_process_starts_without_its_server_and_finds_it_soon_after_its_return(server: MongoServer) -> None:
    server.kill()
    link = new_status()
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
    await make_room(history, message(1))
    answers = [begun(history, *(message(n) for n in range(first, first + 5))) for first in range(1, 100, 5)]
    await answers[5]
    server.kill()
    async with asyncio.timeout(PATIENCE_S):
        for first, answer in zip(range(1, 100, 5), answers, strict=True):
            if await answer is not None:
                committed |= set(range(first, first + 5))
    await until(lambda: not history._mongo._status.up)
    await all_unavailable(history)
    server.start()
    await until(lambda: history._mongo._status.up)
    assert committed <= await held(history)
    assert await add(history, *(message(n) for n in range(1, 101))) == frozenset()
    assert await held(history) == set(range(1, 101))


async def test_a_frozen_server_holds_up_nobody_and_what_it_does_later_harms_nothing(
    server: MongoServer, history: MongoHistory
) -> None:
    server.freeze()
    await all_unavailable(history)
    await until(lambda: not history._mongo._status.up)
    told = asyncio.create_task(all_unavailable(history))
    for _ in range(20):
        await asyncio.sleep(0)
    assert told.done(), "known to be away: no answer is waited for"
    await told
    with pytest.raises(Unavailable):
        await history.guests.prune(NOW, MONTH_MS)
    server.thaw()
    await until(lambda: history._mongo._status.up)
    assert await add(history, message(1), message(2)) == frozenset()
    assert await history.messages.page("s", None, 10) == [message(1), message(2)]


async def test_a_question_that_takes_too_long_is_given_up_before_the_server_is_known_to_be_away(
    server: MongoServer,
) -> None:
    link = new_status()
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
    await make_room(history, message(1))
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
    await until(lambda: not history._mongo._status.up)
    await asyncio.sleep(1)
    server.start()
    await until(lambda: history._mongo._status.up)
    told = [record.message for record in caplog.records if record.name.startswith("citychat")]
    outage = told[told.index(next(line for line in told if "is away" in line)) :]
    assert outage[-1] == f"MongoDB {history._mongo._status.version} answers"
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
    link = history._mongo._status
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
    assert history._mongo._status.state == ""


async def test_the_wish_for_tls_is_named_where_a_plain_server_only_goes_silent() -> None:
    asked, other = "mongodb://ada:hunter2@host/?a=b&tls=true", "mongodb://host/"
    assert trouble(PyMongoError("closed"), asked) == "it does not answer, or not with TLS, for which its address asks"
    assert trouble(PyMongoError("closed"), other) == "it does not answer"


async def test_a_refused_login_is_told_in_words_and_without_the_password(
    server: MongoServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Our private server takes no SCRAM login at all, and says so with the code of a wrong password."""
    link = new_status()
    async with new_history(server.url.replace("//", "//adalovelace:hunter2@"), link) as history:
        await until(lambda: link.trouble == "it refuses user or password")
        await all_unavailable(history)
    assert "hunter2" not in caplog.text and "lovelace" not in caplog.text


@asynccontextmanager
async def strange(answer: Callable[[bytes], bytes]) -> AsyncIterator[str]:
    """The address of a server that has one answer to everything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(answer(data))

    async with listening(serve) as port:
        yield f"mongodb://127.0.0.1:{port}/"


async def test_a_server_without_tls_is_told_from_one_that_is_silent() -> None:
    link = new_status()
    async with strange(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as url, new_history(f"{url}?tls=true", link):
        await until(lambda: link.trouble.startswith("TLS fails"))


async def test_something_else_than_mongodb_is_away() -> None:
    link = new_status()
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
        ("mongodb+srv://ada:hunter2@host:27017/", "expected mongodb://"),
        ("mongodb://ada:hunter2@host/?foo=bar", "an option behind the question mark"),
        ("mongodb://ada:hunter2@host/?maxPoolSize=bar", "an option behind the question mark"),
    ],
    ids=["at sign", "scheme", "port", "file", "srv", "unknown option", "wrong option"],
)
async def test_an_address_that_cannot_be_read_is_told_without_its_password(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as raised:
        await new_history(url, new_status()).__aenter__()
    assert "hunter2" not in str(raised.value)


async def test_a_server_that_is_too_old_is_unfit() -> None:
    """One that speaks the protocol of MongoDB 4.2, as far as its first answer."""

    def hello(asked: bytes) -> bytes:
        request, opcode = struct.unpack_from("<i4xi", asked, 4)
        assert opcode == 2_013
        body = bytes(5) + bson.encode({"ismaster": True, "minWireVersion": 0, "maxWireVersion": 8, "ok": 1.0})
        return struct.pack("<iiii", 16 + len(body), 0, request, opcode) + body

    told: list[str] = []
    async with strange(hello) as url, new_history(url, new_status(told.append)):
        await until(lambda: bool(told))
    assert told == ["MongoDB wire version 8 is too old: 4.4 or newer is needed"]
