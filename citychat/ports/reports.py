"""Reports of guests about each other."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from citychat.model import WIRE_LETTERS
from citychat.rules import Told


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


class Untold(Struct, frozen=True):
    """An open report of which the host has not been told."""

    code: str
    reason: str


class ReportStore(Protocol):
    """Reports with their evidence. Never rewritten."""

    async def add(self, report: Report) -> str:
        """Keep a report with the last 50 messages of both sides as evidence; return its code.

        Idempotent by (session, reporter): the code of the first is returned. Erased texts younger than 72 h are part of
        the evidence. Three reports by three guests on three networks within 24 h pause the accused for 24 h, and in the
        same step the new guests of the accused's networks (``GuestStore.networks``): if the accused had written in each
        of those chats and it had lasted a minute, and none is of a reporter, or of a network, of three reports within
        an hour.
        """

    async def state(self, code: str, now: int) -> Told | None:
        """Return what its reporter is told of a report: what the host has decided last; None for an unknown code."""

    async def untold(self) -> list[Untold]:
        """Return the open reports of which the host has not been told, oldest first; at most 100."""

    async def told(self, codes: Sequence[str]) -> None:
        """Note that the host has been told of these."""

    async def open(self) -> int:
        """Count the reports that wait for the host: not closed, or objected to and not answered."""

    async def objections(self) -> int:
        """Count those of them with an objection that was not answered."""
