"""How long a claim takes among 100,000 free guests: ``python -m bench.claim``; exits 1 when p99 is over 1.5 ms.

``--redis`` measures the Redis lobby on a private server of its own (Linux only); the processor's time is then that of
the server and of this process together, and the wall's has the round trip in it.

Three lay-outs: everybody on one point (what IP geolocation makes of a city), a city with a sigma of 8 km, and a whole
country in one pool. Each is measured as it is, and again with seekers who are barred with 200 of their neighbours, of
their own district first.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from math import cos, radians
from pathlib import Path
from random import Random
from time import perf_counter, thread_time
from typing import NamedTuple

from citychat.adapters.memory import MemoryLobby
from citychat.adapters.redis import Redis, RedisLobby
from citychat.adapters.service_status import ServiceStatus
from citychat.clock import SystemClock
from citychat.model import District
from citychat.ports import Entry, Lobby
from citychat.rules import COORDINATE_DEGREES
from tests.support.services.redis import RedisServer

GUESTS = 100_000
SEEKS = 1_000
BARRED = 200
P99_LIMIT_MS = 1.5
ENTER_AT_ONCE = 50
LYON = 45.76, 4.84
KM_PER_DEGREE = 111.2


def to_district(lat: float, lon: float) -> District:
    return District(int(lat // COORDINATE_DEGREES), int(lon // COORDINATE_DEGREES))


def one_point(_: Random) -> District:
    return to_district(*LYON)


def city(random: Random) -> District:
    lat = random.gauss(0, 8) / KM_PER_DEGREE
    lon = random.gauss(0, 8) / KM_PER_DEGREE / cos(radians(LYON[0]))
    return to_district(LYON[0] + lat, LYON[1] + lon)


def country(random: Random) -> District:
    return to_district(random.uniform(42.5, 51.0), random.uniform(-4.5, 8.0))


def neighbours(districts: dict[str, District], seekers: list[str]) -> dict[str, tuple[str, ...]]:
    """For each seeker 200 others, of the nearest districts."""
    by_district: dict[District, list[str]] = {}
    for guest, district in districts.items():
        by_district.setdefault(district, []).append(guest)
    found = {}
    for seeker in seekers:
        near: list[str] = []
        reach = 0
        while len(near) < BARRED + 1:
            near += _ring(by_district, districts[seeker], reach)
            reach += 1
        found[seeker] = tuple(guest for guest in near if guest != seeker)[:BARRED]
    return found


def _ring(by_district: dict[District, list[str]], district: District, reach: int) -> list[str]:
    sides = range(-reach, reach + 1)
    edge = [(y, x) for y in sides for x in (sides if abs(y) == reach else {-reach, reach})]
    return [guest for y, x in edge for guest in by_district.get(District(district.lat + y, district.lon + x), ())]


class Measured(NamedTuple):
    """A lobby, how much time of processors went into it so far, in seconds, and its server's memory in bytes."""

    lobby: Lobby
    busy_s: Callable[[], float]
    used_bytes: Callable[[], Awaitable[int]]


async def nothing() -> int:
    """The embedded lobby has no server."""
    return 0


@asynccontextmanager
async def embedded(random: Random) -> AsyncIterator[Measured]:
    async with MemoryLobby(partial(int, 1_700_000_000_000), random) as lobby:
        yield Measured(lobby, thread_time, nothing)


@asynccontextmanager
async def redis(random: Random) -> AsyncIterator[Measured]:
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        runs = Path(f"/proc/{server.pid}/schedstat")  # of its main thread, exact to the nanosecond
        clock = SystemClock(asyncio.get_running_loop())
        try:
            async with Redis(server.url, status=ServiceStatus("Redis", random, sys.exit), clock=clock) as opened:
                while not opened.status.up:  # noqa: ASYNC110 - a link tells nobody
                    await asyncio.sleep(0.01)
                async with RedisLobby(opened.run, random=random, now_ms=clock.wall_ms) as lobby:
                    yield Measured(lobby, partial(busy_s_with, runs), partial(memory_bytes, opened))
        finally:
            server.stop()


def busy_s_with(runs: Path) -> float:
    return int(runs.read_text().split()[0]) / 1e9 + thread_time()


async def memory_bytes(redis: Redis) -> int:
    facts = await redis.call("INFO", "memory")
    assert isinstance(facts, bytes)
    return int(facts.partition(b"used_memory:")[2].split()[0])


Opener = Callable[[Random], AbstractAsyncContextManager[Measured]]


async def fill(lobby: Lobby, districts: dict[str, District], pairs: dict[str, tuple[str, ...]]) -> None:
    guests = list(districts)
    for start in range(0, GUESTS, ENTER_AT_ONCE):
        if start % (20 * ENTER_AT_ONCE) == 0:
            await lobby.renew("bench")
        entries = [
            Entry(guest, "bench", "pool", districts[guest], "Lyon", True, False, True, blocked=pairs.get(guest, ()))
            for guest in guests[start : start + ENTER_AT_ONCE]
        ]
        await asyncio.gather(*map(lobby.enter, entries))


async def measure(
    opener: Opener, spread: Callable[[Random], District], barred: bool
) -> tuple[list[float], list[float]]:
    """Milliseconds of each claim, processor and wall, each sorted."""
    random = Random(1)
    districts = {f"guest-{i:016}": spread(random) for i in range(GUESTS)}
    seekers = random.sample(list(districts), SEEKS)
    pairs = neighbours(districts, seekers) if barred else {}
    busy, wall = [], []
    async with opener(random) as (lobby, busy_s, used_bytes):
        before, ran = await used_bytes(), busy_s()
        await fill(lobby, districts, pairs)
        each_us, each_bytes = (busy_s() - ran) / GUESTS * 1e6, (await used_bytes() - before) / GUESTS
        print(f"  {GUESTS} have entered: {each_us:.0f} µs of the processor each, {each_bytes:.0f} bytes of the server")
        for i, seeker in enumerate(seekers):
            if i % 100 == 0:
                await lobby.renew("bench")
            started, ran = perf_counter(), busy_s()
            sought = await lobby.seek(seeker, f"offer-{i}", 0)
            busy.append((busy_s() - ran) * 1_000)
            wall.append((perf_counter() - started) * 1_000)
            if sought.state == "waiting":
                raise RuntimeError(f"{seeker} found nobody among {GUESTS} guests")
    return sorted(busy), sorted(wall)


def figures(took: list[float]) -> str:
    return f"p50 {took[len(took) // 2]:6.3f}  p99 {p99(took):6.3f}  max {took[-1]:7.3f}"


def p99(took: list[float]) -> float:
    return took[len(took) * 99 // 100]


def main() -> int:
    parser = argparse.ArgumentParser(description="How long a claim takes among 100,000 free guests.")
    parser.add_argument("--redis", action="store_true", help="measure the Redis lobby, on a server of its own")
    opener = redis if parser.parse_args().redis else embedded
    slow = False
    for spread in (one_point, city, country):
        for barred in (False, True):
            busy, wall = asyncio.run(measure(opener, spread, barred))
            slow = slow or p99(busy) > P99_LIMIT_MS
            name = spread.__name__.replace("_", " ") + (f", {BARRED} neighbours barred" if barred else "")
            print(f"{name:38} ms a claim: {figures(busy)}   by the wall: {figures(wall)}", flush=True)
    if slow:
        print(f"too slow: p99 must be at most {P99_LIMIT_MS} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
