"""Relations: guests who must not meet, and networks to keep away."""

from collections.abc import Sequence
from typing import Protocol


class RelationStore(Protocol):
    """Pairs that never meet again, and networks whose strangers a guest avoids (M5, a no is for ever)."""

    async def block(self, a: str, b: str, at: int) -> None:
        """Keep the pair apart for ever; idempotent, unordered."""

    async def blocked(self, guest: str) -> list[str]:
        """Return who is kept apart from this guest."""

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int) -> None:
        """Keep strangers from these networks away from ``guest`` for 24 h from ``at`` on."""

    async def avoided_networks(self, guest: str, now: int) -> dict[str, int]:
        """Return the networks this guest still avoids, each with the time since when: the last."""

    async def met(self, guest: str) -> list[str]:
        """Return with whom the guest has talked, as far as it is kept, the last first, and at most the 1,000 last."""
