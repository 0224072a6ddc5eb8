"""Places from the internet address, the browser's position, the guest's own choice or the host's network.

Pure: no file, no clock, no network. Source of the rules: product page, Location. Whatever answers, the pool's key comes
from the gazetteer's metro rule, so that guests placed by different sources meet. A position is cut to its cell the
moment it comes in; everything here, the country too, is judged by the middle of that cell.
"""

from collections.abc import Callable, Mapping
from math import floor
from typing import NamedTuple, TypeGuard

from citychat.model import NOWHERE, Cell, Place, Source
from citychat.networks import own_network
from citychat.places.gazetteer import Around, City, Gazetteer
from citychat.rules import CELL_DEGREES

ACCURACY_MAX_M = 20_000.0  # beyond, a browser guesses from the address as we do, and we know whose guess ours is
EARTH_GIRTH_M = 40_075_000
NETWORK_KEY, NETWORK_NAME = "network", "This network"
CELLS_PER_DEGREE = round(1 / CELL_DEGREES)


class Position(NamedTuple):
    """A browser's position as it is kept: the cell, and how exact it was said to be, in metres."""

    cell: Cell
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
    """Places guests. ``locate`` asks the IP database; ``home`` is the city the host named for the own network."""

    def __init__(
        self, gazetteer: Gazetteer, locate: Callable[[str], IpLocation | None], home: City | None = None
    ) -> None:
        self._gazetteer, self._locate = gazetteer, locate
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
        if kept and kept.source == "chosen" and self._chosen(kept.key[1:], known=False):
            return kept
        located = self._locate(address)
        country = located.country if located else ""
        if position and position.accuracy_m <= ACCURACY_MAX_M:
            placed = self._by_position(position.cell, country)
            if placed:
                return placed
        if kept and kept.source == "position":
            placed = self._by_position(kept.cell, country)
            if placed:
                return placed
        return self._by_address(located)

    def _on_own_network(self, position: Position | None, kept: Place | None) -> Place:
        """One pool for the whole network, whatever the browser says; its position only ranks inside."""
        pool = self._home or Place(NETWORK_KEY, NETWORK_NAME, "", "network", NOWHERE)
        cell = pool.cell
        if position and position.accuracy_m <= ACCURACY_MAX_M:
            cell = position.cell
        elif kept and (kept.source, kept.key) == (pool.source, pool.key):
            cell = kept.cell
        return Place(pool.key, pool.city, pool.country, pool.source, cell)

    def _chosen(self, id: str | None, *, known: bool = True) -> Place | None:
        if id is None:
            return None
        city = self._gazetteer.city(id)
        if city is None and known:
            raise ValueError("no such city in the gazetteer; expected the id of a city that user-cities answered")
        return None if city is None else self._of_city(city, "chosen")

    def _of_city(self, city: City, source: Source) -> Place:
        return _place(self._around(city.lat, city.lon), source, cell_of(city.lat, city.lon))

    def _by_position(self, cell: Cell, country: str) -> Place | None:
        around = self._gazetteer.around(*middle(cell))
        if around is None or (country and around.nearest.country != country):
            return None
        return _place(around, "position", cell)

    def _by_address(self, located: IpLocation | None) -> Place | None:
        if located is None or located.point is None:
            return None
        around = self._gazetteer.around(*located.point)
        return None if around is None else _place(around, "ip", cell_of(*located.point))

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
        return Position(cell_of(lat, lon), accuracy)
    return None


def _between(value: object, lowest: float, highest: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and lowest <= value <= highest


def cell_of(lat: float, lon: float) -> Cell:
    """The cell of a point; the north pole belongs to the northernmost row, +180 degrees is -180."""
    half = 180 * CELLS_PER_DEGREE
    row = min(floor(lat * CELLS_PER_DEGREE), 90 * CELLS_PER_DEGREE - 1)
    return Cell(row, (floor(lon * CELLS_PER_DEGREE) + half) % (2 * half) - half)


def middle(cell: Cell) -> tuple[float, float]:
    """Latitude and longitude of a cell's middle."""
    return (cell.lat + 0.5) / CELLS_PER_DEGREE, (cell.lon + 0.5) / CELLS_PER_DEGREE


def _place(around: Around, source: Source, cell: Cell) -> Place:
    metro = around.metro
    return Place("c" + metro.id, metro.name, metro.country, source, cell)
