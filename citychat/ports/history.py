"""What must not vanish."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from citychat.model import WIRE_LETTERS, Guest, Message, Ranges, Session


class Committed(Struct, frozen=True):
    """What became of a batch: ``gaps`` are those of its rows that history already holds as a gap."""

    gaps: frozenset[tuple[str, int, str, int]] = frozenset()


class Progress(Struct, frozen=True):
    """How far history is with what one side of a session sent.

    ``seen``: per stream the last n before the first hole; ``beyond``: the rows after holes, in order of (stream, n).
    """

    seen: dict[str, int]
    beyond: list[Message]


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


class Pause(Struct, frozen=True):
    """A guest who may not use the server until then."""

    until: int
    reason: str


class History(Protocol):
    """What must not vanish: guests, sessions, barred pairs, delivered messages, reports. Never rewritten."""

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep delivered messages in one durable step; a row that exists stays as it is. None: nothing is sure."""

    async def page(self, s: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        """The newest ``limit`` rows before that place in the order (l, side, st, n), oldest first."""

    async def standing(self, s: str, side: int) -> Progress: ...

    async def held(self, s: str, side: int, st: str, ranges: Ranges) -> Ranges:
        """Which of these history holds as messages; gap rows do not count."""

    async def guest(self, guest: str) -> Guest | None: ...

    async def keep_guest(self, guest: Guest) -> None:
        """Insert or replace."""

    async def begin(self, session: Session) -> None:
        """Keep a new session; durable when this returns (M11). Idempotent."""

    async def undo(self, s: str) -> None:
        """Forget a session that never began; harmless when it does not exist."""

    async def end(self, s: str, at: int) -> None:
        """Mark as ended; the first time stays."""

    async def session(self, s: str) -> Session | None: ...

    async def sessions(self, guest: str) -> list[Session]:
        """All that are kept with this member, newest first."""

    async def bar(self, a: str, b: str, at: int) -> None:
        """The pair never meets again; idempotent, unordered."""

    async def barred(self, guest: str) -> list[str]:
        """With whom this guest is barred."""

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        """Guests made after ``at`` from one of these networks stay away from ``guest`` for 24 h (M5)."""

    async def shunned(self, guest: str, now: int) -> dict[str, int]:
        """Networks this guest still shuns, each with the time since when."""

    async def report(self, report: Report) -> str:
        """Keep a report with the last 50 messages of both sides as evidence; answers its code.

        Idempotent by (session, reporter): the code of the first is answered. Erased texts younger than 72 h are part of
        the evidence. Three reports by three guests on three networks within 24 h pause the accused for 24 h.
        """

    async def case(self, code: str) -> Literal["received", "acted", "none"] | None: ...

    async def pause(self, guest: str, now: int) -> Pause | None: ...

    async def wish(self, s: str, guest: str, at: int) -> bool:
        """``guest`` would talk again; whether the partner has wished it too within 24 h. Used up when true."""

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Forget the guest: blank their texts (kept 72 h for evidence), end and return their sessions, drop the row.

        Ids of messages, barred pairs and sessions stay, so that a late copy meets a duplicate and a no stays a no.
        """

    async def prune(self, now: int, history_ms: int) -> None:
        """Delete expired sessions with their messages, erased texts over 72 h, old shuns, guests unseen that long."""

    async def idle(self, before: int) -> list[Session]:
        """Sessions not ended whose members were all last seen before that time."""
