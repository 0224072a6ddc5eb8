"""What version 0.1.0 has written into MongoDB is read today, and what is written today is the same.

``tests/fixtures/mongo-0.1.0.json`` holds each collection after the steps of ``write_again``, taken with the code of
0.1.0 (at b6c7d46) and bson's relaxed JSON. The times lie far ahead: a server may delete by itself what is over.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bson import json_util
from pymongo import MongoClient

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.service_status import ServiceStatus
from citychat.model import NOWHERE, Guest, Message, Place, Session
from citychat.ports import Dossier, Pause, Progress, Report
from citychat.rules import DAY_MS, bar_goes
from tests.support.services.mongo import MongoServer
from tests.support.stores import StoreClock, add, comes_up, real_ms

NOW = 4_000_000_000_000
MONTH_MS = 30 * DAY_MS
FOUND = Path(__file__).parents[2] / "fixtures" / "mongo-0.1.0.json"
MADE_BY_THE_SERVER = "pauses"  # an upsert: the server chooses the order of the fields

ANNA = Guest(
    "anna", NOW, NOW + 90, "2024-1", NOW + 1, Place("lyon", "Lyon", "FR", "position", NOWHERE), (NOW + 2,),
    ("net1",),
)  # fmt: skip
TALK = Session("talk", ("anna", "ben"), ("Amber Fox", "Teal Owl"), "Lyon", NOW + 10, NOW + MONTH_MS)
GONE = Session("gone", ("dora", "ben"), ("Amber Fox", "Teal Owl"), "Paris", NOW + 6, NOW + MONTH_MS, NOW + 20, (0,))
SAID = [
    Message("talk", 0, "one", 1, 1, "né \U0001f98a\n", NOW + 11),
    Message("talk", 0, "one", 2, 3, "", NOW + 12, kind="gap"),
    Message("talk", 0, "two", 1, 7, "a new stream", NOW + 15, ("one", 2)),
]


@asynccontextmanager
async def opened(server: MongoServer, database: str) -> AsyncIterator[MongoHistory]:
    link = ServiceStatus("MongoDB", Random(7), pytest.fail)
    clock = StoreClock(real_ms)
    async with MongoHistory(server.url, status=link, clock=clock, database=database) as history:
        await comes_up(link)
        yield history


def found() -> dict[str, list[dict[str, Any]]]:
    options = json_util.JSONOptions(tz_aware=False)
    collections: dict[str, list[dict[str, Any]]] = json_util.loads(FOUND.read_text("utf-8"), json_options=options)
    return collections


async def write_again(history: MongoHistory) -> None:
    await history.guests.keep(ANNA)
    await history.sessions.begin(TALK)
    await history.sessions.begin(Session("gone", GONE.members, GONE.aliases, "Paris", NOW + 6, NOW + MONTH_MS))
    await add(history, *SAID, Message("gone", 0, "d", 1, 1, "what dora said", NOW + 6))
    await history.guests.erase("dora", NOW + 20)
    await history.relations.block("carl", "anna", NOW + 8)
    await history.relations.avoid_networks("anna", ["net3"], NOW + 8)
    await history.sessions.wish("talk", "anna", NOW + 9)
    for n, reporter in enumerate(["ben", "eve", "fay"]):
        await history.reports.add(
            Report(f"CODE{n}", "gone", reporter, "dora", "hate", "a note", NOW + 21 + n, (f"net{n}",))
        )


async def test_the_same_steps_leave_the_same_documents(server: MongoServer) -> None:
    async with opened(server, "today") as history:
        await write_again(history)
    with MongoClient[dict[str, Any]](server.url) as client:
        assert list(client["today"].pauses.find()) == [], "nobody had these chats for a minute"
        assert [shun["_id"] for shun in client["today"].shuns.find()] == ["anna:net3"], "one a network, not one a time"
        for collection, documents in found().items():
            if collection in ("pauses", "shuns"):
                continue
            for document in documents:
                if "cell" in (document.get("place") or {}):  # the square of 2 km, which is gone
                    del document["place"]["cell"]
                    document["place"]["district"] = [0, 0]
            written = sorted(client["today"][collection].find(), key=lambda document: str(document["_id"]))
            for document in written:
                document.pop("counts", None)  # of a report; gaps: of a session that has some
                if collection == "reports":
                    document.pop("side")
                document.pop("gaps", None)
                if collection == "barred":
                    assert document.pop("goes") == bar_goes(document["at"])
            assert written == documents, collection
            if collection != MADE_BY_THE_SERVER:
                assert [list(document) for document in written] == [list(document) for document in documents]


async def test_its_documents_are_read(server: MongoServer) -> None:
    with MongoClient[dict[str, Any]](server.url) as client:
        for collection, documents in found().items():
            client["earlier"][collection].insert_many(documents)
    async with opened(server, "earlier") as history:
        assert await history.guests.find("anna") == ANNA
        assert [await history.sessions.find(session.id) for session in (TALK, GONE)] == [TALK, GONE]
        assert await history.messages.page("talk", None, 10) == SAID
        read = Progress({"one": 2, "two": 1}, [], links={"two": ("one", 2)})
        assert await history.messages.progress("talk", 0) == read
        assert await history.messages.held("talk", 0, "one", [(1, 9)]) == [(1, 1)]
        assert [row.text for row in await history.messages.page("gone", None, 10)] == [""]
        assert await history.relations.blocked("carl") == ["anna"]
        assert await history.guests.dossier("anna", NOW + 50) == Dossier(
            ANNA, None, [TALK], {"net3": NOW + 8}, ["carl"], 0, ["ben"]
        )
        assert await history.guests.pause("dora", NOW + 50) == Pause(NOW + 23 + DAY_MS, "reported by several people")
        assert [await history.reports.state(f"CODE{n}", NOW) for n in range(4)] == ["received"] * 3 + [None]
        assert await history.sessions.wish("talk", "ben", NOW + 50)
        await history.reports.add(Report("CODE3", "gone", "gil", "dora", "hate", "", NOW + 60, ("net3",)))
        await history.guests.prune(NOW + 600_020, MONTH_MS)
        assert history.dropped == {}
        await history.guests.prune(bar_goes(NOW + 600_020) - 1, 2 * MONTH_MS)
        assert await history.relations.blocked("carl") == ["anna"], "nobody had noted when carl's row went"
        await history.guests.prune(bar_goes(NOW + 600_020), 2 * MONTH_MS)
        assert await history.relations.blocked("carl") == []
    with MongoClient[dict[str, Any]](server.url) as client:
        assert "cell" not in str([list(client["earlier"][name].find()) for name in found()])
        (late,) = client["earlier"].reports.find({"code": "CODE3"})
        assert [row["x"] for row in late["evidence"]] == ["what dora said"], "an erased text is evidence for 72 h"
