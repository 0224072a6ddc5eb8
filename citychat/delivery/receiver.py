"""The receiving end of delivery: every stream in order to one page, acks back (protocol §2.5).

A plain state machine for one connection of one guest. Copies of a message come from the bus, the mailbox and the
history, in any order and any number; the page gets each once, in order, after what it links to. What one partner sends
wrongly stops that partner's session only: streams, lost messages and the patience for a hole are counted for each
session.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from citychat.limits import bound
from citychat.model import Message, MessageKey, missing
from citychat.ports import Clock, Timer

HELD_MAX = bound("held")  # above the mailbox's: with less, the missing message sat behind a window full of held ones
OUT_MAX, STREAMS_MAX, LOST_MAX = bound("unacked"), bound("streams"), bound("lost messages")
HALF_OPEN_S = 30.0

Emit = Callable[[Message], None]


class Stream:
    """One stream towards the page. ``sent``: the last number given to the page; ``seen``: the last one drawn; ``held``:
    what is not next, by number."""

    __slots__ = ("held", "seen", "sent", "skipping")

    def __init__(self, seen: int = 0) -> None:
        self.sent = self.seen = seen
        self.held: dict[int, Message] = {}
        self.skipping = False  # a gap is on its way to the history


class SessionStreams:
    """One session: how many streams and lost messages it has, its streams that hold something, the wait for a hole.
    ``heard_s``: since when there is a first word. ``question``: set while it is asked whether the hole may be given up.
    """

    __slots__ = ("heard_s", "lost", "question", "streams", "timer", "waiting")

    def __init__(self) -> None:
        self.streams = self.lost = 0
        self.heard_s: float | None = None
        self.waiting: dict[str, Stream] = {}
        self.timer: Timer | None = None
        self.question: object | None = None


class Receiver:
    """The receiving state machine of one page. ``drawn`` is called with what the page has drawn, for history;
    ``write_gap`` with a gap that history must have before ``gap_written``; ``drop`` with what is not taken at all, and
    its mail must go; ``half_open`` when the page has stopped answering. ``patience_s``: how long a hole in a
    session may still be filled; ``may_give_up``, asked after it, answers whether all mail of the session has come."""

    def __init__(
        self,
        *,
        clock: Clock,
        emit: Emit,
        drawn: Callable[[Message], None],
        write_gap: Callable[[Message], None],
        drop: Callable[[list[MessageKey]], None],
        half_open: Callable[[], None],
        patience_s: Callable[[str], float],
        may_give_up: Callable[[str, Callable[[bool], None]], object],
    ) -> None:
        self.clock, self.emit, self.to_history = clock, emit, drawn
        self.write_gap, self.drop, self.half_open = write_gap, drop, half_open
        self.patience_s, self.may_give_up = patience_s, may_give_up
        self.streams: dict[str, Stream] = {}
        self.chats: dict[str, SessionStreams] = {}
        self.out: dict[MessageKey, Message] = {}
        self.tags: dict[MessageKey, list[int]] = {}
        self.held = 0
        self._watching: Timer | None = None
        self._heard_s = 0.0  # the last sign of the page while something is out

    def start(self, seen: Mapping[str, int], session_id: str = "", lost: int = 0) -> None:
        """Note what the page has drawn of a session already, or draws from its join answer; ``lost``: how many of its
        messages were given up."""
        chat = self._chat(session_id)
        chat.lost += lost
        chat.streams += len(seen.keys() - self.streams.keys())
        self._hear(chat, len(seen))
        for stream_id, number in seen.items():
            self.streams[stream_id] = Stream(number)

    def incoming(self, message: Message, tag: int | None = None) -> None:
        """A copy of a message, from anywhere; ``tag`` if it came out of the mailbox. Of two texts the first stays."""
        chat, number = self._chat(message.session), message.number
        stream = self._stream(chat, message.stream)
        if tag is not None:
            self.tags.setdefault(message.key, []).append(tag)
        if stream is None:
            self.drop([message.key])
        elif number <= stream.seen or self._is_given_up(stream, message):
            self.to_history(message)  # heals a lost receipt, or takes the place of its gap
        elif number <= stream.sent or number in stream.held:
            pass
        elif self._is_next(stream, message):
            self._send(stream, message)
            if chat.waiting:
                self._release(message.session, chat, moved=True)
        elif tag is not None or self.held < HELD_MAX:
            stream.held[number] = chat.waiting.setdefault(message.stream, stream).held[number] = message
            self.held += 1
            if chat.timer is None and chat.question is None:
                self._wait(message.session, chat)

    def drawn(self, stream_id: str, number: int) -> None:
        """Take an ack: the page has drawn this stream up to that number (``chat-ack``)."""
        self._heard_s = self.clock.monotonic_s()
        stream = self.streams.get(stream_id)
        if stream is None:
            return
        for i in range(stream.seen + 1, min(number, stream.sent) + 1):
            stream.seen = i
            message = self.out.pop((stream_id, i), None)
            if message is not None and message.kind != "gap":
                self.to_history(message)
        if self.held:
            for session_id, chat in self.chats.items():
                if chat.waiting:
                    self._release(session_id, chat)

    def gap_written(self, gap: Message, standing: Iterable[Message] = ()) -> None:
        """History has this gap, but for the messages that were ``standing`` there. The page draws one line for all that
        follow each other. What has come meanwhile is no gap: it is drawn, and takes its place."""
        stream, chat = self.streams[gap.stream], self.chats[gap.session]
        stream.skipping = False
        chat.waiting[gap.stream] = stream
        held = len(stream.held)
        for message in standing:
            stream.held.setdefault(message.number, message)
        for first, last in missing(gap.number, gap.last, [(number, number) for number in stream.held]):
            stream.held[first] = replace(gap, number=first, to=last if last > first else None)
        self.held += len(stream.held) - held
        self._release(gap.session, chat, moved=True)

    def gap_failed(self, gap: Message) -> None:
        """History could not take the gap: try again later."""
        chat = self.chats[gap.session]
        self.streams[gap.stream].skipping = False
        chat.lost -= gap.last - gap.number + 1
        self._wait(gap.session, chat)

    def wait_for_gap(self) -> None:
        """Let the time for every hole run anew: the partner has come or gone, or the mailbox is open."""
        for session_id, chat in self.chats.items():
            self._wait(session_id, chat)

    def take_tags(self, keys: Iterable[MessageKey]) -> list[int]:
        """The mailbox tags of messages that are settled."""
        return [tag for key in keys for tag in self.tags.pop(key, ())]

    def close(self) -> None:
        for timer in (self._watching, *(chat.timer for chat in self.chats.values())):
            if timer:
                timer.cancel()
        for chat in self.chats.values():
            chat.question = None
        self.chats.clear()
        self.streams.clear()
        self.out.clear()

    def heard_s(self, session_id: str) -> float | None:
        """Return when the page was given the first of a session; what came before the page was loaded, when it was."""
        return self.chats[session_id].heard_s if session_id in self.chats else None

    def _hear(self, chat: SessionStreams, words: int) -> None:
        if words and chat.heard_s is None:
            chat.heard_s = self.clock.monotonic_s()

    def _chat(self, session_id: str) -> SessionStreams:
        chat = self.chats.get(session_id)
        if chat is None:
            chat = self.chats[session_id] = SessionStreams()
        return chat

    def _stream(self, chat: SessionStreams, stream_id: str) -> Stream | None:
        stream = self.streams.get(stream_id)
        if stream is None and chat.streams < STREAMS_MAX:
            stream = self.streams[stream_id] = Stream()
            chat.streams += 1
        return stream

    # -- in order to the page -----------------------------------------------------------------------------------------

    def _is_next(self, stream: Stream, message: Message) -> bool:
        if message.number != stream.sent + 1 or stream.skipping or len(self.out) >= OUT_MAX:
            return False
        return message.number > 1 or self._is_reached(message.previous)

    def _is_given_up(self, stream: Stream, message: Message) -> bool:
        """Tell whether the page has a line in place of it, or gets one."""
        given = self.out.get(message.key) if message.number <= stream.sent else stream.held.get(message.number)
        return given.kind == "gap" if given is not None else message.number <= stream.sent

    def _is_reached(self, link: MessageKey | None) -> bool:
        if link is None:
            return True
        linked = self.streams.get(link[0])
        return linked is not None and linked.sent >= link[1]

    def _send(self, stream: Stream, message: Message) -> None:
        if not self.out:
            self._heard_s = self.clock.monotonic_s()
        if message.kind != "gap":
            self._hear(self.chats[message.session], 1)
        stream.sent = message.last
        self.out[message.stream, message.last] = message
        self.emit(message)
        if self._watching is None:
            self._watching = self.clock.later(HALF_OPEN_S, self._check_page)

    def _release(self, session_id: str, chat: SessionStreams, moved: bool = False) -> None:
        """Give the page everything held of a session that has become next."""
        moving = True
        while moving:
            moving = False
            for stream_id, stream in list(chat.waiting.items()):
                while (message := stream.held.get(stream.sent + 1)) and self._is_next(stream, message):
                    del stream.held[message.number]
                    self.held -= 1
                    self._send(stream, message)
                    self._pass(stream, message)
                    moved = moving = True
                if not stream.held:
                    del chat.waiting[stream_id]
        if moved or (chat.timer is None and chat.question is None):
            self._wait(session_id, chat)

    def _pass(self, stream: Stream, last: Message) -> None:
        """Let what has come while a line waited for its turn take the place of its gap."""
        if last.kind == "gap":
            for number in sorted(number for number in stream.held if number <= last.last):
                self.held -= 1
                self.to_history(stream.held.pop(number))

    def _check_page(self) -> None:
        self._watching = None
        left_s = self._heard_s + HALF_OPEN_S - self.clock.monotonic_s()
        if self.out and left_s <= 0:
            self.half_open()
        elif self.out:
            self._watching = self.clock.later(left_s, self._check_page)

    # -- holes --------------------------------------------------------------------------------------------------------

    def _wait(self, session_id: str, chat: SessionStreams) -> None:
        """The time for a hole runs anew whenever its session has moved."""
        if chat.timer:
            chat.timer.cancel()
        chat.timer = chat.question = None
        if chat.waiting and len(self.out) < OUT_MAX and not any(stream.skipping for stream in chat.waiting.values()):
            chat.timer = self.clock.later(self.patience_s(session_id), lambda: self._ask(session_id, chat))

    def _ask(self, session_id: str, chat: SessionStreams) -> None:
        """Nothing has filled the hole: it may be given up, if what is missing does not wait in the mailbox."""
        chat.timer = None
        if len(self.out) >= OUT_MAX:
            return  # the page is slow; its next ack starts the time again
        holes = self._holes(chat)
        if holes:
            question = chat.question = object()

            def answered(yes: bool) -> None:
                if chat.question is question:
                    self._give_up(session_id, chat, holes if yes else {})

            self.may_give_up(session_id, answered)
        elif chat.waiting:
            self._untie(session_id, chat)

    def _holes(self, chat: SessionStreams) -> dict[str, tuple[int, Message]]:
        """By stream: the last missing number before what it holds, or before what another one links to, with the
        message that shows it. The hole before what it links to comes first."""
        holes: dict[str, tuple[int, Message]] = {}
        for stream_id, stream in chat.waiting.items():
            first = stream.held[min(stream.held)]
            if first.number > stream.sent + 1:
                holes[stream_id] = first.number - 1, first
            elif first.previous is not None and first.previous[0] not in chat.waiting:
                holes[first.previous[0]] = max(first.previous[1], holes.get(first.previous[0], (0, first))[0]), first
        return holes

    def _untie(self, session_id: str, chat: SessionStreams) -> None:
        """Links in a circle: no honest page makes them."""
        stream = next(iter(chat.waiting.values()))
        first = min(stream.held)
        stream.held[first] = replace(stream.held[first], previous=None)
        self._release(session_id, chat)

    def _give_up(self, session_id: str, chat: SessionStreams, asked: dict[str, tuple[int, Message]]) -> None:
        """The numbers before each stream's first held message become a gap, but for those that came to be missing after
        it was asked."""
        chat.question = None
        for stream_id, (last, first) in self._holes(chat).items():
            if stream_id in asked:
                self._skip_to(chat, first, stream_id, min(last, asked[stream_id][0]))
        self._wait(session_id, chat)

    def _skip_to(self, chat: SessionStreams, message: Message, stream_id: str, last: int) -> None:
        stream = self._stream(chat, stream_id)
        if stream is not None and (stream.skipping or stream.sent >= last):
            return
        count = last - stream.sent if stream else 0
        if stream is None or chat.lost + count > LOST_MAX:
            liar = chat.waiting.pop(message.stream)
            self.held -= len(liar.held)
            self.drop([(message.stream, number) for number in liar.held])
            liar.held.clear()
            return
        stream.skipping = True
        chat.lost += count
        gap = replace(message, stream=stream_id, number=stream.sent + 1, to=last if count > 1 else None, kind="gap")
        self.write_gap(replace(gap, lamport=max(1, message.lamport - 1), text="", previous=None))
