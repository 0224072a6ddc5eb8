"""The embedded mailbox: one table. What a consumer has not acked is known in memory only: closing puts it all back."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from citychat.adapters.sqlite.database import Database, Row, Transaction
from citychat.adapters.sqlite.rows import to_message, to_row
from citychat.model import Message
from citychat.ports import MARKER_S, PREFETCH, READY_MAX, WIDENED_BY, WIDEST, Clock, Mail, SteadyTime, Timer
from citychat.rules import held_after

SWEEP_S = 600.0  # what nobody fetches is deleted at most this long after its time
RETRY_S = 1.0  # a consumer whose read failed tries again


class _TableConsumer:
    """One opener: ``passed`` is the last id it was given, ``unacked`` what of that it still owes an ack for, ``window``
    how many that may be, ``markers`` the ids whose passing somebody waits for."""

    def __init__(self, guest: str, mail: Callable[[Mail], None]) -> None:
        self.guest = guest
        self.mail = mail
        self.passed = 0
        self.window = PREFETCH
        self.markers: list[tuple[int, Callable[[bool], None]]] = []
        self.unacked: set[int] = set()
        self.reading = False
        self.more = False


class SqliteMailbox:
    """Messages that wait for an absent guest (ports.Mailbox), in the same file and commits as the history.

    They grow old by a time of the mailbox's own. It goes on by the monotonic clock from where the last run of a server
    has left it: a clock that was wrong, or steps, deletes nothing, and hours in which no server runs do not count.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._consumers: dict[str, deque[_TableConsumer]] = {}  # by guest; the first one holds the queue
        self._timers: dict[object, Timer] = {}
        self._time = SteadyTime(clock, 0)

    async def __aenter__(self) -> Self:
        """Raises Unavailable."""
        known: int = (await self._database.run(lambda transaction: transaction.rows("mail_now")))[0][0]
        self._time = SteadyTime(self._clock, known or self._clock.wall_ms())
        self._sweep()
        return self

    async def __aexit__(self, *error: object) -> None:
        now = self._time.now_ms()
        self._database.submit(lambda transaction: transaction.change("mail_note_now", now), lambda _: None)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._consumers.clear()

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        """Keep all, or none when that would make more than 500 that wait; in one commit."""
        holder = self._holder(guest)
        passed, now = holder.passed if holder else 0, self._time.now_ms()
        rows = [(guest, now, *to_row(message)) for message in messages]

        def work(transaction: Transaction) -> bool:
            ready: int = transaction.rows("mail_ready", guest, passed, held_after("mail", now))[0][0]
            if ready + len(rows) > READY_MAX:
                return False
            transaction.change_each("mail_put", rows)
            return True

        def done(kept: bool | None) -> None:
            stored(bool(kept))
            if kept and (consumer := self._holder(guest)):
                self._read(consumer)

        self._database.submit(work, done)

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        """The handle at once; mail comes when earlier openers have closed."""
        consumer = _TableConsumer(guest, mail)
        self._consumers.setdefault(guest, deque()).append(consumer)
        if self._holder(guest) is consumer:
            self._read(consumer)
        return consumer

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        consumer = _consumer(handle)
        mine = consumer.unacked.intersection(tags)
        if not mine or self._holder(consumer.guest) is not consumer:
            return
        consumer.unacked -= mine
        ids: list[Row] = [(tag,) for tag in sorted(mine)]
        # If this fails they stay in the table and go to the next opener, as if the ack had been lost.
        self._database.submit(lambda transaction: transaction.change_each("mail_drop", ids), lambda _: None)
        if consumer.more:
            self._read(consumer)

    def mark(self, handle: object, read: Callable[[bool], None]) -> None:
        """Nothing is put: the id of the last row marks it."""
        consumer, oldest = _consumer(handle), held_after("mail", self._time.now_ms())
        if len(consumer.unacked) >= consumer.window:
            consumer.window = min(WIDEST, consumer.window + WIDENED_BY)
            self._read(consumer)

        def answer(yes: bool) -> None:
            if (timer := self._timers.pop(answer, None)) is not None:
                timer.cancel()
                read(yes)

        def done(rows: list[Row] | None) -> None:
            if rows is None:
                answer(False)
            else:
                consumer.markers.append((rows[0][0] if rows else 0, answer))
                self._pass_markers(consumer)

        self._timers[answer] = self._clock.later(MARKER_S, lambda: answer(False))
        self._database.submit(lambda transaction: transaction.rows("mail_last", consumer.guest, oldest), done)

    async def close(self, handle: object) -> None:
        consumer = _consumer(handle)
        waiting = self._consumers.get(consumer.guest)
        if waiting is None or consumer not in waiting:
            return
        held = waiting[0] is consumer
        waiting.remove(consumer)
        if timer := self._timers.pop(consumer, None):
            timer.cancel()
        if not waiting:
            del self._consumers[consumer.guest]
        elif held:
            self._read(waiting[0])
            self._pass_markers(waiting[0])

    async def discard(self, guest: str) -> None:
        """Do nothing: a mailbox without messages is nothing here."""

    async def blank(self, guest: str, session_id: str, side: int) -> None:
        def work(transaction: Transaction) -> None:
            transaction.change("mail_blank", guest, session_id, side)
            transaction.forget()

        await self._database.run(work)

    async def waiting(self) -> int:
        oldest = held_after("mail", self._time.now_ms())
        rows = await self._database.run(lambda transaction: transaction.rows("mail_waiting", oldest))
        count: int = rows[0][0]
        return count

    def _holder(self, guest: str) -> _TableConsumer | None:
        waiting = self._consumers.get(guest)
        return waiting[0] if waiting else None

    def _read(self, consumer: _TableConsumer) -> None:
        """Give the consumer what comes next, as far as its window is open; one read at a time keeps the order."""
        room = consumer.window - len(consumer.unacked)
        consumer.more = consumer.reading or room <= 0
        if consumer.more:
            return
        consumer.reading = True
        guest, passed, oldest = consumer.guest, consumer.passed, held_after("mail", self._time.now_ms())
        self._database.submit(
            lambda transaction: transaction.rows("mail_next", guest, passed, oldest, room),
            lambda rows: self._have_read(consumer, rows, room),
        )

    def _have_read(self, consumer: _TableConsumer, rows: list[Row] | None, room: int) -> None:
        consumer.reading = False
        if self._holder(consumer.guest) is not consumer:
            return  # closed meanwhile: nothing was taken out
        if rows is None:
            self._timers[consumer] = self._clock.later(RETRY_S, lambda: self._read(consumer))
            return
        for tag, *row in rows:
            consumer.passed = tag
            consumer.unacked.add(tag)
            consumer.mail(Mail(tag, to_message(tuple(row))))
        self._pass_markers(consumer)
        if consumer.more or len(rows) == room:
            self._read(consumer)

    def _pass_markers(self, consumer: _TableConsumer) -> None:
        """Answer for the markers that this consumer, if it holds the queue, has passed."""
        if self._holder(consumer.guest) is consumer:
            passed = [answer for last, answer in consumer.markers if last <= consumer.passed]
            consumer.markers = [marker for marker in consumer.markers if marker[0] > consumer.passed]
            for answer in passed:
                answer(True)

    def _sweep(self) -> None:
        """Delete what is too old, in slices that let others in between; note the mailbox's time for the next run."""
        now = self._time.now_ms()

        def swept(count: int | None) -> None:
            if count and self in self._timers:
                self._database.submit(work, swept)

        def work(transaction: Transaction) -> int:
            transaction.change("mail_note_now", now)
            expired = transaction.change("mail_expire", held_after("mail", now))
            if expired:
                transaction.forget()
            return expired

        self._timers[self] = self._clock.later(SWEEP_S, self._sweep)
        self._database.submit(work, swept)


def _consumer(handle: object) -> _TableConsumer:
    if not isinstance(handle, _TableConsumer):
        raise TypeError(f"not a handle of this mailbox: {type(handle).__name__}")
    return handle
