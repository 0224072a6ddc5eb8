"""What is asked of MongoDB and what it holds: indexes, words that are no operators, garbage, evidence."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import bson
import pytest

from citychat.adapters.mongo import Mongo, MongoHistory
from citychat.adapters.mongo.documents import INDEXES
from citychat.model import Guest, Unavailable
from citychat.ports import Report
from citychat.rules import DAY_MS, ERASED_MS
from tests.server.mongo.conftest import (
    CANARY,
    COLLECTIONS,
    MONTH_MS,
    NOW,
    new_status,
    opened,
    report,
    session,
)
from tests.support.patience import PATIENCE_S
from tests.support.services.mongo import MongoServer
from tests.support.stores import StoreClock, add, comes_up, message, real_ms


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
    lapsing = sum(index.lapses for index in INDEXES)
    assert len(refused) in (0, 3 * lapsing), "told once by each process"


def test_the_page_for_hosts_names_every_collection_and_index() -> None:
    page = (Path(__file__).parents[3] / "docs" / "mongodb.md").read_text("utf-8")
    for index in INDEXES:
        fields = ", ".join(index.fields)
        row = f"`{index.collection}` | {fields} |" if not index.lapses else f"| {fields} (TTL) |"
        assert row in page and f"`{index.collection}`" in page, row


async def test_a_write_is_answered_when_it_is_in_the_journal(history: MongoHistory) -> None:
    assert history._mongo._database is not None
    assert history._mongo._database.write_concern.document == {"w": 1, "j": True}


async def test_the_database_is_the_one_of_the_address(server: MongoServer) -> None:
    for url, database, name in [("", "", "citychat"), ("chats", "", "chats"), ("chats", "other", "other")]:
        link = new_status()
        clock = StoreClock(real_ms)
        async with MongoHistory(f"{server.url}{url}", status=link, clock=clock, database=database) as history:
            await comes_up(link)
            assert history._mongo._database is not None and history._mongo._database.name == name


async def test_what_is_no_text_never_becomes_an_operator(history: MongoHistory) -> None:
    anything: Any = {"$gt": ""}
    await history.sessions.begin(session())
    for ask in (
        history.sessions.find, history.guests.find, history.sessions.of, history.relations.blocked,
        lambda s: history.reports.state(s, NOW), history.relations.met, lambda s: history.guests.dossier(s, NOW),
        lambda s: history.guests.networks(s, NOW), lambda s: history.guests.networks_paused([s], NOW),
        lambda s: history.messages.page(s, None, 5), lambda s: history.messages.progress(s, 0),
        lambda s: history.sessions.end(s, NOW), lambda s: history.guests.erase(s, NOW),
        lambda s: history.sessions.confirm(s, MONTH_MS),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="expected a text, not dict"):
            await ask(anything)
    with pytest.raises(TypeError, match="expected a text"):
        await history.sessions.wish("s", anything, NOW)
    assert await history.sessions.find("s") == session()


@pytest.mark.parametrize(("chatting", "questions"), [(False, 6), (True, 7)])
async def test_a_dossier_asks_for_everything_at_once(history: MongoHistory, chatting: bool, questions: int) -> None:
    """But for the partner of a running chat, who is known after the sessions."""
    if chatting:
        await history.sessions.begin(session())
    asked, find, all_asked = [], history._mongo.find, asyncio.Event()

    async def together(*args: Any, **options: Any) -> Any:
        asked.append(args)
        if len(asked) >= 6:
            all_asked.set()
        await all_asked.wait()
        return await find(*args, **options)

    history._mongo.find = together  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE_S):
        dossier = await history.guests.dossier("anna", NOW)
    assert (len(dossier.sessions), len(asked)) == (chatting, questions)


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
    assert await history.sessions.idle(NOW + DAY_MS + 1) == [session()]
    assert await history.guests.find("carl") is None
    assert await history.relations.blocked("anna") == ["ben"]
    assert await history.relations.avoided_networks("anna", NOW) == {}
    assert await history.reports.state("CODE1", NOW) is None
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
    mongo = Mongo("mongodb://127.0.0.1:1/", status=new_status(), clock=StoreClock(real_ms), indexes=(), obsolete=())
    async with mongo:
        with pytest.raises(Unavailable):
            await mongo.find("messages", {})
