"""The cities of the world with 15,000 people and more: which one is near a point, and which ones a name means.

The file is made by ``build_gazetteer.py`` from GeoNames (CC BY 4.0); ``gazetteer_file.py`` has its layout. All is
looked up where it is in the file, by bisection: measured on 34,006 cities, opening takes 0.4 ms and no memory; a
look-up by point takes 35 us (median; p99 150 us, where cities are thickest), a search 30 us (p99 130 us).
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from heapq import nlargest
from itertools import islice, takewhile
from math import cos, dist, floor, radians, sin
from pathlib import Path
from typing import NamedTuple

from citychat.places.areas import areas_called
from citychat.places.gazetteer_file import mapped
from citychat.rules import TOWNS_KM, TOWNS_MAX

FILE = Path(__file__).parents[1] / "data" / "cities.bin"
BANDS_PER_DEGREE = 2
LOWEST_BAND, HIGHEST_BAND = -90 * BANDS_PER_DEGREE, 90 * BANDS_PER_DEGREE
UNITS_PER_DEGREE, PEOPLE_UNIT = 1_000, 100  # 110 m of a city's middle and 100 people: finer is 0.1 MB for nothing
EARTH_KM = 6_371.0
KM_PER_DEGREE = 111.2

# The metro rule. One IP database says "Willesden" or "Brooklyn" where another one, or a browser, says London or New
# York: the larger city whose influence covers the point gives one pool. 0.01 km per root of people is 30 km for New
# York and 15 km for Paris; two IP databases agree on 48 % of addresses with it against 32 % without. Across a border it
# ends: else Hong Kong would be in Shenzhen, El Paso in Ciudad Juárez and Brazzaville in Kinshasa.
INFLUENCE_KM2_PER_PERSON = 0.01**2
INFLUENCE_MAX_KM = 40.0
NEAREST_DEGREES = 0.03, 0.1, 0.4, 1.0, 3.0  # where to look, one after the other; beyond, the sea or the ice: no city
TOWN_PEOPLE = 15_000  # so many live in a district at least; the gazetteer has 45 capitals that are smaller
BEST = 10  # answers of a search; where a start of a name has more, the file says which: comparing them took up to 15 ms
SEARCH_MAX_CHARS = 60  # the longest name of the file has 57


class City(NamedTuple):
    """A city of the gazetteer. ``id`` is the geonameid. ``region`` tells cities of one name apart and may be empty."""

    id: str
    name: str
    region: str
    country: str
    lat: float
    lon: float
    population: int

    def lies_in(self, areas: frozenset[str]) -> bool:
        """Tell whether it is in one of the areas, as ``areas.areas_called`` has them."""
        return self.country in areas or f"{self.country}/{self.region}" in areas

    def shown(self) -> dict[str, str]:
        """One answer of ``user-cities`` (protocol §1)."""
        return {"id": self.id, "name": self.name, "region": self.region, "country": self.country}


class Around(NamedTuple):
    """The surroundings of a point: its nearest city, which says the country too. All else is that city's: the metro
    area that gives the pool, and the nearest town of ``TOWN_PEOPLE``, which gives the district (None beyond 3 degrees).
    So whoever knows pool and district knows no less than where the people of a whole town are."""

    nearest: City
    nearest_km: float
    metro: City
    metro_km: float
    town: City | None


class Gazetteer:
    """Raises ValueError naming the file when it is missing or not a gazetteer."""

    def __init__(self, file: Path = FILE) -> None:
        columns = mapped(file)
        self._ids, self._lats, self._lons, self._people = columns.ids, columns.lats, columns.lons, columns.people
        self._told, self._by_id, self._bands = columns.told, columns.by_id, columns.bands
        self._keys, self._found_at = columns.keys, columns.found_at
        self._crowded, self._best = columns.crowded, columns.best
        self._belongings: dict[int, tuple[City, City, float, City | None]] = {}  # of each city that was near a point
        self._towns: dict[str, tuple[str, ...]] = {}  # nearby, of each city that was asked for

    def __len__(self) -> int:
        return len(self._ids)

    def city(self, id: str) -> City | None:
        """The city of a geonameid."""
        if not (id.isascii() and id.isdigit() and len(id) <= 10):
            return None
        number = int(id)
        row = bisect_left(self._by_id, number, key=self._ids.__getitem__)
        known = row < len(self._by_id) and self._ids[self._by_id[row]] == number
        return self._city(self._by_id[row]) if known else None

    def around(self, lat: float, lon: float) -> Around | None:
        """Return what is around a point; None beyond 3 degrees (as 334 km) of any city."""
        nearest = self._nearest(lat, lon)
        if nearest is None:
            return None
        km2, at = nearest
        if at not in self._belongings:
            self._belongings[at] = self._belonging(at)
        city, metro, metro_km, town = self._belongings[at]
        return Around(city, km2**0.5, metro, metro_km, town)

    def towns_near(self, id: str) -> tuple[str, ...]:
        """Return the ids of the towns within TOWNS_KM of a city, from middle to middle, the nearest first and at most
        TOWNS_MAX: those that no larger one covers, for of the others nearly all are pools of nobody. Empty for a city
        nobody knows. Measured: 8 ms where cities are thickest, once each."""
        if id not in self._towns and (city := self.city(id)):
            self._towns[id] = tuple(islice(self._nearest_towns(city), TOWNS_MAX))
        return self._towns.get(id, ())

    def _nearest_towns(self, city: City) -> Iterator[str]:
        reach = (TOWNS_KM + INFLUENCE_MAX_KM) / KM_PER_DEGREE
        around = sorted(self._within(city.lat, city.lon, reach))
        larger = sorted((at for _, at in around), key=lambda at: -self._people[at])
        points = {at: _chord(self._lats[at] / UNITS_PER_DEGREE, self._lons[at] / UNITS_PER_DEGREE) for at in larger}

        def is_covered(at: int) -> bool:
            others = takewhile(lambda other: self._people[other] > self._people[at], larger)
            covering = (other for other in others if dist(points[other], points[at]) ** 2 <= self._influence_km2(other))
            return any(self._country(other) == self._country(at) for other in covering)

        near = takewhile(lambda found: found[0] <= TOWNS_KM**2, around)
        return (str(self._ids[at]) for _, at in near if self._ids[at] != int(city.id) and not is_covered(at))

    def search(self, text: str, limit: int = BEST) -> list[City]:
        """Cities one of whose names begins with ``text``, whatever its case and accents, as ``rank`` orders them."""
        prefix = fold(text[:SEARCH_MAX_CHARS])
        if not prefix:
            return []
        start = self._crowd(prefix)
        if start is not None and limit <= BEST:
            return [self._city(at) for at in self._best[start : start + limit]]
        found, alike = self._found(prefix)

        def ranked(at: int) -> tuple[bool, bool, int, int]:
            return rank(prefix, fold(self._name(at)), at in alike, self._people[at], self._ids[at])

        return [self._city(at) for at in nlargest(limit, found, key=ranked)]

    def called(self, name: str) -> list[City]:
        """Return all cities one of whose names is folded just so, the most populous first; thirteen at most."""
        sought, keys = _bytes(name), self._keys
        row, found = bisect_left(keys, sought), set[int]()
        while row < len(keys) and keys[row] == sought:
            found.add(self._found_at[row])
            row += 1
        return [self._city(at) for at in sorted(found, key=lambda at: -self._people[at])]

    def _crowd(self, prefix: str) -> int | None:
        """Return where the best of a start begin that many names share."""
        sought = _bytes(prefix)
        row = bisect_left(self._crowded, sought)
        return row * BEST if row < len(self._crowded) and self._crowded[row] == sought else None

    def _found(self, prefix: str) -> tuple[set[int], set[int]]:
        """The cities one of whose names begins so, and those of them one of whose names is just so."""
        sought, keys = _bytes(prefix), self._keys
        row, found, alike = bisect_left(keys, sought), set[int](), set[int]()
        while row < len(keys) and (key := keys[row]).startswith(sought):
            found.add(self._found_at[row])
            if key == sought:
                alike.add(self._found_at[row])
            row += 1
        return found, alike

    def named(self, text: str) -> City:
        """The one city a host means by "Lyon", "Lyon, FR", "Springfield, Illinois" or "2996944".

        Raises ValueError that lists the candidates when several are meant, and says what was expected when none is.
        """
        known = self.city(text.strip())
        if known:
            return known
        name, _, where = (part.strip() for part in text.partition(","))
        found = self.search(name, len(self))
        found = [city for city in found if fold(city.name) == fold(name)] or found
        areas = areas_called(fold(where))
        meant = [city for city in found if not where or fold(where) == fold(city.region) or city.lies_in(areas)]
        if len(meant) == 1:
            return meant[0]
        expected = 'expected a city of 15,000 people or more as "Lyon", "Lyon, FR" or its GeoNames number'
        if not found:
            raise ValueError(f"{text!r} is not in the gazetteer; {expected}")
        listed = "; ".join(f"{city.id} is {described(city)}" for city in (meant or found)[:5])
        raise ValueError(f"{text!r} could be one of several cities ({listed}); {expected}")

    def _city(self, at: int) -> City:
        name, region, country = self._told[at].decode().split("\n")
        lat, lon = self._lats[at] / UNITS_PER_DEGREE, self._lons[at] / UNITS_PER_DEGREE
        return City(str(self._ids[at]), name, region, country, lat, lon, self._people[at] * PEOPLE_UNIT)

    def _nearest(self, lat: float, lon: float, people: int = 0) -> tuple[float, int] | None:
        """(square of the distance in km, city) of the nearest city of so many people."""
        for degrees in NEAREST_DEGREES:
            reach_km2 = (degrees * KM_PER_DEGREE) ** 2
            near = ((km2, at) for km2, at in self._within(lat, lon, degrees) if km2 <= reach_km2)
            found = min(((km2, at) for km2, at in near if self._people[at] * PEOPLE_UNIT >= people), default=None)
            if found:
                return found
        return None

    def _belonging(self, at: int) -> tuple[City, City, float, City | None]:
        """The city itself; the most populous of its country that covers it, how far off that is; its nearest town."""
        city, country = self._city(at), self._country(at)
        covering = [
            (self._people[other], -km2, other)
            for km2, other in self._within(city.lat, city.lon, INFLUENCE_MAX_KM / KM_PER_DEGREE)
            if km2 <= self._influence_km2(other) and self._country(other) == country
        ]
        _, metro_km2, metro = max(covering, default=(0, -0.0, at))
        town = self._nearest(city.lat, city.lon, TOWN_PEOPLE)
        return city, self._city(metro), (-metro_km2) ** 0.5, self._city(town[1]) if town else None

    def _name(self, at: int) -> str:
        return self._told[at].partition(b"\n")[0].decode()

    def _country(self, at: int) -> bytes:
        return self._told[at][-2:]

    def _influence_km2(self, at: int) -> float:
        return min(INFLUENCE_MAX_KM**2, INFLUENCE_KM2_PER_PERSON * self._people[at] * PEOPLE_UNIT)

    def _within(self, lat: float, lon: float, degrees: float) -> Iterator[tuple[float, int]]:
        """(square of the distance in km, city) of every city of a box that holds the circle of ``degrees``.

        The distance is that of the chord through the earth, short by 0.2 km at 334 km: exact enough at any latitude.
        """
        x, y, z = _chord(lat, lon)
        south, north = (lat - degrees) * UNITS_PER_DEGREE, (lat + degrees) * UNITS_PER_DEGREE
        for at in self._box(lat, lon, degrees):
            if not south <= self._lats[at] <= north:
                continue  # of the same band
            cx, cy, cz = _chord(self._lats[at] / UNITS_PER_DEGREE, self._lons[at] / UNITS_PER_DEGREE)
            yield (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2, at

    def _box(self, lat: float, lon: float, degrees: float) -> Iterator[int]:
        polewards = min(90.0, abs(lat) + degrees)  # a degree of longitude is shortest at that edge of the circle
        width = degrees / cos(radians(polewards)) if polewards < 89.0 else 180.0
        windows = [(lon - width + turn, lon + width + turn) for turn in (-360, 0, 360)]  # over the date line, too
        lowest, highest = floor((lat - degrees) * BANDS_PER_DEGREE), floor((lat + degrees) * BANDS_PER_DEGREE)
        for band in range(max(lowest, LOWEST_BAND), min(highest, HIGHEST_BAND) + 1):
            first, end = self._bands[band - LOWEST_BAND], self._bands[band - LOWEST_BAND + 1]
            for left, right in windows:
                start = bisect_left(self._lons, left * UNITS_PER_DEGREE, first, end)
                yield from range(start, bisect_right(self._lons, right * UNITS_PER_DEGREE, start, end))


def described(city: City) -> str:
    """A city in one line: "Springfield, Illinois, US"."""
    return ", ".join(part for part in (city.name, city.region, city.country) if part)


def rank(prefix: str, own: str, alike: bool, people: int, id: int) -> tuple[bool, bool, int, int]:
    """Rank of a city among the answers to ``prefix``; the highest comes first. ``own`` is its name, folded; ``alike``:
    one of its names is just so.

    Those called exactly so come first (Bo would drown among Boston and Bogota), then those whose own name begins so, or
    another name is just so (for "Ly" Lyon, not Faisalabad, once Lyallpur; for "Wien" Vienna), then the rest, the most
    populous first.
    """
    return own == prefix, own.startswith(prefix) or alike, people, -id


# Letters that Unicode does not take apart, and apostrophes, which people leave out ("Xi'an", "Pʻenghu").
PLAIN = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"} | dict.fromkeys("'’‘ʻʼʿʾ`´", "")
)
ACCENTS = re.compile("[\u0300-\u036f]+")


def fold(name: str) -> str:
    """Return ``name`` as it is searched: no case, accents, apostrophes; one space for what is neither letter, digit nor
    mark.

    Only the accents of Latin, Greek and Cyrillic go: in Thai or Hindi a mark is a vowel.
    """
    apart = unicodedata.normalize("NFKD", name.casefold().translate(PLAIN))
    bare = unicodedata.normalize("NFC", ACCENTS.sub("", apart))
    for gap in {c for c in set(bare) if unicodedata.category(c)[0] not in "LNM"}:
        bare = bare.replace(gap, " ")
    return " ".join(bare.split())


def _chord(lat: float, lon: float) -> tuple[float, float, float]:
    """A point of the globe in km from the earth's middle: differences need no care at poles and date line."""
    phi, lam = radians(lat), radians(lon)
    r = EARTH_KM * cos(phi)
    return r * cos(lam), r * sin(lam), EARTH_KM * sin(phi)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a letter can be typed, and is in no name
