"""Index of the free guests by pool, rank and district, so that a claim costs the same in a village and a capital.

Nothing here iterates over a set of strings: hash randomisation would change the order from run to run, and a failing
simulation must replay.
"""

from collections.abc import Container, Iterable, Iterator
from heapq import heappop, heappush
from math import cos, radians
from random import Random

from citychat.model import NOWHERE, District
from citychat.rules import (
    COORDINATE_DEGREES,
    COORDINATES_ROUND,
    DISTRICTS_WALKED,
    DRAWN_PER_DISTRICT,
    IDLE_IN_VIEW,
    LOOKERS_DRAWN,
    TOP_LEVEL,
    UNASKED,
)

_TILE_BITS = 2  # a tile is 4 x 4 of the level below: the fewest heap pushes for a city as well as for a country

ASKED = range(UNASKED)  # all ranks of those who may be asked
_Tile = tuple[int, int]


class _DistrictGuests:
    """The guests of one district: added, removed and drawn at random in O(1)."""

    def __init__(self) -> None:
        self._guests: list[str] = []
        self._index: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def add(self, guest: str) -> None:
        self._index[guest] = len(self._guests)
        self._guests.append(guest)

    def remove(self, guest: str) -> None:
        at, last = self._index.pop(guest), self._guests.pop()
        if last != guest:
            self._guests[at] = last
            self._index[last] = at

    def draw(self, random: Random, blocked: Container[str], most: int) -> Iterator[str]:
        """At most so many of them at random, each once: a shuffle that stops early (order here means nothing)."""
        guests, index = self._guests, self._index
        left = most
        for i in range(len(guests)):
            if not left:
                return
            j = random.randrange(i, len(guests))
            guest = guests[j]
            guests[i], guests[j] = guest, guests[i]
            index[guest], index[guests[j]] = i, j
            if guest not in blocked:
                left -= 1
                yield guest


class _TilePyramid:
    """The non-empty districts of one pool and rank under a pyramid of tiles, walked from the nearest outwards."""

    def __init__(self) -> None:
        self.stands: dict[District, _DistrictGuests] = {}
        self._tiles: list[dict[_Tile, dict[_Tile, None]]] = [{} for _ in range(TOP_LEVEL)]

    def add(self, guest: str, district: District) -> None:
        if district not in self.stands:
            self.stands[district] = _DistrictGuests()
            self._grow(district)
        self.stands[district].add(guest)

    def remove(self, guest: str, district: District) -> None:
        self.stands[district].remove(guest)
        if not self.stands[district]:
            del self.stands[district]
            self._shrink(district)

    def near(self, district: District) -> Iterator[_DistrictGuests]:
        """Every stand, nearest district first; a tie goes to the lower coordinates."""
        if district in self.stands:
            yield self.stands[district]
        lat, lon = district
        stretch = cos(radians(lat * COORDINATE_DEGREES)) ** 2  # a degree of longitude shrinks towards the poles
        # Best first: a tile is opened only when nothing nearer is left, so empty country costs nothing.
        ahead: list[tuple[float, int, _Tile]] = [(0.0, TOP_LEVEL, tile) for tile in sorted(self._tiles[-1])]
        while ahead:
            _, level, tile = heappop(ahead)
            if level == 0:
                if tile != district:
                    yield self.stands[District(*tile)]
                continue
            level -= 1
            bits, reach = _TILE_BITS * level, (1 << _TILE_BITS * level) - 1
            for child in self._tiles[level][tile]:
                up = _gap(child[0] << bits, reach, lat)
                along = _gap(child[1] << bits, reach, lon)
                if along:  # perhaps it is nearer across the 180th meridian
                    along = min(along, max(COORDINATES_ROUND - along - reach, 0))
                heappush(ahead, (up * up + along * along * stretch, level, child))

    def _grow(self, tile: _Tile) -> None:
        for tiles in self._tiles:
            parent = tile[0] >> _TILE_BITS, tile[1] >> _TILE_BITS
            known = parent in tiles
            tiles.setdefault(parent, {})[tile] = None
            if known:
                return
            tile = parent

    def _shrink(self, tile: _Tile) -> None:
        for tiles in self._tiles:
            parent = tile[0] >> _TILE_BITS, tile[1] >> _TILE_BITS
            del tiles[parent][tile]
            if tiles[parent]:
                return
            del tiles[parent]
            tile = parent


