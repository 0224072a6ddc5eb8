"""A rolling restart while people talk: ``python -m tests.faults.rolling``. One process after the other is told to stop
and started again; nothing may be lost or repeated, and the gap of each page is measured.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import uvloop

from tests.faults.checker import Report, check
from tests.faults.gathering import marry, until
from tests.faults.people import Resident
from tests.faults.town import PROCESSES, Engines, Town

BEFORE_S = 3.0


@dataclass
class Rolled:
    """``gaps_s``: of each page and restart, from being sent away or cut off to its next join, ascending."""

    report: Report
    statuses: list[int | None] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)

    def gap_s(self, part: float) -> float:
        return self.gaps_s[min(len(self.gaps_s) - 1, int(len(self.gaps_s) * part))]


async def roll(town: Town, chats: int, mean_s: float) -> Rolled:
    """``mean_s``: between two messages of a person."""
    for home in range(PROCESSES):
        await marry(town, "talking", chats // PROCESSES + (home < chats % PROCESSES), home, home + 1)
    talking = [asyncio.create_task(_chat(person, mean_s)) for person in town.people]
    await asyncio.sleep(BEFORE_S)
    begin_s = time.monotonic()
    for node in town.nodes:
        await town.drain(node)
        await node.start()
        await town.ready(node)
    await until(lambda: all(person.page.joined for person in town.people))
    for task in talking:
        task.cancel()
    await until(lambda: all(person.settled() for person in town.people))
    gaps_s = sorted(gap for person in town.people for gap in _gaps_s(person, begin_s))
    return Rolled(check(town.people, await town.kept()), town.exits, gaps_s)


async def _chat(person: Resident, mean_s: float) -> None:
    while True:
        await asyncio.sleep(person.random.uniform(0, 2 * mean_s))
        person.speak()


def _gaps_s(person: Resident, begin_s: float) -> Sequence[float]:
    gaps_s, away_s = [], 0.0
    for entry in person.log:
        if entry.at_s >= begin_s and entry.what in ("drain", "closed"):
            away_s = away_s or entry.at_s
        elif entry.what == "joined" and away_s:
            gaps_s.append(entry.at_s - away_s)
            away_s = 0.0
    return gaps_s


async def _main(given: argparse.Namespace, engines: Engines, folder: Path) -> int:
    async with Town(folder, Random(given.seed), engines, name="rolling") as town:
        rolled = await roll(town, given.chats, given.mean_s)
    counts, broken = rolled.report.counts, rolled.report.findings
    print(f"{PROCESSES} processes over {', '.join(engines.versions())}, one after the other stopped and started")
    print(
        f"chats {given.chats}  messages {counts['sent']}  with a tick {counts['acknowledged']}  shown {counts['shown']}"
    )
    print(f"promises broken {len(broken)}  exit statuses {rolled.statuses}")
    print(f"gap of a page  p50 {rolled.gap_s(0.5):.1f} s  p99 {rolled.gap_s(0.99):.1f} s  {len(rolled.gaps_s)} gaps")
    for finding in broken[:20]:
        print(f"{finding.promise}: {finding.person} {finding.text}")
    return int(bool(broken) or any(rolled.statuses))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rolling", description=__doc__)
    parser.add_argument("--chats", type=int, default=100)
    parser.add_argument("--mean-s", type=float, default=10.0, help="between two messages of a person")
    parser.add_argument("--seed", type=int, default=1)
    given, status = parser.parse_args(argv), list[int]()

    async def run_and_keep(engines: Engines, folder: Path) -> None:
        status.append(await _main(given, engines, folder))

    with tempfile.TemporaryDirectory(prefix="citychat-rolling-") as folder, Engines(Path(folder)) as engines:
        uvloop.run(run_and_keep(engines, Path(folder)))
    return status[0]


if __name__ == "__main__":
    sys.exit(main())
