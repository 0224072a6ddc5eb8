"""The house: what the host has said for all processes of a site, and whose turn it is to tell the host something."""

from typing import Protocol

from msgspec import Struct


class Closure(Struct, frozen=True):
    """The host's word to everybody while nobody new is led together. ``until``: its end (ms), ``FOR_GOOD_MS`` when it
    has none."""

    text: str
    until: int


class HouseStore(Protocol):
    """Store of what holds for a whole site: whichever process asks, and longer than all of them run."""

    async def closure(self, now: int) -> Closure | None:
        """Return the host's word if the house is closed then."""

    async def close(self, closure: Closure) -> None:
        """Close the house, in place of what was said before."""

    async def open(self) -> None:
        """Open the house."""

    async def take_turn(self, what: str, who: str, now: int, until: int) -> bool:
        """Take a turn at ``what`` until then, and tell whether it was taken: it is nobody's, or over, or of ``who``
        already. Of two who take it at once one has it."""
