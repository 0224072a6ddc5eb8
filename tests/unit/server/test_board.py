"""Figures of whole processes: each counts its own, and whoever is asked tells those of all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citychat.figures import Summary
from citychat.places.ip_database import IpDatabases
from citychat.ports import FiguresTold, Report
from citychat.rules import DAY_MS
from citychat.server.board import ANSWER_S, Board
from citychat.server.own_figures import OwnFigures
from tests.support.stage import Node, Stage, on_stage


def board(node: Node, *, backup_at: int | None = 7) -> tuple[Board, OwnFigures]:
    own = OwnFigures(
        node.process,
        lambda: (True, {"process": "ok", "mailbox": {"engine": "embedded", "state": "ok"}}),
        IpDatabases(()),
        data=Path(),
        backup_at=None if backup_at is None else lambda _: datetime.fromtimestamp(backup_at, UTC),
        sockets=lambda: 0,
    )
    made = Board(node.process.name, node.engines.bus, node.tasks, node.engines.clock, own.now)
    made.start()
    return made, own


async def both(stage: Stage) -> tuple[Board, Board]:
    boards = board(stage.p)[0], board(stage.q)[0]
    await stage.after(0.1)
    return boards


def here(found: Summary) -> tuple[int, int, int]:
    return found.free, found.looking, found.talking


@on_stage
async def test_either_of_two_processes_tells_what_both_have_counted(stage: Stage) -> None:
    boards = await both(stage)
    anna, ben = await stage.talking()
    await stage.p.join("carl")
    await stage.q.join("dora", looking=True, available=False)
    for n in (1, 2):
        await anna.say(anna.session, n, f"text {n}")
        await stage.after(0.1)
        await ben.ack(anna.session, n)
    await stage.after(1.0)
    for each in boards:
        found = await each.ask()
        assert (found.processes, found.silent, found.ready) == (2, 0, 2)
        assert here(found) == (1, 1, 2)
        assert (found.searches, found.matches, found.messages) == (2, 1, 2)
        assert (found.mail, found.reports) == (0, 0)
        assert found.p99_delivery_s is not None and 0 < found.p99_delivery_s <= 1.0


@on_stage
async def test_who_looks_waits_from_the_search_to_the_chat(stage: Stage) -> None:
    asked, _ = await both(stage)
    ben = await stage.q.join("ben", available=False)
    anna = await stage.p.join("anna", looking=True, available=False)
    await stage.after(40.0)
    await ben.seek()
    await stage.after(10.0)
    assert await anna.answer("yes") == "ok"
    await stage.after(0.1)
    found = await asked.ask()
    assert (found.matches, found.searches, found.talking) == (1, 2, 2)
    anna_s, ben_s = (node.matching.sessions.meetings.waits for node in (stage.p, stage.q))
    assert sum(anna_s.counts) == sum(ben_s.counts) == 1
    assert anna_s.total_s == pytest.approx(50.0, abs=2.0) and ben_s.total_s == pytest.approx(10.0, abs=2.0)


@on_stage
async def test_what_waits_for_the_absent_and_what_was_reported_is_counted(stage: Stage) -> None:
    asked, _ = await both(stage)
    anna, ben = await stage.talking()
    session = anna.session
    ben.leaves()
    await stage.after(1.0)
    for n in (1, 2, 3):
        await anna.say(session, n, f"text {n}")
    await stage.after(5.0)
    await stage.history.reports.add(Report("CODE", session, "anna", "ben", "hate", "", stage.clock.wall_ms(), ()))
    found = await asked.ask()
    assert (found.mail, found.reports, found.messages) == (3, 1, 3)
    assert stage.p.process.delivery.traffic.stored == 3
    assert stage.p.process.delivery.traffic.delivered == 0


@on_stage
async def test_a_process_that_runs_and_says_nothing_is_named_and_waited_for_no_longer_than_a_driver(
    stage: Stage,
) -> None:
    asked, _ = await both(stage)
    await stage.q.join("ben")
    stage.q.bus.lost = lambda event: isinstance(event, FiguresTold)
    began_s = stage.clock.monotonic_s()
    found = await asked.ask()
    assert (found.processes, found.silent, found.ready, found.here) == (2, 1, 1, 0)
    assert stage.clock.monotonic_s() - began_s < ANSWER_S + 1.0


@on_stage
async def test_a_store_that_is_away_leaves_its_figures_open_and_no_others(stage: Stage) -> None:
    asked, _ = await both(stage)
    await stage.p.join("anna")
    stage.p.history.away = stage.q.history.away = {"all"}
    found = await asked.ask()
    assert (found.reports, found.mail, found.here) == (None, 0, 1)


@on_stage
async def test_a_new_day_begins_with_nothing_and_what_prometheus_reads_goes_on(stage: Stage) -> None:
    one, own = board(stage.p, backup_at=None)
    await stage.p.talking("anna", "ben")
    assert (await one.ask()).matches == 1
    await stage.skip(DAY_MS)
    await own.turn_day()
    found = await one.ask()
    assert (found.matches, found.searches, found.messages, found.median_wait_s) == (0, 0, 0, None)
    assert (own.meetings.matches, found.backup_at) == (1, None)
