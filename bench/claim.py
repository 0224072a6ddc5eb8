"""How long a claim takes among 100,000 free guests: ``python -m bench.claim``; exits 1 when p99 is over 1.5 ms.

Three lay-outs: everybody on one point (what IP geolocation makes of a city), a city with a sigma of 8 km, and a whole
country in one pool. Each is measured as it is, and again with seekers who are barred with 200 of their neighbours, of
their own cell first.
"""

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from math import cos, radians
from random import Random
from time import perf_counter, thread_time

from citychat.adapters.local import LocalLobby
from citychat.model import CELL_DEGREES, Cell
from citychat.ports import Entry

GUESTS = 100_000
SEEKS = 1_000
BARRED = 200
P99_LIMIT_MS = 1.5
LYON = 45.76, 4.84
KM_PER_DEGREE = 111.2


def to_cell(lat: float, lon: float) -> Cell:
    return Cell(int(lat // CELL_DEGREES), int(lon // CELL_DEGREES))


def one_point(_: Random) -> Cell:
    return to_cell(*LYON)


def city(random: Random) -> Cell:
    lat = random.gauss(0, 8) / KM_PER_DEGREE
    lon = random.gauss(0, 8) / KM_PER_DEGREE / cos(radians(LYON[0]))
    return to_cell(LYON[0] + lat, LYON[1] + lon)


def country(random: Random) -> Cell:
    return to_cell(random.uniform(42.5, 51.0), random.uniform(-4.5, 8.0))


def neighbours(cells: dict[str, Cell], seekers: list[str]) -> dict[str, tuple[str, ...]]:
    """For each seeker 200 others, of the nearest cells."""
    by_cell: dict[Cell, list[str]] = {}
    for guest, cell in cells.items():
        by_cell.setdefault(cell, []).append(guest)
    found = {}
    for seeker in seekers:
        near: list[str] = []
        reach = 0
        while len(near) < BARRED + 1:
            near += _ring(by_cell, cells[seeker], reach)
            reach += 1
        found[seeker] = tuple(guest for guest in near if guest != seeker)[:BARRED]
    return found


def _ring(by_cell: dict[Cell, list[str]], cell: Cell, reach: int) -> list[str]:
    sides = range(-reach, reach + 1)
    edge = [(y, x) for y in sides for x in (sides if abs(y) == reach else {-reach, reach})]
    return [guest for y, x in edge for guest in by_cell.get(Cell(cell.lat + y, cell.lon + x), ())]


async def measure(spread: Callable[[Random], Cell], barred: bool) -> tuple[list[float], list[float]]:
    """Milliseconds of each claim, processor and wall, each sorted."""
    random = Random(1)
    now_ms = partial(int, 1_700_000_000_000)
    lobby = LocalLobby(now_ms, random)
    await lobby.renew("bench")
    cells = {f"guest-{i}": spread(random) for i in range(GUESTS)}
    seekers = random.sample(list(cells), SEEKS)
    pairs = neighbours(cells, seekers) if barred else {}
    for guest, cell in cells.items():
        await lobby.enter(
            Entry(guest, "bench", "pool", cell, "Lyon", True, False, True, 0, barred=pairs.get(guest, ()))
        )
    busy, wall = [], []
    for i, seeker in enumerate(seekers):
        started, ran = perf_counter(), thread_time()
        sought = await lobby.seek(seeker, f"offer-{i}")
        busy.append((thread_time() - ran) * 1_000)
        wall.append((perf_counter() - started) * 1_000)
        if sought.state == "waiting":
            raise RuntimeError(f"{seeker} found nobody among {GUESTS} guests")
    return sorted(busy), sorted(wall)


def figures(took: list[float]) -> str:
    return f"p50 {took[len(took) // 2]:6.3f}  p99 {p99(took):6.3f}  max {took[-1]:7.3f}"


def p99(took: list[float]) -> float:
    return took[len(took) * 99 // 100]


def main() -> int:
    slow = False
    for spread in (one_point, city, country):
        for barred in (False, True):
            busy, wall = asyncio.run(measure(spread, barred))
            slow = slow or p99(busy) > P99_LIMIT_MS
            name = spread.__name__.replace("_", " ") + (f", {BARRED} neighbours barred" if barred else "")
            print(f"{name:38} ms a claim: {figures(busy)}   by the wall: {figures(wall)}", flush=True)
    if slow:
        print(f"too slow: p99 must be at most {P99_LIMIT_MS} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
