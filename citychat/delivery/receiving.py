"""The receiver's process: every stream in order to one page, and back what the page has drawn (protocol §2.5).

A plain state machine for one connection of one guest. Copies of a message come from the bus, the mailbox and the
history, in any order and any number; the page gets each once, in order, after what it links to.
"""

from collections.abc import Callable, Iterable, Mapping

from citychat.model import Key, Message
from citychat.ports import Clock, Timer

HELD_MAX = 600  # above the mailbox bound: with less, the missing message sat behind a window full of held ones
OUT_MAX = 32  # unacked at the page: of the longest texts 140 KiB, and a connection may hold 256 KiB unsent
STREAMS_MAX = 4_096  # of one connection: page loads of the partner, with room
GAP_ROWS_MAX = 10_000  # the mailbox loses at most 500 a day; a larger hole is a lie
HALF_OPEN_S = 30.0

Emit = Callable[[Message], None]


class Stream:
    """``sent``: the last n given to the page; ``seen``: the last n the page has drawn."""

    __slots__ = ("seen", "sent", "skipping")

    def __init__(self, seen: int = 0) -> None:
        self.sent = self.seen = seen
        self.skipping = False


class Receiving:
    """``drawn`` is called with what the page has drawn, for history; ``skip`` with gap rows that history must have
    before ``skipped``; ``half_open`` when the page has stopped answering. ``patience_s``: how long a hole in a session
    may still be filled."""

    def __init__(
        self,
        *,
        clock: Clock,
        emit: Emit,
        drawn: Callable[[Message], None],
        skip: Callable[[list[Message]], None],
        half_open: Callable[[], None],
        patience_s: Callable[[str], float],
    ) -> None:
        self.clock, self.emit, self.to_history = clock, emit, drawn
        self.skip, self.half_open, self.patience_s = skip, half_open, patience_s
        self.streams: dict[str, Stream] = {}
        self.out: dict[Key, Message] = {}
        self.held: dict[Key, Message] = {}
        self.tags: dict[Key, list[int]] = {}
        self.gaps = 0
        self._gap: Timer | None = None
        self._ack: Timer | None = None
        self._acked = False

    def start(self, seen: Mapping[str, int]) -> None:
        """What the page has drawn already, or draws from its join answer."""
        for st, n in seen.items():
            self.streams[st] = Stream(n)

    def incoming(self, message: Message, tag: int | None = None) -> None:
        """A copy of a message, from anywhere; ``tag`` if it came out of the mailbox."""
        stream = self._stream(message.st)
        if stream is None:
            return
        if tag is not None:
            self.tags.setdefault(message.key, []).append(tag)
        if message.n <= stream.seen:
            self.to_history(message)  # heals a lost receipt
        elif message.n > stream.sent and (tag is not None or len(self.held) < HELD_MAX):
            self.held[message.key] = message
            if self._is_next(message):
                self._release()
            elif self._gap is None:
                self.wait_for_gap()

    def drawn(self, st: str, n: int) -> None:
        """The page has drawn this stream up to n (``chat-ack``)."""
        stream = self.streams.get(st)
        if stream is None:
            return
        self._acked = True
        for i in range(stream.seen + 1, min(n, stream.sent) + 1):
            stream.seen = i
            message = self.out.pop((st, i), None)
            if message is not None:
                self.to_history(message)
        self._release()

    def skipped(self, rows: list[Message]) -> None:
        """History has these gap rows of one stream: the page draws one line for all of them."""
        last = rows[-1]
        stream = self.streams[last.st]
        stream.skipping = False
        stream.sent = last.n
        self.gaps += len(rows)
        self.out[last.key] = last
        self.emit(last)
        self._watch()
        for key in [key for key in self.held if key[0] == last.st and key[1] <= last.n]:
            self.to_history(self.held.pop(key))  # came too late: acked to the mailbox, never receipted
        self._release()

    def unskipped(self, st: str) -> None:
        """History could not take the gap rows: try again later."""
        self.streams[st].skipping = False
        self.wait_for_gap()

    def take_tags(self, keys: Iterable[Key]) -> list[int]:
        """The mailbox tags of messages that are settled."""
        return [tag for key in keys for tag in self.tags.pop(key, ())]

    def close(self) -> None:
        for timer in (self._gap, self._ack):
            if timer:
                timer.cancel()
        self.held.clear()
        self.out.clear()

    def _stream(self, st: str) -> Stream | None:
        stream = self.streams.get(st)
        if stream is None and len(self.streams) < STREAMS_MAX:
            stream = self.streams[st] = Stream()
        return stream

    def _is_next(self, message: Message) -> bool:
        stream = self.streams[message.st]
        if message.n != stream.sent + 1 or stream.skipping or len(self.out) >= OUT_MAX:
            return False
        return message.n > 1 or message.p is None or self._sent(message.p[0]) >= message.p[1]

    def _sent(self, st: str) -> int:
        stream = self.streams.get(st)
        return stream.sent if stream else 0

    def _release(self) -> None:
        """Give the page everything held that has become next."""
        progress = True
        while progress and self.held:
            progress = False
            for message in list(self.held.values()):
                if self._is_next(message):
                    del self.held[message.key]
                    self.streams[message.st].sent = message.n
                    self.out[message.key] = message
                    self.emit(message)
                    progress = True
        if self.out:
            self._watch()
        self.wait_for_gap()

    def _watch(self) -> None:
        if self._ack is None:
            self._acked = False
            self._ack = self.clock.later(HALF_OPEN_S, self._check_ack)

    def _check_ack(self) -> None:
        self._ack = None
        if self.out and not self._acked:
            self.half_open()
        elif self.out:
            self._watch()

    def wait_for_gap(self) -> None:
        """The gap's time runs anew whenever something has moved, or the sender has come or gone."""
        if self._gap:
            self._gap.cancel()
            self._gap = None
        if self.held and len(self.out) < OUT_MAX:
            patience_s = min(map(self.patience_s, {message.s: None for message in self.held.values()}))
            self._gap = self.clock.later(patience_s, self._skip)

    def _skip(self) -> None:
        """Nothing has filled the hole: the numbers that block each stream's first held message become a gap."""
        self._gap = None
        first: dict[str, Message] = {}
        shortest_s = min(map(self.patience_s, {message.s: None for message in self.held.values()}), default=0.0)
        for message in self.held.values():
            if self.patience_s(message.s) > shortest_s:
                continue
            if message.st not in first or message.n < first[message.st].n:
                first[message.st] = message
        for message in first.values():
            if message.p is not None and message.n == 1 and self._sent(message.p[0]) < message.p[1]:
                self._skip_to(message, message.p[0], message.p[1])
            elif message.n > self._sent(message.st) + 1:
                self._skip_to(message, message.st, message.n - 1)

    def _skip_to(self, message: Message, st: str, last: int) -> None:
        stream = self._stream(st)
        if stream is None or stream.skipping:
            return
        if last - stream.sent > GAP_ROWS_MAX:
            self.held.pop(message.key)
            return
        if any(key[0] == st and key[1] <= last for key in self.held):
            return  # the stream it links to has something held itself: that one's hole comes first
        stream.skipping = True
        s, side, l, at = message.s, message.side, max(1, message.l - 1), message.at  # noqa: E741
        self.skip(
            [Message(s=s, side=side, st=st, n=n, l=l, x="", at=at, k="gap") for n in range(stream.sent + 1, last + 1)]
        )
