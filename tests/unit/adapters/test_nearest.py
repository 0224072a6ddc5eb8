"""The index finds the nearest without looking at everybody, and keeps nothing of those who went."""

import os
import subprocess
import sys
from collections import Counter
from math import cos, radians
from random import Random

import pytest

from citychat.adapters.memory.nearest import SpatialIndex
from citychat.model import District
from citychat.rules import COORDINATE_DEGREES, IDLE_IN_VIEW, LOOKING_HIDDEN, LOOKING_IN_VIEW, UNASKED

SUVA = District(-907, 17_844)  # its neighbours stand on both sides of the 180th meridian


def distance(a: District, b: District) -> float:
    along = abs(a.lon - b.lon)
    along = min(along, 36_000 - along)
    return (a.lat - b.lat) ** 2 + along**2 * cos(radians(a.lat * COORDINATE_DEGREES)) ** 2


def around(random: Random, centre: District, reach: int) -> District:
    lon = centre.lon + random.randint(-reach, reach)
    return District(centre.lat + random.randint(-reach, reach), (lon + 18_000) % 36_000 - 18_000)


@pytest.mark.parametrize("reach", [3, 40, 700])
@pytest.mark.parametrize("centre", [District(0, 0), District(2_288, 242), SUVA, District(-1, -17_999)])
def test_districts_come_in_the_order_of_their_distance(centre: District, reach: int) -> None:
    random = Random(reach)
    index = SpatialIndex(random)
    districts = {f"guest {n}": around(random, centre, reach) for n in range(300)}
    for guest, district in districts.items():
        index.put(guest, "pool", IDLE_IN_VIEW, district)
    for guest in list(districts)[::3]:
        index.discard(guest)
        del districts[guest]
    drawn = list(index.draw("pool", centre, ()))
    found = [distance(centre, districts[guest]) for guest in drawn]
    assert found == sorted(found)
    nearest = sorted(set(districts.values()), key=lambda district: distance(centre, district))[:64]
    assert sorted(found) == sorted(distance(centre, district) for district in districts.values() if district in nearest)


def test_at_most_32_of_a_district_are_drawn_each_once_and_not_always_the_same() -> None:
    index = SpatialIndex(Random(1))
    for n in range(100):
        index.put(f"guest {n}", "pool", IDLE_IN_VIEW, SUVA)
    times = Counter(guest for _ in range(500) for guest in index.draw("pool", SUVA, ()))
    assert len(list(index.draw("pool", SUVA, ()))) == len(set(index.draw("pool", SUVA, ()))) == 32
    assert len(times) == 100
    assert 100 < min(times.values()) <= max(times.values()) < 230  # 160 on average


def test_at_most_64_districts_are_walked() -> None:
    index = SpatialIndex(Random(1))
    for n in range(100):
        index.put(f"guest {n}", "pool", IDLE_IN_VIEW, District(n, 0))
    assert list(index.draw("pool", District(0, 0), ())) == [f"guest {n}" for n in range(64)]


def test_the_barred_count_neither_as_drawn_nor_as_walked() -> None:
    index = SpatialIndex(Random(1))
    blocked = {f"here {n}": SUVA for n in range(400)} | {f"ring {n}": District(SUVA.lat + n, 0) for n in range(100)}
    for guest, district in blocked.items():
        index.put(guest, "pool", IDLE_IN_VIEW, district)
    index.put("here", "pool", IDLE_IN_VIEW, SUVA)
    index.put("far away", "pool", IDLE_IN_VIEW, District(3_000, 0))
    assert list(index.draw("pool", SUVA, blocked)) == ["here", "far away"]


def test_a_guest_stands_in_one_place_and_the_unasked_are_only_counted() -> None:
    index = SpatialIndex(Random(1))
    for rank in (LOOKING_IN_VIEW, LOOKING_HIDDEN, IDLE_IN_VIEW):
        index.put("anna", "pool", rank, SUVA)
        assert list(index.draw("pool", SUVA, ())) == ["anna"]
    index.put("anna", "pool", UNASKED, SUVA)
    assert list(index.draw("pool", SUVA, ())) == []
    assert (index.count("pool"), "anna" in index, list(index)) == (1, True, ["anna"])
    index.put("anna", "elsewhere", UNASKED, SUVA)
    assert (index.count("pool"), index.count("elsewhere")) == (0, 1)


def test_nothing_is_kept_of_districts_that_are_empty_again() -> None:
    random = Random(1)
    index = SpatialIndex(random)
    index.put("stays", "pool", IDLE_IN_VIEW, SUVA)
    for n in range(1_000):
        index.put("wanders", "pool", IDLE_IN_VIEW, around(random, SUVA, 4_000))
        index.discard(f"guest {n}")
    index.discard("wanders")
    area = index._areas["pool", IDLE_IN_VIEW]
    assert [len(tiles) for tiles in area._tiles] == [1] * len(area._tiles)
    index.discard("stays")
    assert not index._areas
    assert not index._counts


WANDERINGS = """
from random import Random
from citychat.adapters.memory.nearest import SpatialIndex
from citychat.model import District
from citychat.rules import IDLE_IN_VIEW
random = Random(5)
index = SpatialIndex(random)
for n in range(2_000):
    index.put(f"guest {n % 300}", "pool", IDLE_IN_VIEW, District(random.randrange(40), random.randrange(40)))
    if n % 3 == 0:
        index.discard(f"guest {random.randrange(300)}")
    print(next(index.draw("pool", District(20, 20), {f"guest {k}" for k in range(50)}), None))
"""


def test_the_same_seed_draws_the_same_guests_whatever_the_hashes_of_strings() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", WANDERINGS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0].count(b"guest") > 1_900
