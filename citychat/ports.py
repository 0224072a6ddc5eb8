"""The seams: what CityChat needs of a bus, a lobby, a mailbox, a history, a page and a clock.

Every adapter is an async context manager. Async methods raise Unavailable when their service is away, with the
driver's error as its cause. The methods on the message path are synchronous and return nothing: their answers come back
as calls, never before the method has returned (a task per message would cost more than everything else together).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from citychat.model import Cell, Guest, Message, Offer, Ranges, Session
from citychat.records import Record


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time passed in: the wall for what is shown and kept, timers that no jump of the wall can move."""

    def wall_ms(self) -> int: ...

    def monotonic_s(self) -> float: ...

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer: ...


class Page(Protocol):
    """A connected page. Nothing here blocks or raises; after the socket has closed the calls do nothing."""

    @property
    def address(self) -> str:
        """The client's address, after trusted proxies. Never logged, never stored."""

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        """Send an event, in order, to the namespace its name starts with."""

    def close(self, why: str) -> None:
        """Close after what was emitted before; idempotent. ``why`` is one word for the log."""


class Bus(Protocol):
    """Records between processes, addressed to guests. Not durable: only the listener count tells who was there."""

    def publish(self, guest: str, record: Record, published: Callable[[int], None] | None = None) -> None:
        """Send to all listeners of ``guest``; records to one guest keep their order on one process. ``published`` is
        told how many listeners there were; 0 also when the bus failed."""

    async def listen(self, guest: str, heard: Callable[[Record], None]) -> object:
        """Hear the guest's records from the moment this returns; the answer is the handle for ``unlisten``."""

    def unlisten(self, handle: object) -> None:
        """Stop that one subscription; idempotent. Others of the same guest on this process go on."""

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        """How many subscriptions each guest has now, over all processes."""

    def watch(self, resumed: Callable[[], None]) -> None:
        """Call ``resumed`` each time that records may have been missed and are heard again (protocol §2.8)."""


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

    async def close(self, handle: object) -> None:
        """Stop delivering and put everything unacked back in its place, for the next opener."""

    async def discard(self, guest: str) -> None:
        """Delete the mailbox if nobody has it open and nothing waits in it."""

    async def blank(self, guest: str, s: str, side: int) -> None:
        """Empty the texts of that side of session ``s`` that wait for ``guest``; their ids stay."""


class Committed(Struct, frozen=True):
    """What became of a batch: ``gaps`` are those of its rows that history already holds as a gap."""

    gaps: frozenset[tuple[str, int, str, int]] = frozenset()


class Standing(Struct, frozen=True):
    """How far history is with what one side of a session sent.

    ``seen``: per stream the last n before the first hole; ``beyond``: the rows after holes, in order of (stream, n).
    """

    seen: dict[str, int]
    beyond: list[Message]


class Report(Struct, frozen=True):
    """A guest's report, which ``code`` looks up. ``networks``: keyed hashes of the reporter's address."""

    code: str
    s: str
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

    async def standing(self, s: str, side: int) -> Standing: ...

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


class Entry(Struct, frozen=True):
    """A guest at the lobby's door. ``epoch``: 0 for a new page, the held one when a process enters its guests again.
    ``made``, ``networks``, ``shuns`` serve M5 (guests made after a block); ``barred``: the guest's pairs; ``session``:
    the newest session row that has not ended.
    """

    guest: str
    process: str
    pool: str | None
    cell: Cell
    city: str
    available: bool
    slow: bool
    visible: bool
    made: int
    epoch: int = 0
    networks: tuple[str, ...] = ()
    shuns: dict[str, int] = {}
    barred: tuple[str, ...] = ()
    session: Session | None = None


class Entered(Struct, frozen=True):
    """``session``: the id the guest is in now; ``ended``: the row could not be resumed and must be ended;
    ``over``: the offer that entering has ended."""

    epoch: int
    session: str | None = None
    ended: str | None = None
    over: Offer | None = None


class Whereabouts(Struct, frozen=True):
    """What the lobby knows of a guest now, after settling: epoch 0 = unknown."""

    epoch: int = 0
    state: Literal["gone", "free", "asking", "asked", "chat"] = "gone"
    looking: bool = False
    offer: Offer | None = None
    session: str | None = None


class Sought(Struct, frozen=True):
    """What seeking came to: a new (or the running) offer of mine, an open offer to me (M10), a session, or waiting."""

    state: Literal["asking", "asked", "waiting", "matched"]
    offer: Offer | None = None
    session: str | None = None


class Lobby(Protocol):
    """Who is free, asked, talking (protocol §3). Each method is one atomic step that first settles what has expired,
    by the store's own clock. May forget everything at any moment (§2.8)."""

    async def enter(self, entry: Entry) -> Entered:
        """A page of this guest has joined: new epoch, open offer ended as expired, session resumed for both members
        unless one of them is elsewhere. An entry with an epoch keeps the larger one (§2.8)."""

    async def leave(self, guest: str, epoch: int) -> Offer | None:
        """The socket closed; the offer it ended. Does nothing for an old epoch."""

    async def seek(self, guest: str, offer: str) -> Sought:
        """Look for somebody: claim the best candidate and open an offer with this id, or wait (M4, M10, M13)."""

    async def accept(self, guest: str, offer: str, s: str) -> Offer:
        """The candidate says yes: both are in session ``s``. Raises Gone."""

    async def decline(self, guest: str, offer: str) -> Offer:
        """The candidate says no: both free, the pair barred; the offer.

        An offer that ended without a yes is remembered for an hour: a no that comes so late bars the pair all the same.
        The answer is then the open offer between the two that this has ended, else the one declined. Raises Gone for
        an offer to somebody else, one that became a session, and one the lobby does not know.
        """

    async def later(self, guest: str, offer: str) -> Offer:
        """Not now: ends as expired but without a rest, and asking the candidate is off. Raises Gone."""

    async def stop(self, guest: str) -> Offer | None:
        """Stop looking; an open offer of or to this guest ends as expired and is returned."""

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        """The page came into or went out of view; ``touched`` forgives unanswered rings (M15)."""

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        """Whether the guest may be asked while not looking; ``slow``: rings of 60 s."""

    async def move(self, guest: str, pool: str, cell: Cell, city: str) -> None:
        """Another place, in one step. Raises Busy while asking or asked."""

    async def end(self, s: str, members: Sequence[str]) -> None:
        """The session is over: members still in it are free (or gone), not looking, not to be asked until they ask."""

    async def bar(self, a: str, b: str) -> Offer | None:
        """Never offer these two to each other again; an open offer between them ends and is returned."""

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        """Keep guests made after ``at`` from these networks away from ``guest`` for 24 h (M5)."""

    async def networks(self, guest: str) -> tuple[str, ...]:
        """The keyed hashes a guest entered with; empty when unknown."""

    async def pair(self, s: str, members: Sequence[str]) -> bool:
        """Talk again: both into session ``s`` if both are here, free and not barred; whether it happened."""

    async def nearby(self, guest: str) -> int:
        """How many others of the pool are free, counted to 6; who declined stays counted."""

    async def whereabouts(self, guests: Sequence[str]) -> list[Whereabouts]: ...

    async def renew(self, process: str) -> bool:
        """The process lives for another 15 s (M9). False: it was not known to live (the first time, its lease had run
        out, or all was lost); it then enters its guests again (§2.8)."""

    async def drop(self, process: str) -> None:
        """The process is going: its guests leave the free sets and their offers end."""
