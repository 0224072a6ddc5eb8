"""Steps that are broken off anywhere, and two processes at the same step: what is left, and who completes it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from citychat.adapters.mongo import MongoHistory
from citychat.adapters.mongo.retention import SETTLED_MS
from citychat.model import Guest, Message, Unavailable
from citychat.ports import Report
from tests.server.mongo.conftest import (
    CANARY,
    COLLECTIONS,
    MONTH_MS,
    NOW,
    accused,
    opened,
    report,
    session,
)
from tests.support.services.mongo import MongoServer
from tests.support.stores import add, message


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
        await history.guests.keep(Guest("ben", NOW, NOW, "1", NOW, networks=("n1", "n2")))
        await accused(history, 1, 2, 3)
        await history.reports.add(report(1))
        await history.reports.add(report(2))
    async for _ in broken_off_at_every_step(server, lambda h: h.reports.add(report(3))):
        async with opened(server) as history:
            paused = [await history.guests.networks_paused([name], NOW) is not None for name in ("n1", "n2")]
            assert all(paused) or await history.guests.pause("ben", NOW) is None, "who is told would come in anew"
    async with opened(server) as history:
        pause, of_network = await history.guests.pause("ben", NOW), await history.guests.networks_paused(["n2"], NOW)
        assert pause is not None and of_network is not None and pause.until == of_network.until
        assert await history.reports.state("CODE3", NOW) == "received"


async def test_three_reports_at_once_by_three_processes_pause_whatever_their_clocks_say(server: MongoServer) -> None:
    async with opened(server) as one, opened(server) as two, opened(server) as three:
        await accused(one, 1, 2, 3)
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
            assert sorted(answers) == [0, NOW]
            assert not await one.sessions.wish(f"s{n}", "anna", NOW + 1), "used up"
            again = await asyncio.gather(
                *(history.sessions.wish(f"s{n}", "anna", NOW + 2 + i) for i, history in enumerate((one, two, one))),
                two.sessions.wish(f"s{n}", "ben", NOW + 2),
            )
            assert sum(map(bool, again)) == 1, "pressed again and again"


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
        rows = [message(n) for n in range(1, 101)]
        gaps = [message(n, x="", k="gap") for n in range(1, 101)]
        await asyncio.gather(add(one, *gaps), add(two, *rows))
        assert raw.messages.count_documents({"k": "gap"}) == 0, "a gap gives way, whoever comes first"
        assert raw.messages.count_documents({}) == 100


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
    async for _ in broken_off_at_every_step(server, lambda h: h.guests.prune(NOW + 2 * MONTH_MS, MONTH_MS)):
        sessions = {row["_id"] for row in raw.sessions.find()}
        assert {row["s"] for row in raw.messages.find()} <= sessions, "a session goes after its messages"
    async with opened(server) as one, opened(server) as two:
        await asyncio.gather(*(h.guests.prune(NOW + 2 * MONTH_MS, MONTH_MS) for h in (one, two)))
    assert {name: raw[name].count_documents({}) for name in COLLECTIONS} == dict.fromkeys(COLLECTIONS, 0)
