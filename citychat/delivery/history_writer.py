"""Group commit: drawn messages go into the history, then through the fence, then receipts leave (protocol §2.5.3).

The order is the promise: a receipt or a mailbox ack that leaves before the commit lets a crash lose the message, and
one that leaves for a page whose guest has a newer page lets the new page miss it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from citychat.limits import bound
from citychat.model import Message, RowKey, Unavailable
from citychat.ports import Committed, History, Lobby

BATCH_ROWS = 500
BATCH_S = 0.020  # group commit: 0.4 ms a commit alone, 100 rows together cost 5 us each
RETRY_S = 1.0
BODIES_MAX_BYTES = bound("uncommitted texts")

log = logging.getLogger(__name__)


class Recipient(Protocol):
    """The endpoint whose page has drawn a message; told after the commit, if it is still the guest's newest page."""

    @property
    def guest(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    @property
    def closed(self) -> bool: ...

    def settled(self, receipted: list[Message], silent: list[Message], late: list[Message]) -> None:
        """Take what is in the history. ``silent`` ones never will be: out of the mailbox, but no receipt. ``late`` are
        those of the others in whose place a gap was."""


Drawn = tuple[Recipient, Message]
RECEIPTED, SILENT, LATE = range(3)  # what has become of it


class HistoryWriter:
    """One per process. ``run`` is its only task."""

    def __init__(self, history: History, lobby: Lobby) -> None:
        self.history, self.lobby = history, lobby
        self.waiting: list[Drawn] = []
        self.unsure: list[tuple[Drawn, int]] = []  # committed, but the fence has not answered
        self.bytes = 0
        self._kept: set[tuple[Recipient, RowKey]] = set()
        self.counts: Counter[str] = Counter()
        self._batch_rows = (
            BATCH_ROWS  # less while the store is too slow for more: tried again whole, it would take none
        )
        self.turns = 0  # grows as long as the history and the lobby answer, be it with a no
        self._filled = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def full(self) -> bool:
        """Tell whether history has been away for so long that this process should hold no more bodies."""
        return self.bytes >= BODIES_MAX_BYTES

    @property
    def idle(self) -> bool:
        """Tell whether nothing is kept here."""
        return self._idle.is_set()

    def add(self, recipient: Recipient, message: Message) -> bool:
        """Keep a drawn message; False when full (its owner, outbox or mailbox, will send it again). A copy of one that
        is kept is settled with it."""
        kept = recipient, message.row_key
        if kept in self._kept:
            return True
        if self.full:
            self.counts["turned away"] += 1
            return False
        self._kept.add(kept)
        self.bytes += message.size_bytes
        self.waiting.append((recipient, message))
        self._idle.clear()
        self._filled.set()
        return True

    async def run(self) -> None:
        while True:
            await self._filled.wait()
            self.turns += 1
            if len(self.waiting) < self._batch_rows:
                await asyncio.sleep(BATCH_S)
            count = _whole(self.waiting[: self._batch_rows])
            batch, self.waiting = self.waiting[:count], self.waiting[count:]
            if batch and not await self._commit(batch):
                self.waiting[:0] = batch
                self._batch_rows = max(len(batch) // 2, 1)
                await asyncio.sleep(RETRY_S)
            await self._fence()
            if not self.waiting and not self.unsure:
                self._filled.clear()
                self._idle.set()
            elif not batch:
                await asyncio.sleep(RETRY_S)

    async def flushed(self) -> None:
        """Wait until nothing is kept here any more."""
        await self._idle.wait()

    async def _commit(self, batch: Sequence[Drawn]) -> bool:
        """Write them; False when the store did not say that it has them."""
        rows: dict[RowKey, Message] = {}
        for _, message in batch:  # of two texts with one number the page has drawn the first
            rows.setdefault(message.row_key, message)
        committed = await self._add(list(rows.values()))
        if committed is None:
            self.counts["commits failed"] += 1
            return False
        self._batch_rows = min(self._batch_rows * 2, BATCH_ROWS)
        for drawn in batch:
            key = drawn[1].row_key
            is_silent = drawn[1].kind == "gap" or key in committed.unkept
            fate = SILENT if is_silent else LATE if key in committed.filled else RECEIPTED
            self.unsure.append((drawn, fate))
        return True

    async def _add(self, rows: Sequence[Message]) -> Committed | None:
        answer: asyncio.Future[Committed | None] = asyncio.get_running_loop().create_future()

        def done(committed: Committed | None) -> None:
            if not answer.done():
                answer.set_result(committed)

        self.history.messages.add(rows, done)
        return await answer

    async def _fence(self) -> None:
        """Is each of these pages still its guest's newest? A newer one will be sent the message again: say nothing."""
        guests = list(dict.fromkeys(recipient.guest for (recipient, _), _ in self.unsure))
        if not guests:
            return
        try:
            where = await self.lobby.status(guests)
        except Unavailable:
            return
        epochs = {guest: known.epoch for guest, known in zip(guests, where, strict=True)}
        sure: dict[Recipient, tuple[list[Message], list[Message], list[Message]]] = {}
        unsure, self.unsure = self.unsure, []
        for (recipient, message), fate in unsure:
            newest = epochs[recipient.guest]
            if newest < recipient.epoch and not recipient.closed:  # the lobby forgot: the guest will be entered again
                self.unsure.append(((recipient, message), fate))
                continue
            self.bytes -= message.size_bytes
            self._kept.discard((recipient, message.row_key))
            if newest == recipient.epoch:
                told = sure.setdefault(recipient, ([], [], []))
                told[SILENT if fate == SILENT else RECEIPTED].append(message)
                if fate == LATE:
                    told[LATE].append(message)
            else:
                self.counts["fenced"] += 1
        for recipient, told in sure.items():
            recipient.settled(*told)


def _whole(drawn: Sequence[Drawn]) -> int:
    """Return how many of these one write may hold: a store may break off and keep any part of it, and who joins then
    would find a stream without the end of the one it links to. So what is linked to is committed before."""
    streams = set()
    for count, (_, message) in enumerate(drawn):
        if message.previous is not None and message.previous[0] in streams:
            return count
        streams.add(message.stream)
    return len(drawn)
