"""``python -m tests.simulation.locate``: how well somebody with 200 guests of his own finds out where another one is.

He plays against a real lobby, knows all its rules, and puts his guests (decoys) wherever he likes:

- *looks*: decoys say "later" at once, so that a guest who looks asks one after another; their order tells where from.
- *says yes*: decoys say yes; whoever meets one is near it. A hundred others may be asked as well.
- *rests*: where a new guest is led to somebody else, and one whom the victim has blocked is not, there the victim rests
  among eight others; 1,000 seeks.

Each time the error is the distance from his guess, the middle of all that fits what he has seen, to the true position.
``before``: the same with the squares of 2 km of versions 0.1.0 and 0.2.0 in place of districts.
"""

import argparse
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import pairwise
from math import cos, floor, hypot, pi, radians, sin
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from citychat.adapters.memory import MemoryLobby
from citychat.adapters.redis import RedisLobby
from citychat.model import District
from citychat.places import Gazetteer, Places, position
from citychat.ports import Entry, Lobby, SeekResult
from citychat.rules import COORDINATE_DEGREES, RING_PAUSE_MS, SEEKER_RESTS_MS
from tests.contract.redis_scripts import LuaScripts
from tests.support.document import fill

DECOYS, SEEKS, OTHERS, CROWD = 200, 1_000, 8, 100
KM_PER_DEGREE = 111.2
RENEWED_MS = 14_000
SPOTS = 2_000  # of a pool, as the attacker knows it
DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability.md"


class Spot(NamedTuple):
    """A position."""

    lat: float
    lon: float

    def km_to(self, other: "Spot") -> float:
        along = (self.lon - other.lon) * cos(radians((self.lat + other.lat) / 2))
        return KM_PER_DEGREE * hypot(self.lat - other.lat, along)


class PoolOnMap(NamedTuple):
    """A pool, and a circle around its city: of what lies in it, the pool's part is where its guests are."""

    name: str
    key: str
    middle: Spot
    reach_km: float


TOWNS = {
    "Paris": PoolOnMap("Paris", "c2988507", Spot(48.8534, 2.3488), 20),
    "London": PoolOnMap("London", "c2643743", Spot(51.5085, -0.1257), 40),
    "Millau": PoolOnMap("Millau", "c2993875", Spot(44.0994, 3.0783), 60),
    "Alice Springs": PoolOnMap("Alice Springs", "c2077895", Spot(-23.6975, 133.8836), 200),
}
Square = Callable[[Spot], District]
PLACES = Places(Gazetteer(), lambda _: None)


def square_of_2_km(spot: Spot) -> District:
    """What ranked in versions 0.1.0 and 0.2.0, called by its middle."""
    return District(2 * floor(spot.lat / 0.02) + 1, 2 * floor(spot.lon / 0.02) + 1)


def district(spot: Spot) -> District:
    """What ranks now."""
    placed = PLACES.place("", position=position({"lat": spot.lat, "lon": spot.lon, "accuracy": 10}))
    assert placed is not None
    return placed.district


def spots(town: PoolOnMap, random: Random, count: int) -> list[Spot]:
    """Positions of the pool, anywhere alike."""
    found: list[Spot] = []
    while len(found) < count:
        km, turn = town.reach_km * random.random() ** 0.5, 2 * pi * random.random()
        lat = town.middle.lat + km * cos(turn) / KM_PER_DEGREE
        lon = town.middle.lon + km * sin(turn) / KM_PER_DEGREE / cos(radians(town.middle.lat))
        placed = PLACES.place("", position=position({"lat": lat, "lon": lon, "accuracy": 10}))
        if placed is not None and placed.key == town.key:
            found.append(Spot(lat, lon))
    return found


def middle(found: Sequence[Spot]) -> Spot:
    """The best guess for somebody who is at one of these."""
    return Spot(sum(spot.lat for spot in found) / len(found), sum(spot.lon for spot in found) / len(found))


class Map:
    """What the attacker knows of a pool: which square each of its places is in."""

    def __init__(self, town: PoolOnMap, square: Square, random: Random, victims: Sequence[Spot]) -> None:
        self.square, self.random = square, random
        self.spots = [*spots(town, random, SPOTS), *victims]  # where these are he knows to be among all there is
        self.inside: dict[District, list[Spot]] = {}
        for spot in self.spots:
            self.inside.setdefault(square(spot), []).append(spot)

    def guess(self, squares: Iterable[District]) -> Spot:
        fitting = [spot for one in squares for spot in self.inside.get(one, ())]
        return middle(fitting or self.spots)

    def decoys(self) -> list[District]:
        """Where the decoys stand: in as many squares as there are, each in a place of its own as long as it lasts."""
        squares = self.random.sample(sorted(self.inside), len(self.inside))
        return [squares[n % len(squares)] for n in range(DECOYS)]


