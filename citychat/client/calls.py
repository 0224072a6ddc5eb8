"""The calls that an outbox makes to its page."""

from typing import Protocol

from citychat.client.shapes import Row


class Calls(Protocol):
    """The page, as its outbox knows it."""

    def emit(self, event: str, payload: Row) -> None:
        """Send to the server what needs no answer; dropped while the link is down."""

    def draw(self, row: Row, state: str) -> None:
        """Show a message at its place (lamport, side, stream, number); ``state`` is "" for the partner's."""

    def mark(self, session: str, stream: str, number: int, state: str, why: str) -> None:
        """Change the tick: waiting, stored, delivered, refused (with the reason) or undelivered."""

    def alarm(self, at: float) -> None:
        """Call ``tick`` at that time or soon after; an earlier alarm stays."""

    def wall(self) -> int:
        """Tell the hour, ms since 1970: for what is shown or outlives the page. Somebody may set it at any moment."""
