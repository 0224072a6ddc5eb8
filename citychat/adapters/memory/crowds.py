"""Crowds: those who take part in a pool, by network, so that one address takes nobody away from the others.

While others take part, a network has a tenth of all, and three at least. Who is over that is led to guests of the own
network only, so a school that looks is served, and 200 pages of one address reach three at a time. Who has just met
somebody has the share before the others, and then the first by their ids, which is as good as any order that stays: it
does not move on to the next when somebody pauses.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from random import Random

from citychat.rules import LOOKERS_LEAST, OTHERS_FOR_ONE


class Crowds:
    """Those who take part; who has no network, or the only one, is over no share."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._places: dict[str, tuple[str, str, bool]] = {}
        self.counts: dict[str, int] = {}  # of each pool
        self.crowds: dict[tuple[str, str], list[tuple[bool, str]]] = {}  # of each pool and network, in order
        self.crowded: dict[str, dict[str, None]] = {}  # of each pool the networks that could be over their share

    def put(self, guest: str, pool: str, network: str, has_met: bool) -> None:
        """Take part here, and nowhere else any more."""
        place = pool, network, not has_met
        if self._places.get(guest) == place:
            return
        self.discard(guest)
        self._places[guest] = place
        self.counts[pool] = self.counts.get(pool, 0) + 1
        if network:
            crowd = self.crowds.setdefault((pool, network), [])
            insort(crowd, (not has_met, guest))
            if len(crowd) > LOOKERS_LEAST:
                self.crowded.setdefault(pool, {})[network] = None

    def discard(self, guest: str) -> None:
        place = self._places.pop(guest, None)
        if place is None:
            return
        pool, network, only_looks = place
        self.counts[pool] -= 1
        if not self.counts[pool]:
            del self.counts[pool]
        if network:
            self._leave_crowd(pool, network, (only_looks, guest))

    def _leave_crowd(self, pool: str, network: str, who: tuple[bool, str]) -> None:
        crowd = self.crowds[pool, network]
        crowd.remove(who)
        if not crowd:
            del self.crowds[pool, network]
        if len(crowd) == LOOKERS_LEAST:
            del self.crowded[pool][network]
            if not self.crowded[pool]:
                del self.crowded[pool]

    def __contains__(self, guest: str) -> bool:
        return guest in self._places

    def is_among_first(self, guest: str, pool: str, network: str, most: int) -> bool:
        """Tell whether the guest is one of the first so many of a network, or does not take part and would be."""
        crowd, place = self.crowds.get((pool, network), []), self._places.get(guest)
        return (len(crowd) if place is None else bisect_left(crowd, (place[2], guest))) < most

    def is_over(self, guest: str) -> bool:
        """Tell whether the guest takes part and is over the own network's share."""
        place = self._places.get(guest)
        return place is not None and guest in self._over(*place[:2])

    def passed_over(self, pool: str, network: str) -> dict[str, None]:
        """Return who is over the share of another network than this one."""
        others = (self._over(pool, other) for other in self.crowded.get(pool, ()) if other != network)
        return {guest: None for over in others for guest in over}

    def draw(self, pool: str, network: str) -> Iterator[str]:
        """Those of a network at random."""
        crowd = self.crowds.get((pool, network), [])
        return iter([guest for _, guest in self._random.sample(crowd, len(crowd))])

    def has_room(self, guest: str, pool: str, network: str) -> bool:
        """Tell whether a guest of this network, who perhaps does not look, may meet somebody of another one now."""
        crowd = self.crowds.get((pool, network), [])
        return guest in self._places or len(crowd) < self._share(pool, crowd)

    def _over(self, pool: str, network: str) -> list[str]:
        crowd = self.crowds.get((pool, network), [])
        return [guest for _, guest in crowd[self._share(pool, crowd) :]]

    def _share(self, pool: str, crowd: list[tuple[bool, str]]) -> int:
        others = self.counts.get(pool, 0) - len(crowd)
        return max(LOOKERS_LEAST, others // OTHERS_FOR_ONE) if others else len(crowd) + 1