def distance(a: District, b: District) -> float:
    """As the lobby ranks (square of a distance)."""
    up, along = a.lat - b.lat, abs(a.lon - b.lon)
    return up**2 + along**2 * cos(radians(a.lat * COORDINATE_DEGREES)) ** 2


def done(method: Coroutine[Any, Any, Any]) -> Any:
    """What a method of a lobby answers that awaits nothing."""
    try:
        method.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("awaited something")


class Played:
    """A real lobby with people in one pool, all in view."""

    def __init__(self, random: Random, lua: bool = False) -> None:
        self.random, self.now_ms, self._offers = random, 1_700_000_000_000, 0
        if lua:
            scripts = LuaScripts("citychat:")
            self._set_time: Callable[[int], None] = scripts.set_time
            self._set_time(self.now_ms)
            run: Any = scripts.run
            self.lobby: Lobby = RedisLobby(run, random=random, now_ms=lambda: self.now_ms, prefix=scripts.prefix)
        else:
            self._set_time = lambda _: None
            self.lobby = MemoryLobby(lambda: self.now_ms, random)
        done(self.lobby.renew("p"))

    def enter(self, guest: str, square: District, *, available: bool = True, blocked: tuple[str, ...] = ()) -> None:
        entry = Entry(guest, "p", "pool", square, "City", available, False, True, 0, blocked=blocked)
        done(self.lobby.enter(entry))

    def ask(self, guest: str) -> str:
        """Whom the guest asks now, after a rest; "" for nobody."""
        self._offers += 1
        found: SeekResult = done(self.lobby.seek(guest, f"offer {self._offers}", self.random.randint(*SEEKER_RESTS_MS)))
        return found.offer.candidate if found.offer else ""

    def later(self, guest: str) -> None:
        done(self.lobby.later(guest, f"offer {self._offers}"))

    def wait(self, ms: int) -> None:
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms = min(until, self.now_ms + RENEWED_MS)
            self._set_time(self.now_ms)
            done(self.lobby.renew("p"))


def looks(known: Map, victim: Spot, *, asks: int, lua: bool = False) -> float:
    """The error after so many decoys have said "later"."""
    played, decoys = Played(known.random, lua), known.decoys()
    for n, square in enumerate(decoys):
        played.enter(f"decoy {n}", square)
    played.enter("victim", known.square(victim), available=False)
    order = []
    for _ in range(asks):
        if not (asked := played.ask("victim")):
            break
        order.append(decoys[int(asked.split()[1])])
        played.later(asked)
        played.wait(SEEKER_RESTS_MS[1])
    return known.guess(_fitting(known, decoys, order)).km_to(victim)


def _fitting(known: Map, decoys: Sequence[District], order: Sequence[District]) -> list[District]:
    """The squares from which the decoys would be asked in this order."""
    stood = set(decoys)
    fits = []
    for square in known.inside:
        away = [distance(square, one) for one in order]
        nearest = min(distance(square, one) for one in stood)
        if away[0] <= nearest and all(a <= b for a, b in pairwise(away)):
            fits.append(square)
    return fits


def says_yes(known: Map, victim: Spot) -> float | None:
    """The error if the victim meets a decoy, with others who are free; None for one of those."""
    played, decoys = Played(known.random), known.decoys()
    for n, square in enumerate(decoys):
        played.enter(f"decoy {n}", square)
    for n, spot in enumerate(known.random.sample(known.spots, CROWD)):
        played.enter(f"other {n}", known.square(spot))
    played.enter("victim", known.square(victim), available=False)
    who, _, number = played.ask("victim").partition(" ")
    return known.guess([decoys[int(number)]]).km_to(victim) if who == "decoy" else None


def rests(known: Map, victim: Spot, *, lua: bool = False) -> float:
    """The error for a chosen one of nine who rest, by what new guests and those whom the victim blocked come upon."""
    played, decoys = Played(known.random, lua), known.decoys()
    others = known.random.sample(known.spots, OTHERS)
    people = {f"other {n}": known.square(spot) for n, spot in enumerate(others)} | {"victim": known.square(victim)}
    for guest, square in people.items():
        played.enter(guest, square)
    seeks = iter(range(SEEKS))
    met = {}
    for blocked in ((), ("victim",)):
        for n, square in enumerate(decoys):
            played.enter(f"decoy {n}", square)
        for guest in people:
            done(played.lobby.view(guest, True, True))
        met[blocked] = dict(_strangers_in(played, decoys, blocked, seeks))
        played.wait(RING_PAUSE_MS)
    more = {square: max(count - met[("victim",)].get(square, 0), 0) for square, count in met[()].items()}
    if not any(more.values()):
        return known.guess(known.inside).km_to(victim)
    (chosen,) = known.random.choices(list(more), list(more.values()))
    return known.guess([chosen]).km_to(victim)


