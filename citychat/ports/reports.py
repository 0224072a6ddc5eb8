"""Reports of guests about each other."""

from typing import Literal, Protocol

from msgspec import Struct

from citychat.model import WIRE_LETTERS


class Report(Struct, frozen=True, rename=WIRE_LETTERS):
    """A guest's report, which ``code`` looks up. ``networks``: keyed hashes of the reporter's address."""

    code: str
    session: str
    reporter: str
    accused: str
    reason: str
    note: str
    at: int
    networks: tuple[str, ...]


class ReportStore(Protocol):
    """Reports with their evidence. Never rewritten."""

    async def add(self, report: Report) -> str:
        """Keep a report with the last 50 messages of both sides as evidence; return its code.

        Idempotent by (session, reporter): the code of the first is returned. Erased texts younger than 72 h are part of
        the evidence. Three reports by three guests on three networks within 24 h pause the accused for 24 h, if the
        accused had written in each of those chats and it had lasted a minute, and none is of a reporter, or of a
        network, of three reports within an hour.
        """

    async def state(self, code: str) -> Literal["received", "acted", "none"] | None:
        """Return what has become of a report, None for an unknown code."""
