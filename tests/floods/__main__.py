"""Every flood of the table, from one address and from twenty: ``python -m tests.floods``; writes docs/reliability.md.

Each row has a server, attackers and people in processes of their own. The attackers reach the server as through a
trusted proxy on its machine, which is the dearest way: nothing of them can be refused before it was read. Exits 1 when
a goal is missed.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.floods.bystanders import PAIRS, TalkingPair, Waits, newcomers
from tests.support.document import commit, fill
from tests.support.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
ROWS = [
    ("none", 0), ("city search", 5), ("city search", 10), ("city search", 20), ("city search", 100),
    ("refused events", 60), ("refused events", 100), ("refused events", 180), ("refused joins", 30),
    ("history pages", 80), ("chat-ask", 80), ("messages", 80), ("piles of marks", 80),
    ("escapes", 4), ("GET /", 50), ("connect and hang up", 50),
    ("silent", 4000), ("over the limit", 10),
]  # fmt: skip
ONE = ["203.0.113.7"]
TWENTY = [f"203.0.113.{each}" for each in range(10, 30)]
WARM_S = 2.0  # after the flood has begun
TICK_PER_S = os.sysconf("SC_CLK_TCK")
MESSAGE_S, JOIN_S = 0.05, 1.0  # goals: p99 of a message (or twice the calm one), of a newcomer's join


@dataclass
class FloodRow:
    """One flood and what came of it. ``core``: the part of one that the server took; ``waiting``: the part of
    the time in which it would have gone on and the machine had no core for it; ``load``: of the machine."""

    name: str
    addresses: int
    sent_per_s: float
    core: float
    waiting: float
    memory_mb: float
    waits: Waits
    load: float

    def shown(self) -> str:
        waits = self.waits
        return (
            f"| {self.name} | {self.addresses or ''} | {f'{self.sent_per_s:,.0f}' if self.addresses else ''} "
            f"| {self.core:.0%} | {self.waiting:.0%} | {_ms(waits.messages_s, 0.5)} / {_ms(waits.messages_s, 0.99)} "
            f"| {_ms(waits.ticks_s, 0.99)} | {_ms(waits.joins_s, 0.5)} / {_ms(waits.joins_s, 0.99)} "
            f"| {waits.kept_out} of {waits.kept_out + len(waits.joins_s)} | {self.memory_mb:.0f} "
            f"| {_ms(waits.lags_s, 0.99)} | {self.load:.1f} |"
        )

    def missed(self, calm_s: float) -> list[str]:
        """The goals that were not reached."""
        message_s, join_s = part(self.waits.messages_s, 0.99), part(self.waits.joins_s, 0.99)
        what = f"{self.name}, {self.addresses} addresses"
        missed = []
        if message_s > max(MESSAGE_S, 2 * calm_s):
            missed.append(f"{what}: message p99 {message_s * 1000:.0f} ms")
        if join_s > JOIN_S:
            missed.append(f"{what}: join p99 {join_s * 1000:.0f} ms")
        if self.waits.kept_out:
            missed.append(f"{what}: {self.waits.kept_out} newcomers not in within 10 s")
        return missed


COLUMNS = (
    "Flood", "Addresses", "sent/s", "core", "waiting", "message p50 / p99", "✓✓ p99", "join p50 / p99",
    "not in within 10 s", "MB", "lag p99", "load",
)  # fmt: skip
HEAD = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}"]


def part(values_s: list[float], share: float) -> float:
    """A percentile; infinite of nothing."""
    ascending = sorted(values_s)
    return ascending[min(len(ascending) - 1, int(len(ascending) * share))] if ascending else float("inf")


def _ms(values_s: list[float], share: float) -> str:
    return f"{part(values_s, share) * 1000:,.0f}" if values_s else "none"


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_PER_S


def _waited_s(pid: int) -> float:
    """How long the main thread was ready and not running."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def measured(name: str, size: int, addresses: list[str], seconds: float, seed: int) -> FloodRow:
    """One row: a fresh server, people who talk, the flood, and then those who come."""
    random, waits = Random(seed), Waits()
    with tempfile.TemporaryDirectory(prefix="citychat-floods-") as folder:
        async with ServerProcess(Path(folder)) as server:
            pairs = [TalkingPair(waits) for _ in range(PAIRS)]
            for number, pair in enumerate(pairs):
                await pair.meet(server.port, f"198.51.100.{2 * number + 1}", f"198.51.100.{2 * number + 2}")
            attack = await _attacked(name, size, server.port, addresses) if size else None
            await asyncio.sleep(WARM_S)
            start_s, cpu_s, waited_s = time.monotonic(), _cpu_s(server.pid), _waited_s(server.pid)
            until_s = start_s + seconds
            coming = asyncio.create_task(newcomers(server.port, until_s, waits, random))
            await asyncio.gather(*(pair.talk(until_s, random) for pair in pairs))
            took_s = time.monotonic() - start_s
            core, waiting = (_cpu_s(server.pid) - cpu_s) / took_s, (_waited_s(server.pid) - waited_s) / took_s
            await coming
            await asyncio.sleep(1)
            for pair in pairs:
                pair.end()
            sent_per_s = await _ended(attack) if attack else 0.0
            peak_mb = _peak_mb(server.pid)
            for pair in pairs:
                for page in pair.pages:
                    await page.close()
    title = f"{name}, {size}" if size else name
    return FloodRow(title, len(addresses) if size else 0, sent_per_s, core, waiting, peak_mb, waits, os.getloadavg()[0])


async def _attacked(name: str, size: int, port: int, addresses: list[str]) -> asyncio.subprocess.Process:
    """The attackers' process, at work."""
    words = ["-m", "tests.floods.attacks", name, str(size), str(port), ",".join(addresses)]
    attack = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert attack.stdout is not None
    assert (await attack.stdout.readline()) == b"ready\n", f"{name} did not begin"
    return attack


async def _ended(attack: asyncio.subprocess.Process) -> float:
    """How many frames and requests a second it has sent."""
    out, _ = await attack.communicate(b"")
    sent, took_s = json.loads(out)
    return float(sent / took_s)


async def table(given: argparse.Namespace) -> int:
    rows: list[FloodRow] = []
    print(*HEAD, sep="\n", flush=True)
    for name, size in ROWS:
        for addresses in (ONE, TWENTY) if size else (ONE,):
            if given.only in (f"{name}, {size}" if size else name) and given.addresses in (0, len(addresses)):
                rows.append(await measured(name, size, addresses, given.seconds, given.seed))
                print(rows[-1].shown(), flush=True)
    calm_s = next((part(row.waits.messages_s, 0.99) for row in rows if not row.addresses), 0.0)
    missed = [line for row in rows for line in row.missed(calm_s)]
    print(*missed, sep="\n")
    if not given.only and not given.addresses and not given.no_table:
        begin = (
            f"{datetime.now(UTC):%Y-%m-%d}, commit {commit()}, {given.seconds:g} s a row. Missed goals: {len(missed)}."
        )
        fill(DOCUMENT, "make flood", [begin, "", *HEAD, *(row.shown() for row in rows)])
    return int(bool(missed))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.floods", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each row")
    parser.add_argument("--only", default="", help="rows whose name has this; writes no table")
    parser.add_argument("--addresses", type=int, default=0, choices=(0, 1, 20), help="only from so many; no table")
    parser.add_argument("--no-table", action="store_true", help="write no document")
    parser.add_argument("--seed", type=int, default=1)
    return asyncio.run(table(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())