def _strangers_in(
    played: Played, decoys: Sequence[District], blocked: tuple[str, ...], seeks: Iterator[int]
) -> Iterator[tuple[District, int]]:
    """How many who are no decoys a guest is led to in each square, before it is led to a decoy elsewhere."""
    for square in sorted(set(decoys)):
        count, going = 0, True
        while going and next(seeks, None) is not None:
            seeker = f"seeker {next(seeks, 0)} {bool(blocked)}"
            played.enter(seeker, square, available=False, blocked=blocked)
            who, _, number = played.ask(seeker).partition(" ")
            if who == "decoy":
                played.later(f"decoy {number}")
                going = decoys[int(number)] == square
            else:
                count, going = count + bool(who), bool(who)
            done(played.lobby.stop(seeker))
            done(played.lobby.leave(seeker, done(played.lobby.status([seeker]))[0].epoch))
        yield square, count


def met_km(known: Map, free: int, seeks: int) -> list[float]:
    """How far those are whom somebody is led to, among so many who are free."""
    played, at = Played(known.random), {}
    for n in range(free):
        at[f"guest {n}"] = known.random.choice(known.spots)
        played.enter(f"guest {n}", known.square(at[f"guest {n}"]))
    found = []
    for n in range(seeks):
        here = known.random.choice(known.spots)
        played.enter(f"seeker {n}", known.square(here), available=False)
        if asked := played.ask(f"seeker {n}"):
            found.append(here.km_to(at[asked]))
        done(played.lobby.stop(f"seeker {n}"))
        played.wait(RING_PAUSE_MS)
        done(played.lobby.view(asked, True, True))
    return found


def one_of_nine(known: Map, victims: Sequence[Spot]) -> list[float]:
    """The error of who takes one of nine of the pool for the victim, not knowing which."""
    found = []
    for victim in victims:
        others = known.random.sample(known.spots, OTHERS)
        found.append(known.guess([known.square(known.random.choice([victim, *others]))]).km_to(victim))
    return found


def percentiles(found: Iterable[float]) -> str:
    """p10, p50 and p90."""
    ordered = sorted(found)
    return " / ".join(f"{ordered[min(int(len(ordered) * q), len(ordered) - 1)]:.1f}" for q in (0.1, 0.5, 0.9))


def rows(town: PoolOnMap, seed: int, victims: int, lua: bool) -> Iterator[str]:
    """The rows of a town, before and now."""
    for name, square in (("before", square_of_2_km), ("now", district)):
        found = spots(town, Random(seed + 1), victims)
        known = Map(town, square, Random(seed), found)
        asks = SEEKS // victims
        many = len(known.inside) > DECOYS  # then his decoys cannot be everywhere, and he needs another plan for it
        yield " | ".join(
            [
                f"| {town.name}, {name}",
                str(len(known.inside)),
                percentiles(looks(known, victim, asks=asks, lua=lua) for victim in found),
                percentiles(km for victim in found if (km := says_yes(known, victim)) is not None),
                "–" if many else percentiles(rests(known, victim, lua=lua) for victim in found),
                percentiles(one_of_nine(known, found)),
                " / ".join(f"{sorted(met_km(known, free, 100))[50]:.1f}" for free in (10, 100, 1_000)) + " |",
            ]
        )


HEAD = (
    "| Pool | squares | looks | says yes | rests | one of nine | to the partner, 10 / 100 / 1,000 free |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.locate", description=__doc__)
    parser.add_argument("--victims", type=int, default=100, help="how many are looked for in each town")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lua", action="store_true", help="play against the scripts of the Redis lobby")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.name} as it is")
    asked = parser.parse_args()
    lines = list(HEAD)
    print(*HEAD, sep="\n")
    for town in TOWNS.values():
        for row in rows(town, asked.seed, asked.victims, asked.lua):
            print(row, flush=True)
            lines.append(row)
    if not asked.no_table:
        fill(DOCUMENT, "make locate", lines)


if __name__ == "__main__":
    main()
