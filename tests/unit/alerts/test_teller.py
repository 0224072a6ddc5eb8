"""Telling the host once, whichever process does it; again when it failed; once a day while something is open."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.sqlite import Database, SqliteHistory
from citychat.alerts import Teller, ways
from citychat.alerts.teller import WAITS_S
from citychat.ports import Report
from citychat.rules import DAY_MS
from tests.contract.accusing import NOW
from tests.contract.test_cases import closed
from tests.support.post_server import PostServer
from tests.support.stores import StoreClock, cases_of

LOOK_S = 15


async def once(step: Callable[[], Awaitable[None]]) -> None:
    await step()


class Desks:
    """Two processes, ``p`` and ``q``, over one history and one webhook, and the time that the test lets pass."""

    def __init__(self, history: SqliteHistory, url: str) -> None:
        self.history, self.passed_ms = history, 0
        clock = StoreClock(self.now_ms, lambda: self.passed_ms)
        self.p, self.q = (
            Teller(name, history, clock, Random(n), self.now_ms, ways([url]), once) for n, name in enumerate("pq")
        )
        self.made = 0

    def now_ms(self) -> int:
        return NOW + self.passed_ms

    async def report(self, reason: str = "hate") -> None:
        self.made += 1
        report = Report(f"CODE{self.made}", f"s{self.made}", "anna", "ben", reason, "Ben of Lyon said", NOW, ())
        await self.history.reports.add(report)

    async def close_all(self) -> None:
        cases = cases_of(self.history)
        await cases.record([], [closed(case) for case in await cases.cases()])

    async def after(self, secs: float) -> None:
        """Both look every 15 s for so long, at the same time."""
        for _ in range(round(secs / LOOK_S)):
            self.passed_ms += LOOK_S * 1_000
            await asyncio.gather(self.p.look(), self.q.look())


@pytest.fixture
async def hook() -> AsyncIterator[PostServer]:
    async with PostServer().listening() as server:
        yield server


@pytest.fixture
async def desks(tmp_path: Path, hook: PostServer) -> AsyncIterator[Desks]:
    async with Database(tmp_path / "citychat.db") as database:
        yield Desks(SqliteHistory(database), f"http://127.0.0.1:{hook.port}/hook")


def told(hook: PostServer) -> list[str]:
    return [json.loads(post.body)["text"] for post in hook.taken]


async def test_reports_of_one_minute_are_one_message_of_one_process(desks: Desks, hook: PostServer) -> None:
    await desks.report("threat")
    await desks.after(45)
    await desks.report("hate")
    assert told(hook) == []
    await desks.after(45)
    assert told(hook) == ["2 new reports, reasons Threat or danger, Hate or harassment"]
    assert b"Lyon" not in hook.taken[0].body and b"anna" not in hook.taken[0].body
    await desks.report("minor")
    await desks.after(900)
    assert told(hook)[1:] == ["1 new report, reason Someone under 18"]


async def test_what_is_open_is_said_once_a_day_until_it_is_closed(desks: Desks, hook: PostServer) -> None:
    await desks.report()
    await desks.after(90)
    desks.passed_ms += DAY_MS - 60_000
    await desks.after(30)
    assert len(told(hook)) == 1, "not a day yet"
    await desks.after(60)
    assert told(hook)[1:] == ["1 report still open"]
    desks.passed_ms += DAY_MS
    await desks.after(60)
    assert told(hook)[2:] == ["1 report still open"]
    await desks.close_all()
    desks.passed_ms += DAY_MS
    await desks.after(60)
    assert len(hook.taken) == 3


async def test_what_was_closed_before_it_was_told_is_not_told(desks: Desks, hook: PostServer) -> None:
    await desks.report()
    await desks.after(30)
    await desks.close_all()
    await desks.after(120)
    assert hook.taken == []


async def test_a_way_that_fails_is_tried_again_ever_more_seldom_and_said_once(
    desks: Desks, hook: PostServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "citychat")
    hook.status = 503
    await desks.report()
    tries = list[int]()
    for _ in range(720):  # three hours
        before = len(hook.taken)
        desks.passed_ms += LOOK_S * 1_000
        await desks.p.look()
        if len(hook.taken) > before:
            tries.append(desks.passed_ms // 1_000)
    assert [later - earlier for earlier, later in pairwise(tries)] == list(WAITS_S[:4])
    assert desks.p.trouble == "webhook at 127.0.0.1: answered 503"
    hook.status = 204
    desks.passed_ms += round(WAITS_S[4] * 1_000)
    await desks.p.look()
    assert (told(hook)[-1], desks.p.trouble) == ("1 new report, reason Hate or harassment", "")
    assert await desks.history.reports.untold() == []
    assert [record.message for record in caplog.records] == [
        "The host was not told of reports, which is tried again: webhook at 127.0.0.1: answered 503",
        "The host is told of reports again",
    ]


async def test_a_reminder_that_failed_is_not_over_for_the_day(desks: Desks, hook: PostServer) -> None:
    await desks.report()
    await desks.after(90)
    desks.passed_ms += DAY_MS
    hook.status = 500
    await desks.after(30)
    hook.status = 200
    await desks.after(120)
    assert told(hook)[1:].count("1 report still open") >= 2 and len(hook.taken) <= 5


async def test_a_way_that_says_nothing_holds_nobody_up(desks: Desks, hook: PostServer) -> None:
    hook.silent = True
    await desks.report()
    await desks.after(60)
    desks.passed_ms += LOOK_S * 1_000
    telling = asyncio.create_task(desks.p.look())
    while not hook.taken:  # noqa: ASYNC110 - the listener tells nobody
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(desks.history.reports.open(), 5) == 1 and not telling.done()
    telling.cancel()
