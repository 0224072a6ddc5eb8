"""The sending end of delivery: messages on their way to the partner (protocol §2.4).

A plain state machine. It owns nothing: until the mailbox or the history has a message, the sender's page keeps it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from citychat.figures import Traffic
from citychat.limits import bound
from citychat.model import Message, MessageKey, Ranges, Session, by_stream
from citychat.ports import Engines, NewMessage, Timer

PENDING_MAX = bound("pending")  # a session; the page sends as many before it waits for answers
RECEIPT_S = 3.0  # half-open links and frozen processes look like listeners; after this the mailbox takes over
RETRY_MIN_S, RETRY_MAX_S = 1.0, 30.0

Tell = Callable[[str, Ranges, str], None]  # stream, exact ranges, "stored", "delivered" or "refused"


class Sender:
    """The sending state machine of one guest in one session: what was sent and nobody has answered for yet;
    ``said_s``: when the first of a page was, which nothing can hold up; ``drawn_s``: when the first receipt came;
    ``traffic`` counts what becomes of it."""

    def __init__(self, session: Session, guest: str, engines: Engines, tell: Tell, traffic: Traffic) -> None:
        self.traffic, self.partner, self.side, self.tell = traffic, session.partner(guest), session.side(guest), tell
        self.bus, self.mailbox, self.clock, self.random = engines.bus, engines.mailbox, engines.clock, engines.random
        self.pending: dict[MessageKey, Message] = {}
        self.away = self.over = False
        self.said_s: float | None = None
        self.drawn_s: float | None = None
        self._storing = False
        self._late_s: float | None = None  # when the mailbox takes over, unless there is an answer
        self._timer: Timer | None = None  # rings then or earlier: one for a talk, and none for each message
        self._retry: Timer | None = None
        self._retry_s = RETRY_MIN_S

    def say(self, message: Message) -> None:
        """Send it on; the answer is ``tell`` (the numbers are not checked here: that made chats stall)."""
        self.traffic.taken += 1
        if self.said_s is None and message.number == 1 and message.previous is None:
            self.said_s = self.clock.monotonic_s()
        self.pending[message.stream, message.number] = message
        if self.away:
            self._store()
            return
        self.bus.publish(self.partner, NewMessage(message), self._published)
        if self._late_s is None:
            self._watch()

    def receipt(self, stream: str, ranges: Ranges) -> None:
        """Take a receipt: the partner's page has drawn these and the history has them."""
        before = len(self.pending)
        if ranges and self.drawn_s is None:
            self.drawn_s = self.clock.monotonic_s()
        if ranges and (message := self.pending.get((stream, ranges[0][0]))) is not None:
            self.traffic.times.add((self.clock.wall_ms() - message.at) / 1_000)
        for first, last in ranges:
            if last - first > len(self.pending):
                self._drop([key for key in self.pending if key[0] == stream and first <= key[1] <= last])
            else:
                self._drop([(stream, number) for number in range(first, last + 1)])
        self.traffic.delivered += before - len(self.pending)
        self._late_s = None
        if self.away:
            self.here()
        elif self.pending:
            self._watch()
        self.tell(stream, ranges, "delivered")

    def here(self) -> None:
        """Take the live route again, for everything unanswered: the partner's page has joined, or answers."""
        self.away = False
        self._publish(list(self.pending.values()))

    def gone(self) -> None:
        """Turn to the mailbox at once: the partner's socket is closed."""
        self.away = True
        self._late_s = None
        self._store()

    def end(self) -> None:
        """The session has ended: what is pending goes to the mailbox now, or is refused. What came of a later try, in
        a mailbox that is full, would tell that its reader has come."""
        self.over = True
        self._cancel_retry()
        self.gone()

    def close(self) -> None:
        """This page is gone. Its outbox has what was not answered, but nobody knows when it will be back."""
        if self.pending:
            self.mailbox.put(self.partner, list(self.pending.values()), lambda stored: None)
        self.pending.clear()
        if self._timer:
            self._timer.cancel()
        self._cancel_retry()

    def _publish(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.bus.publish(self.partner, NewMessage(message), self._published)
        if messages:
            self._watch()

    def _published(self, listeners: int) -> None:
        if listeners == 0 and self.pending and not self.away:
            self.gone()

    def _watch(self) -> None:
        if self._late_s is None:
            self._late_s = self.clock.monotonic_s() + RECEIPT_S
        if self._timer is None:
            self._timer = self.clock.later(RECEIPT_S, self._look)

    def _look(self) -> None:
        self._timer = None
        left_s = 0.0 if self._late_s is None else self._late_s - self.clock.monotonic_s()
        if left_s > 0:
            self._timer = self.clock.later(left_s, self._look)
        elif self._late_s is not None:
            self._late_s = None
            if self.pending:
                self.gone()

    def _cancel_retry(self) -> None:
        if self._retry:
            self._retry.cancel()
            self._retry = None

    def _store(self) -> None:
        if self.pending and not self._storing and self._retry is None:
            self._storing = True
            self.mailbox.put(self.partner, list(self.pending.values()), partial(self._stored, list(self.pending)))

    def _stored(self, keys: list[MessageKey], ok: bool) -> None:
        self._storing = False
        if not ok and not self.over:
            self._retry_later()
            return
        self._retry_s = RETRY_MIN_S
        answered = [key for key in keys if key in self.pending]
        self._drop(answered)
        if ok:
            self.traffic.stored += len(answered)
        for stream, ranges in by_stream(answered).items():
            self.tell(stream, ranges, "stored" if ok else "refused")
        if self.away:
            self._store()

    def _retry_later(self) -> None:
        """Refused or lost: it may be in the mailbox or not, so both ways again, later and later."""
        delay_s = self.random.uniform(self._retry_s / 2, self._retry_s)
        self._retry_s = min(RETRY_MAX_S, 2 * self._retry_s)
        if self.pending:
            self._retry = self.clock.later(delay_s, self._again)

    def _again(self) -> None:
        self._retry = None
        self._publish(list(self.pending.values()))
        self._store()

    def _drop(self, keys: Sequence[MessageKey]) -> None:
        for key in keys:
            self.pending.pop(key, None)
