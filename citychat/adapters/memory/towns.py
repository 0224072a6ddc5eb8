"""Towns nearby in the embedded lobby: those who may meet guests of other pools, and have asked for it (protocol §3)."""

from collections.abc import Container, Iterable, Iterator
from random import Random

from citychat.adapters.memory.crowds import Crowds
from citychat.adapters.memory.lobby_guest import LobbyGuest
from citychat.adapters.memory.nearest import SpatialIndex
from citychat.model import NOWHERE
from citychat.rules import DRAWN_PER_TOWN, ROAMERS

EVERYWHERE = ""  # the pool of those who take part and roam: of one network so many in all towns together


class Towns:
    """Those who roam. Each stands in the own pool as in the index, but for the district: nobody of another town is
    ranked by it."""

    def __init__(self, random: Random) -> None:
        self.index, self.roamers = SpatialIndex(random), Crowds(random)

    def file(self, person: LobbyGuest, index: SpatialIndex, crowds: Crowds, has_met: bool) -> None:
        """Put a guest where the index of the pool and the crowds have it, if it roams."""
        if person.towns and person.pool is not None and person.id in index:
            self.index.put(person.id, person.pool, index.rank(person.id), NOWHERE)
        else:
            self.index.discard(person.id)
        if person.towns and person.id in crowds:
            self.roamers.put(person.id, EVERYWHERE, person.network, has_met)
        else:
            self.roamers.discard(person.id)

    def may_roam(self, person: LobbyGuest) -> bool:
        """Tell whether the guest is among those of its network who may meet guests of other towns and networks."""
        return not person.network or self.roamers.is_among_first(person.id, EVERYWHERE, person.network, ROAMERS)

    def draw(self, pool: str, blocked: Container[str], ranks: Iterable[int]) -> Iterator[str]:
        """Draw those of another town who roam: of these ranks in their order, at random, a few of each."""
        return self.index.draw_few(pool, blocked, ranks, DRAWN_PER_TOWN)
