"""Messages that wait for an absent guest."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from citychat.limits import bound
from citychat.model import Message

READY_MAX = bound("mailbox")  # protocol §2.7; what is out with a consumer does not count
# What a consumer holds unacked: as much as its receiver, and above READY_MAX, because with less a missing message can
# sit behind a window full of held ones.
PREFETCH = bound("held")
# A marker finds a full window: what is missing may wait behind it. Each time it opens by more than waits behind it, and
# than anybody can write until the next marker (5/s for 60 s).
WIDENED_BY, WIDEST = READY_MAX + 100, bound("mailbox window")
MARKER_S = 30.0  # how long a marker may take; the next one asks again


class Mail(Struct, frozen=True):
    """A message out of a mailbox, with the tag that acks it."""

    tag: int
    message: Message


class Mailbox(Protocol):
    """Messages that wait for an absent guest, in order, at most 24 h and 500 (protocol §2.7)."""

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        """Append in order, durably; ``stored(False)``: perhaps none, perhaps some, perhaps all of them are kept."""

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        """Deliver what waits and what comes, in order, each until acked; one opener at a time holds the queue.

        A second opener waits until the first has closed. The answer is the handle for ``ack`` and ``close``.
        """

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        """Forget these; idempotent, and harmless after ``close`` (they are then delivered again)."""

    def mark(self, handle: object, read: Callable[[bool], None]) -> None:
        """Put a marker behind all that is stored, which no reader sees. ``read(True)``: it has come out to this opener,
        so all that was stored before has. ``read(False)``: nobody knows, because it could not be put or has not come
        within 30 s, after which it is gone."""

    async def close(self, handle: object) -> None:
        """Stop delivering and put everything unacked back in its place, for the next opener."""

    async def discard(self, guest: str) -> None:
        """Delete the mailbox if nobody has it open and nothing waits in it."""

    async def blank(self, guest: str, session_id: str, side: int) -> None:
        """Empty the texts of that side of the session that wait for ``guest``; their ids stay."""

    async def waiting(self) -> int | None:
        """Count what waits for all guests, and what is out unacked; None where the engine does not tell."""