def _gap(low: int, reach: int, at: int) -> int:
    """Return how far ``at`` is outside ``low`` … ``low + reach``."""
    if at < low:
        return low - at
    return at - low - reach if at > low + reach else 0


class SpatialIndex:
    """The free guests, each at one place at most."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._places: dict[str, tuple[str, int, District]] = {}
        self._areas: dict[tuple[str, int], _TilePyramid] = {}
        self._counts: dict[str, int] = {}

    def __contains__(self, guest: str) -> bool:
        return guest in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def put(self, guest: str, pool: str, rank: int, district: District) -> None:
        """Stand here, and nowhere else any more; whose place ranks nobody, anywhere in the pool."""
        place = pool, rank, district if rank == IDLE_IN_VIEW else NOWHERE
        if self._places.get(guest) == place:
            return
        self.discard(guest)
        self._places[guest] = place
        self._counts[pool] = self._counts.get(pool, 0) + 1
        if rank != UNASKED:
            self._areas.setdefault((pool, rank), _TilePyramid()).add(guest, place[2])

    def discard(self, guest: str) -> None:
        place = self._places.pop(guest, None)
        if place is None:
            return
        pool, rank, district = place
        self._counts[pool] -= 1
        if not self._counts[pool]:
            del self._counts[pool]
        if rank != UNASKED:
            area = self._areas[pool, rank]
            area.remove(guest, district)
            if not area.stands:
                del self._areas[pool, rank]

    def count(self, pool: str) -> int:
        return self._counts.get(pool, 0)

    def rank(self, guest: str) -> int:
        """Return where a guest stands, UNASKED for one who does not."""
        return self._places[guest][1] if guest in self._places else UNASKED

    def draw(
        self,
        pool: str,
        district: District | None,
        blocked: Container[str],
        ranks: Iterable[int] = ASKED,
        share: int = 1,
    ) -> Iterator[str]:
        """Candidates for somebody in ``district``: of these ranks in their order, at random; who does not look from the
        nearest district (None: from any), at random inside it.

        Of each rank at most LOOKERS_DRAWN guests, or DISTRICTS_WALKED districts and DRAWN_PER_DISTRICT guests of each;
        with a ``share`` one in so many of those guests, or districts.
        The blocked are passed over and not counted, or those around somebody who has declined many would hide everybody
        behind them (M13, M14). Use it up or drop it before the index changes.
        """
        for rank in ranks:
            area = self._areas.get((pool, rank))
            if area is None:
                continue
            if rank == IDLE_IN_VIEW:
                stands = self._in_any_order(area) if district is None else area.near(district)
                yield from self._walk(stands, blocked, DISTRICTS_WALKED // share)
            else:
                yield from area.stands[NOWHERE].draw(self._random, blocked, LOOKERS_DRAWN // share)

    def draw_few(self, pool: str, blocked: Container[str], ranks: Iterable[int], most: int) -> Iterator[str]:
        """Candidates of these ranks in their order, at random, at most so many of each, where no place ranks."""
        for rank in ranks:
            if (pool, rank) in self._areas:
                yield from self._areas[pool, rank].stands[NOWHERE].draw(self._random, blocked, most)

    def _in_any_order(self, area: _TilePyramid) -> Iterator[_DistrictGuests]:
        stands = list(area.near(NOWHERE))
        self._random.shuffle(stands)
        return iter(stands)

    def _walk(self, stands: Iterator[_DistrictGuests], blocked: Container[str], left: int) -> Iterator[str]:
        for stand in stands:
            met = False
            for guest in stand.draw(self._random, blocked, DRAWN_PER_DISTRICT):
                met = True
                yield guest
            left -= met
            if not left:
                return
