"""A connected page, as everything behind the edge sees it."""

from collections.abc import Mapping
from typing import Protocol


class Page(Protocol):
    """A connected page. Nothing here blocks or raises; after the socket has closed the calls do nothing."""

    @property
    def address(self) -> str:
        """The client's address, after trusted proxies. Never logged, never stored."""

    @property
    def source(self) -> str:
        """The network that the address counts for in the limits; "" for none. Never logged, never stored."""

    @property
    def open(self) -> bool:
        """Tell whether anything emitted can still leave; False from the moment the socket is closed, by whichever
        side."""

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        """Send an event, in order, to the namespace its name starts with."""

    def ping(self) -> None:
        """Let the page hear that this end lives, though there is nothing to tell yet."""

    def let_in(self) -> None:
        """Lift the bounds on a page that has not joined: its guest is in."""

    def turned_away(self) -> None:
        """Count a join that was refused and answered; the third closes the page."""

    def close(self, why: str) -> None:
        """Close after what was emitted before; idempotent. ``why`` is one word for the log."""
