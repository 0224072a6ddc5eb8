"""Relations: guests who must not meet, and networks to keep away."""

from collections.abc import Sequence
from typing import Protocol


class RelationStore(Protocol):
    """Pairs that never meet again, and networks whose strangers a guest avoids (M5). A no is for ever: as long as
    anybody can be one of the two."""

    async def block(self, a: str, b: str, at: int) -> None:
        """Keep the pair apart for as long as there are both; idempotent, unordered. ``GuestStore.prune`` forgets it a
        token's life after one of the two was forgotten."""

    async def blocked(self, guest: str) -> list[str]:
        """Return who is kept apart from this guest."""

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        """Keep strangers from these networks away from ``guest`` for 24 h from ``at`` on."""

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        """Return the networks this guest still avoids, each with the time since when: the last."""

    async def met(self, guest: str) -> list[str]:
        """Return with whom the guest has talked, as far as it is kept, the last first, and at most the 1,000 last."""
