"""Many pairs talk while the server is killed: ``python -m bench.load``; exits 1 when a promise of delivery breaks.

Starts a server of its own on a temporary data folder, brings pairs together, lets both sides write at a fixed rate,
ends the server with kill -9 several times and starts it again, then reads every page and the store. Pages are
``citychat.client`` on real sockets. What the generator costs stands in the last lines: its lag is not the server's.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from citychat.clock import runner
from tests.support.crowd import Crowd, Verdict, history_of
from tests.support.server_process import ServerProcess

SETTLE_S = 90.0  # the page asks after its ticks every 30 s; twice that and a reconnect
TICK_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Recovery:
    """After one kill: seconds until the server answered, and until each page had joined again."""

    up_s: float
    joined_s: list[float]
    from_s: float
    until_s: float


@dataclass
class Meter:
    """A process's CPU seconds, seconds ready but without a CPU, and peak memory, over its several lives.

    From Linux's /proc; elsewhere all stay 0. What others take on a busy machine is in ``waited_s``.
    """

    cpu_s: float = 0.0
    waited_s: float = 0.0
    watched_s: float = 0.0
    peak_mb: float = 0.0

    def begin(self, pid: int | str) -> None:
        self._add(pid, -1)

    def end(self, pid: int | str) -> None:
        self._add(pid, 1)
        self.peak_mb = max(self.peak_mb, _peak_mb(pid))

    def _add(self, pid: int | str, sign: int) -> None:
        self.watched_s += sign * time.monotonic()
        self.cpu_s += sign * _cpu_s(pid)
        self.waited_s += sign * _waited_s(pid)

    def shown(self) -> str:
        return f"{self.cpu_s / self.watched_s:.0%} of a core, {self.waited_s / self.watched_s:.0%} waiting for one"


@dataclass
class Result:
    crowd: Crowd
    verdict: Verdict = field(default_factory=Verdict)
    status: int | None = None  # of the stopped server
    server: Meter = field(default_factory=Meter)
    generator: Meter = field(default_factory=Meter)
    recoveries: list[Recovery] = field(default_factory=list)

    def is_calm(self, at_s: float) -> bool:
        """Whether a message written then met no kill."""
        return not any(each.from_s - 1 <= at_s <= each.until_s for each in self.recoveries)


def _proc(pid: int | str, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:
        return ""


def _cpu_s(pid: int | str) -> float:
    """User and system time of all threads."""
    fields = _proc(pid, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_PER_S if fields else 0.0


def _waited_s(pid: int | str) -> float:
    """How long the main thread was ready and not running."""
    fields = _proc(pid, "schedstat").split()
    return int(fields[1]) / 1e9 if fields else 0.0


def _peak_mb(pid: int | str) -> float:
    lines = _proc(pid, "status").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


async def run(given: argparse.Namespace, folder: Path) -> Result:
    """Against a server of our own, with its data in ``folder``, or the one at ``given.url``."""
    async with AsyncExitStack() as stack:
        server = None if given.url else await stack.enter_async_context(ServerProcess(folder))
        crowd = Crowd(server.url if server else given.url, given.pairs, Random(given.seed))
        await crowd.meet()
        _say(f"{given.pairs} pairs have met")
        result = await _measure(given, server, crowd)
        history = [] if server else await crowd.history()
        await crowd.close()
        if server:
            result.status = await server.stop()
            history = history_of(folder)
    result.verdict = crowd.judge(history)
    return result


async def _measure(given: argparse.Namespace, server: ServerProcess | None, crowd: Crowd) -> Result:
    result = Result(crowd)
    if server:
        result.server.begin(server.pid)
    result.generator.begin("self")
    began_s = time.monotonic()
    talking = asyncio.create_task(crowd.talk(given.rate, given.seconds))
    for kill in range(given.kills if server else 0):
        assert server
        await asyncio.sleep(max(0.0, began_s + given.seconds * (kill + 1) / (given.kills + 1) - time.monotonic()))
        result.recoveries.append(await _kill(server, crowd, result.server))
        _say(f"kill {kill + 1}: all pages are back after {result.recoveries[-1].joined_s[-1]:.1f} s")
    await talking
    result.generator.end("self")
    await crowd.settle(SETTLE_S)
    if server:
        result.server.end(server.pid)
    return result


async def _kill(server: ServerProcess, crowd: Crowd, meter: Meter) -> Recovery:
    meter.end(server.pid)
    from_s = time.monotonic()
    await server.kill()
    for person in crowd.people:
        await person.page.screen.until(lambda person=person: not person.page.joined)  # type: ignore[misc]
    joined = asyncio.create_task(crowd.rejoined())
    waited_s = time.monotonic() - from_s
    await server.start()
    up_s = time.monotonic() - from_s
    meter.begin(server.pid)
    return Recovery(up_s, [waited_s + each for each in await joined], from_s, time.monotonic())


def table(result: Result) -> list[str]:
    verdict, server = result.verdict, result.server
    calm, every = result.crowd.latencies_s(result.is_calm), result.crowd.latencies_s(lambda at_s: True)
    lines = [
        f"{name:24}{number:>10,}"
        for name, number in (
            ("sent", verdict.sent),
            ("acknowledged", verdict.acknowledged),
            ("shown", verdict.shown),
            ("in history", verdict.history),
            ("lost", verdict.lost),
            ("duplicated", verdict.duplicated),
            ("out of order", verdict.out_of_order),
            ("stuck", verdict.stuck),
            ("transcripts that differ", verdict.differing),
        )
    ]
    lines.append(f"{'✓✓ without a kill':24}p50 {_ms(calm, 0.5)}  p99 {_ms(calm, 0.99)}")
    lines.append(f"{'✓✓ of all':24}p50 {_ms(every, 0.5)}  p99 {_ms(every, 0.99)}  max {_ms(every, 1)}")
    for number, each in enumerate(result.recoveries, 1):
        joined = f"p50 {_ms(each.joined_s, 0.5)}  max {_ms(each.joined_s, 1)}"
        lines.append(f"{f'after kill {number}':24}server up {each.up_s * 1000:,.0f} ms  pages back {joined}")
    if server.cpu_s:
        cost = f"{server.cpu_s / verdict.sent * 1e6:,.0f} µs a message  peak {server.peak_mb:,.0f} MB"
        lines.append(f"{'server':24}{cost}  {server.shown()}")
    lags = sorted(result.crowd.lags_s)
    own = f"lag p99 {_ms(lags, 0.99)}  max {_ms(lags, 1)}"
    lines.append(f"{'generator':24}{own}  {result.generator.shown()}")
    if result.status is not None:
        lines.append(f"{'SIGTERM':24}exit status {result.status}")
    return lines


def _ms(ascending_s: list[float], part: float) -> str:
    if not ascending_s:
        return "-"
    return f"{ascending_s[min(len(ascending_s) - 1, int(len(ascending_s) * part))] * 1000:,.0f} ms"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def _main(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="citychat-load-") as folder:
        result = await run(given, Path(folder))
    print(
        f"{given.pairs} pairs, both directions, {given.rate:g} messages/s each, {given.seconds:g} s,"
        f" {len(result.recoveries)} kill -9, seed {given.seed}"
    )
    for line in [*table(result), *result.verdict.complaints[:20]]:
        print(line)
    return int(not result.verdict.kept() or bool(result.status))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--rate", type=float, default=2.0, help="messages a second of each person")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", default="", help="a server that runs already, on an empty store; it is not killed")
    given = parser.parse_args(argv)
    status: list[int] = []

    async def run_and_keep() -> None:
        status.append(await _main(given))

    runner(run_and_keep())
    return status[0]


if __name__ == "__main__":
    sys.exit(main())
