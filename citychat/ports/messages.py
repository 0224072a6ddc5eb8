"""Delivered messages, which must not vanish."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from citychat.model import Message, Ranges


class Committed(Struct, frozen=True):
    """The outcome of a batch: ``gaps`` are those of its rows that are not kept and never will be, most of them because
    history already holds a gap in their place."""

    gaps: frozenset[tuple[str, int, str, int]] = frozenset()


class Progress(Struct, frozen=True):
    """Progress of the history with what one side of a session sent.

    ``seen``: per stream the last number before the first hole; ``beyond``: the rows after holes, in order of
    (stream, number); ``lost``: how many messages gaps stand for.
    """

    seen: dict[str, int]
    beyond: list[Message]
    lost: int = 0


class MessageStore(Protocol):
    """The messages that a page has drawn, and gap rows for those that never came. Never rewritten.

    A gap row may stand for several numbers. What is added of it are those that are not held yet, in as few rows as that
    takes, after the messages of the same batch; a message with a number that it stands for comes too late.
    """

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep delivered messages in one durable step; a row that exists stays as it is. None: nothing is sure.

        Nothing is kept for a session that does not exist: it has been deleted with its messages, and is not to come
        back. Such rows are answered like those that are held as gaps: no receipt, and nobody sends them again.
        """

    async def page(self, session_id: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        """Return the newest ``limit`` rows before that place in the order (lamport, side, stream, number), oldest
        first."""

    async def progress(self, session_id: str, side: int) -> Progress:
        """Return how far history is with what that side has sent."""

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        """Return which of these numbers history holds as messages; gap rows do not count."""
