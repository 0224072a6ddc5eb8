"""What a history has written down, and the primaries of a replica set that have it, as a process meets them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from citychat.adapters.mongo.connection import READS_OF_A_SET, WRITES_OF_A_SET
from citychat.model import Guest, Message, RowKey, Session
from citychat.ports import Report

IS_MAJORITY_READ = READS_OF_A_SET.level == "majority"
IS_MAJORITY_WRITTEN = WRITES_OF_A_SET.document["w"] == "majority"


@dataclass
class Records:
    chats: dict[str, dict[RowKey, Message]] = field(default_factory=dict)  # the rows of each session
    after_end: set[RowKey] = field(default_factory=set)  # of messages that were kept when their session had ended
    guests: dict[str, Guest] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    pairs: dict[tuple[str, str], int] = field(default_factory=dict)
    avoided: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    erased_guests: set[str] = field(default_factory=set)
    reports: dict[tuple[str, str], Report] = field(default_factory=dict)
    wishes: dict[tuple[str, str], int] = field(default_factory=dict)

    def copy(self) -> "Records":
        return Records(
            {s: dict(rows) for s, rows in self.chats.items()}, set(self.after_end), dict(self.guests),
            dict(self.sessions), dict(self.pairs), {guest: list(those) for guest, those in self.avoided.items()},
            set(self.erased_guests), dict(self.reports), dict(self.wishes),
        )  # fmt: skip

    def rows(self, s: str, reader: int | None = None) -> list[Message]:
        """What history holds of a session, in the order of the transcript; without what that side may not learn."""
        rows = sorted(self.chats.get(s, {}).values(), key=lambda row: row.order)
        return [row for row in rows if row.side != reader or (row.kind != "gap" and row.row_key not in self.after_end)]

    def apart(self, members: Sequence[str]) -> bool:
        """Whether these two are kept apart, by the history."""
        return (min(members), max(members)) in self.pairs

    def row(self, s: str, st: str, n: int) -> Message | None:
        held = self.chats.get(s, {})
        return (
            held.get((s, 0, st, n))
            or held.get((s, 1, st, n))
            or next((row for row in held.values() if row.stream == st and row.number <= n <= row.last), None)
        )

    def held(self, message: Message, where: str) -> None:
        """A message is kept here now."""


class OldPrimary:
    """A primary that hears nobody any more and does not know it. What it does from now on no majority will have, and
    is gone when it follows the new one."""

    def __init__(self, committed: Records) -> None:
        self.committed, self.own = committed.copy(), committed.copy()

    @property
    def read(self) -> Records:
        """What it answers to what the real adapter asks for."""
        return self.committed if IS_MAJORITY_READ else self.own


class SetLink:
    """A process's link to the replica set: to the primary, until it has learned of the new one to an old one, or to
    none."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._old: OldPrimary | None = None
        self._old_until_s = self._found_at_s = 0.0

    def fail_over(self, old: OldPrimary, stale_s: float, found_s: float) -> None:
        """For ``stale_s`` it is the old primary that answers, then nobody does for ``found_s``."""
        self._old, self._old_until_s = old, self._loop.time() + stale_s
        self._found_at_s = self._old_until_s + found_s

    def well(self) -> None:
        self._old, self._found_at_s = None, 0.0

    @property
    def old(self) -> OldPrimary | None:
        return self._old if self._loop.time() < self._old_until_s else None

    @property
    def up(self) -> bool:
        return self.old is not None or self._loop.time() >= self._found_at_s
