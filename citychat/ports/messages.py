"""Delivered messages, which must not vanish."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from citychat.model import Message, MessageKey, Ranges, RowKey


class Committed(Struct, frozen=True):
    """The outcome of a batch. ``unkept``: its messages that are not kept and never will be; ``filled``: those that have
    taken the place of a gap; ``standing``: the messages that were there already where it has gap rows."""

    unkept: frozenset[RowKey] = frozenset()
    filled: frozenset[RowKey] = frozenset()
    standing: tuple[Message, ...] = ()


class Progress(Struct, frozen=True):
    """Progress of the history with what one side of a session sent.

    ``seen``: per stream the last number before the first hole; ``beyond``: the rows after holes, in order of
    (stream, number); ``lost``: how many messages gaps stand for; ``links``: what the first row of a stream links to.
    """

    seen: dict[str, int]
    beyond: list[Message]
    lost: int = 0
    links: dict[str, MessageKey] = {}


class MessageStore(Protocol):
    """The messages that a page has drawn, and gap rows for those that have not come. A message is never rewritten; its
    gap gives way to it.

    A gap row may stand for several numbers. What is added of it are those that are not held yet, in as few rows as that
    takes, after the messages of the same batch; a message with a number that it stands for parts it.

    What is kept when its session has ended is marked: its sender is not to learn that its reader has come since.
    """

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        """Keep delivered messages in one durable step; a message that exists stays as it is. None: nothing is sure.

        Nothing is kept for a session that does not exist: it has been deleted with its messages, and is not to come
        back. Such rows are ``unkept``: no receipt, and nobody sends them again.
        """

    async def page(
        self, session_id: str, before: tuple[int, int, str, int] | None, limit: int, reader: int | None = None
    ) -> list[Message]:
        """Return the newest ``limit`` rows before that place in the order (lamport, side, stream, number), oldest
        first. For the page of side ``reader`` without gaps of its own, and without what it has sent and the other side
        has drawn after the end (protocol §2.2)."""

    async def progress(self, session_id: str, side: int) -> Progress:
        """Return how far history is with what that side has sent."""

    async def held(self, session_id: str, side: int, stream: str, ranges: Ranges) -> Ranges:
        """Return which of these numbers history holds as messages, for their sender: gap rows do not count, nor does
        what was kept after the end."""
