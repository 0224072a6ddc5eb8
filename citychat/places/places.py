"""Places from the internet address, the browser's position, the guest's own choice or the host's network.

Pure: no file, no clock, no network. Source of the rules: product page, Location. Whatever answers, the pool's key comes
from the gazetteer's metro rule, so that guests placed by different sources meet. Of a position only its nearest city
counts: country, pool and district are that city's, and nothing finer leaves this module.
"""

from collections.abc import Callable, Mapping
from math import cos, floor, radians
from typing import NamedTuple, TypeGuard

from msgspec.structs import replace

from citychat.model import NOWHERE, District, Place, Source
from citychat.networks import own_network
from citychat.places.gazetteer import Around, City, Gazetteer
from citychat.rules import COORDINATE_DEGREES

ACCURACY_MAX_M = 20_000.0  # beyond, a browser guesses from the address as we do, and we know whose guess ours is
EARTH_GIRTH_M = 40_075_000
NETWORK_KEY, NETWORK_NAME = "network", "This network"
CITY = "c"  # before the id of a pool's city
SQUARE_DEGREES = 0.09  # 10 km


class Position(NamedTuple):
    """A browser's position, and how exact it was said to be, in metres; forgotten as soon as it is a Place."""

    lat: float
    lon: float
    accuracy_m: float


class IpLocation(NamedTuple):
    """An IP database's answer for an address. ``country``: ISO code, "" if unknown.

    ``point``: latitude and longitude of ``city``; None without a city, for then they are the middle of the country,
    and all of the USA would be put into a lake in Kansas.
    """

    country: str
    city: str
    point: tuple[float, float] | None


class Places:
    """Places guests. ``locate`` asks the IP database; ``home`` is the city the host named for the own network;
    ``nearby``: whether guests may meet those of towns nearby."""

    def __init__(
        self,
        gazetteer: Gazetteer,
        locate: Callable[[str], IpLocation | None],
        home: City | None = None,
        *,
        nearby: bool = True,
    ) -> None:
        self._gazetteer, self._locate, self.nearby = gazetteer, locate, nearby
        self._home = None if home is None else self._of_city(home, "home")

    def place(
        self, address: str, *, position: Position | None = None, chosen: str | None = None, kept: Place | None = None
    ) -> Place | None:
        """The place of a guest at ``address``; None when nobody knows and the page must ask.

        ``chosen`` is a city's gazetteer id, ``kept`` the place from before. The guest's choice, now or before, comes
        before a position; where a guest asks to be placed by position from now on, pass no ``kept``.
        Raises ValueError when there is no such city.
        """
        choice = self._chosen(chosen)
        if own_network(address):
            return self._on_own_network(position, kept)
        if choice:
            return choice
        if kept and kept.source == "chosen":
            placed = self._with_district(kept)
            if placed:
                return placed
        located = self._locate(address)
        country = located.country if located else ""
        if position and position.accuracy_m <= ACCURACY_MAX_M:
            placed = self._by_position(position, country)
            if placed:
                return placed
        if kept and kept.source == "position" and country in ("", kept.country):
            placed = self._with_district(kept)
            if placed:
                return placed
        return self._by_address(located)

    def neighbours(self, key: str) -> tuple[str, ...]:
        """Return the pools of the towns nearby (product page, Location), the nearest first; none where the host does
        not let guests meet these, or the pool is no city's."""
        of_city = self.nearby and key.startswith(CITY)
        return tuple(CITY + id for id in self._gazetteer.towns_near(key.removeprefix(CITY))) if of_city else ()

    def _on_own_network(self, position: Position | None, kept: Place | None) -> Place:
        """One pool for the whole network, whatever the browser says; its position only ranks inside."""
        pool = self._home or Place(NETWORK_KEY, NETWORK_NAME, "", "network", NOWHERE)
        district = pool.district
        if position and position.accuracy_m <= ACCURACY_MAX_M:
            around = self._gazetteer.around(position.lat, position.lon)
            district = _district(around) if around else district
        elif kept and (kept.source, kept.key) == (pool.source, pool.key):
            district = kept.district
        return replace(pool, district=district)

    def _with_district(self, kept: Place) -> Place | None:
        """The place from before, with the district of its city if it has none; None when there is no such city."""
        of_city = self._chosen(kept.key.removeprefix(CITY), known=False)
        return of_city and replace(kept, district=kept.district if kept.district != NOWHERE else of_city.district)

    def _chosen(self, id: str | None, *, known: bool = True) -> Place | None:
        if id is None:
            return None
        city = self._gazetteer.city(id)
        if city is None and known:
            raise ValueError("no such city in the gazetteer; expected the id of a city that user-cities answered")
        return None if city is None else self._of_city(city, "chosen")

    def _of_city(self, city: City, source: Source) -> Place:
        return _place(self._around(city.lat, city.lon), source)

    def _by_position(self, position: Position, country: str) -> Place | None:
        around = self._gazetteer.around(position.lat, position.lon)
        if around is None or (country and around.nearest.country != country):
            return None
        return _place(around, "position")

    def _by_address(self, located: IpLocation | None) -> Place | None:
        if located is None or located.point is None:
            return None
        around = self._gazetteer.around(*located.point)
        return None if around is None else _place(around, "ip")

    def _around(self, lat: float, lon: float) -> Around:
        around = self._gazetteer.around(lat, lon)
        assert around is not None  # a city is at most 0 km from one
        return around


def position(raw: object) -> Position | None:
    """A position as ``user-join`` and ``user-place`` bring it: ``{lat, lon, accuracy}``, degrees and metres.

    Anything out of range or not a number is no position, never an error: a page must not fail to join over it.
    """
    if not isinstance(raw, Mapping):
        return None
    lat, lon, accuracy = raw.get("lat"), raw.get("lon"), raw.get("accuracy")
    if _between(lat, -90, 90) and _between(lon, -180, 180) and _between(accuracy, 0, EARTH_GIRTH_M):
        return Position(lat, lon, accuracy)
    return None


def _between(value: object, lowest: float, highest: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def district_of(lat: float, lon: float) -> District:
    """The district whose square holds the point, a town. Squares of a row are as wide as high in its middle."""
    row = min(floor(lat / SQUARE_DEGREES), round(90 / SQUARE_DEGREES) - 1)
    middle_lat = (row + 0.5) * SQUARE_DEGREES
    squares = max(1, floor(360 * cos(radians(middle_lat)) / SQUARE_DEGREES))
    middle_lon = (floor((lon + 180) / 360 * squares) % squares + 0.5) * 360 / squares - 180
    return District(round(middle_lat / COORDINATE_DEGREES), round(middle_lon / COORDINATE_DEGREES))


def _district(around: Around) -> District:
    return district_of(around.town.lat, around.town.lon) if around.town else NOWHERE


def _place(around: Around, source: Source) -> Place:
    metro = around.metro
    return Place(CITY + metro.id, metro.name, metro.country, source, _district(around))
