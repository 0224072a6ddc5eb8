"""One page of one guest, as delivery sees it: where its machines meet the bus, the mailbox and the history."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from random import Random
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from citychat.delivery.history_writer import HistoryWriter
from citychat.delivery.receiver import HELD_MAX, Receiver
from citychat.delivery.sender import Sender
from citychat.model import DAY_MS, Message, MessageKey, Ranges, Session, Unavailable, by_stream
from citychat.ports import (
    Bus,
    BusEvent,
    Clock,
    Committed,
    History,
    Mail,
    Mailbox,
    NewMessage,
    Page,
    PartnerTyping,
    Receipt,
    SessionEnded,
    TextsErased,
)
from citychat.tasks import pause

NEWEST_ROWS = 50
GAP_S, GAP_AFTER_A_DAY_S = 60.0, 5.0
ADOPT_S = 1.0  # until a session is asked for again that an absent history could not tell
OPEN_S = 1.0  # a silent broker does not hold up a join for longer

log = logging.getLogger(__name__)


class DeliveryContext(Struct, frozen=True):
    """What every desk of a process shares; ``spawn`` starts a supervised background task."""

    bus: Bus
    mailbox: Mailbox
    history: History
    clock: Clock
    random: Random
    ledger: HistoryWriter
    spawn: Callable[[Coroutine[Any, Any, None], str], object]
    counts: Counter[str]


class Inbox:
    """One opening of the guest's mailbox: its handle, and the mail that came before it."""

    def __init__(self) -> None:
        self.handle: object | None = None
        self.early: list[Mail] = []


def shown(message: Message) -> dict[str, object]:
    """Return a row as the page gets it: the fields of ``chat-message`` without the empty ones."""
    fields: dict[str, object] = to_builtins(message)
    return fields


class Endpoint:
    """``sessions``: those this page may speak of; ``living``: the one it may write to."""

    def __init__(self, guest: str, epoch: int, page: Page, engines: DeliveryContext, away_ms: int) -> None:
        self.guest, self.epoch, self.page, self.engines = guest, epoch, page, engines
        self.sessions: dict[str, Session] = {}
        self.living: Session | None = None
        self.sendings: dict[str, Sender] = {}
        self.receiving = Receiver(
            clock=engines.clock,
            emit=lambda message: page.emit("chat-message", shown(message)),
            drawn=self._drawn,
            skip=self._skip,
            drop=self._dropped,
            half_open=lambda: page.close("half-open"),
            patience_s=self._patience_s,
        )
        self.partner_here = True
        # Who was away for over a day finds holes that nobody can fill any more: what the mailbox has forgotten.
        self._hasty_until_s = engines.clock.monotonic_s() + GAP_S if away_ms > DAY_MS else 0.0
        self.closed = False
        self._box: Inbox | None = None
        self._early: list[tuple[Message, int | None]] | None = []  # what came before the join was answered
        self._strange: dict[str, list[tuple[Message, int]]] = {}  # mail of sessions that are being looked up

    # -- the page comes and goes --------------------------------------------------------------------------------------

    async def open_mailbox(self) -> None:
        """From here on the guest's mail comes in; a broker that is silent is left to answer later."""
        if self._box is None and not self.closed:
            box = self._box = Inbox()
            opening = asyncio.ensure_future(self.engines.mailbox.open(self.guest, partial(self._mail, box)))
            self.engines.spawn(self._opened(box, opening), "open a mailbox")
            await asyncio.wait([opening], timeout=OPEN_S)

    async def _opened(self, box: Inbox, opening: "asyncio.Future[object]") -> None:
        try:
            box.handle = await opening
        except Unavailable:
            if self._box is box:
                self._box = None  # ``reopen`` tries again
            return
        if self._box is box:
            for mail in box.early:
                self._incoming_or_early(mail.message, mail.tag)
            box.early.clear()
        else:
            await self.engines.mailbox.close(box.handle)

    async def close_mailbox(self) -> None:
        """Everything unacked goes back, for the next opener; its tags mean nothing any more."""
        box, self._box = self._box, None
        self.receiving.tags.clear()
        if box is not None and box.handle is not None:
            await self.engines.mailbox.close(box.handle)

    async def load(self, session: Session, have: Mapping[str, int]) -> dict[str, int]:
        """Learn what the page has drawn of the partner's streams, by history or (``have``) by itself: ``seen``."""
        known = await self.engines.history.messages.progress(session.id, 1 - session.side(self.guest))
        seen = {st: max(n, have.get(st, 0)) for st, n in known.seen.items()}
        if session.id in self.sessions:  # it has begun here meanwhile, and its streams may have moved on
            return seen
        self.sessions[session.id] = session
        self.receiving.start(seen, session.id)
        for row in known.beyond[:HELD_MAX]:
            if row.number > seen.get(row.stream, 0):
                self._incoming_or_early(row, None)
        return seen

    async def newest(self, session: Session) -> list[dict[str, object]]:
        return [shown(row) for row in await self.engines.history.messages.page(session.id, None, NEWEST_ROWS)]

    def start(self) -> None:
        """The join is answered: everything held so far, then live."""
        early, self._early = self._early or [], None
        for message, tag in early:
            self._incoming(message, tag)

    async def close(self) -> None:
        """The page is gone: what it has not answered for goes back where it came from."""
        if not self.closed:
            self.closed = True
            for sending in self.sendings.values():
                sending.close()
            self.receiving.close()
            await self.close_mailbox()

    def partner(self, here: bool) -> None:
        """The page of the living session's partner came or went, by whatever sign."""
        if self.living is not None:
            self.partner_here = here
            sending = self.sending(self.living)
            if here:
                sending.here()
            else:
                sending.gone()
            self.receiving.wait_for_gap()

    def _patience_s(self, s: str) -> float:
        """How long to wait for what is missing. While its sender is away it may lie in the outbox of a closed page, so
        it is waited for as long as a mailbox would keep it."""
        if self.engines.clock.monotonic_s() < self._hasty_until_s:
            return GAP_AFTER_A_DAY_S
        waiting = self.living is not None and self.living.id == s and not self.partner_here
        return DAY_MS / 1000 if waiting else GAP_S

    # -- records and mail ---------------------------------------------------------------------------------------------

    def heard(self, record: BusEvent) -> None:
        """What the partner's process says to this page: messages, receipts, typing, erasures."""
        match record:
            case NewMessage(message) if message.session in self.sessions and self._is_partners(message):
                self._incoming_or_early(message, None)
            case NewMessage():
                self.engines.counts["not ours"] += 1  # a session not heard of yet (the mailbox has it), or hostile
            case SessionEnded(s) if (
                s not in self.sessions
            ):  # begun and over before this side heard: what was said is mail
                self.engines.spawn(self.open_mailbox(), "open a mailbox")
            case Receipt(s, st, ranges) if s in self.sendings:
                self.sendings[s].receipt(st, ranges)
            case Receipt(s, st, ranges) if s in self.sessions:
                self.tell(s, st, ranges, "delivered")
            case PartnerTyping(s, on) if self.living is not None and self.living.id == s:
                self.page.emit("chat-typing", {"s": s, "on": on})
            case TextsErased(s) if s in self.sessions:
                session = self.sessions[s]
                erased = {*session.erased, 1 - session.side(self.guest)}
                self.sessions[s] = replace(session, erased=tuple(sorted(erased)))
                self.page.emit("chat-erased", {"s": s})

    def _mail(self, box: Inbox, mail: Mail) -> None:
        """Tags belong to one opening: what an older one still delivers has gone back already."""
        if self._box is box and box.handle is not None:
            self._incoming_or_early(mail.message, mail.tag)
        elif self._box is box:
            box.early.append(mail)

    def _incoming_or_early(self, message: Message, tag: int | None) -> None:
        if self._early is None:
            self._incoming(message, tag)
        elif tag is not None or len(self._early) < HELD_MAX:
            self._early.append((message, tag))

    def _incoming(self, message: Message, tag: int | None) -> None:
        session = self.sessions.get(message.session)
        if session is None:
            if tag is not None:
                self._look_up(message, tag)
        elif not self._is_partners(message):
            self.engines.counts["not ours"] += 1
            self._forget(tag)
        else:
            erased = message.side in session.erased and message.text
            self.receiving.incoming(replace(message, text="") if erased else message, tag)

    def _is_partners(self, message: Message) -> bool:
        return message.side == 1 - self.sessions[message.session].side(self.guest)

    def _look_up(self, message: Message, tag: int) -> None:
        """Mail of a session that the join did not load: its row decides."""
        waiting = self._strange.setdefault(message.session, [])
        waiting.append((message, tag))
        if len(waiting) == 1:
            self.engines.spawn(self._adopt(message.session), "session of mail")

    async def _adopt(self, s: str) -> None:
        """While the history is away it is asked again: the session may begin here meanwhile, and what comes next would
        wait for this mail."""
        while s not in self.sessions and not self.closed:
            try:
                session = await self.engines.history.sessions.find(s)
                if session is not None and self.guest in session.members:
                    await self.load(session, {})
                break
            except Unavailable:
                await pause(self.engines.clock, ADOPT_S)
        for message, tag in self._strange.pop(s):
            if s in self.sessions:
                self._incoming(message, tag)
            else:
                self._forget(tag)

    def _forget(self, *tags: int | None) -> None:
        """Out of the mailbox."""
        acked = [tag for tag in tags if tag is not None]
        if acked and self._box is not None:
            self.engines.mailbox.ack(self._box.handle, acked)

    def _dropped(self, keys: list[MessageKey]) -> None:
        """What no honest page sends: its sender hears nothing more of it."""
        self.engines.counts["dropped"] += len(keys)
        self._forget(*self.receiving.take_tags(keys))

    # -- between the machines -----------------------------------------------------------------------------------------

    def sending(self, session: Session) -> Sender:
        """The sending end for this session."""
        if session.id not in self.sendings:
            engines = self.engines
            self.sendings[session.id] = Sender(
                session,
                self.guest,
                bus=engines.bus,
                mailbox=engines.mailbox,
                clock=engines.clock,
                random=engines.random,
                tell=partial(self.tell, session.id),
            )
        return self.sendings[session.id]

    def tell(self, s: str, st: str, ranges: Ranges, state: str) -> None:
        self.page.emit("chat-status", {"s": s, "st": st, "ranges": ranges, "state": state})

    def _drawn(self, message: Message) -> None:
        if not self.engines.ledger.add(self, message):
            self.engines.spawn(self.close_mailbox(), "close a mailbox")

    def settled(self, receipted: list[Message], silent: list[Message]) -> None:
        """In the history, and this is the guest's newest page: out of the mailbox, receipts to the senders."""
        self._forget(*self.receiving.take_tags(message.key for message in (*receipted, *silent)))
        for s in dict.fromkeys(message.session for message in receipted):
            partner = self.sessions[s].partner(self.guest)
            for st, ranges in by_stream([message.key for message in receipted if message.session == s]).items():
                self.engines.bus.publish(partner, Receipt(s, st, ranges))

    def _skip(self, rows: list[Message]) -> None:
        self.engines.counts["gap rows"] += len(rows)
        log.warning("%d messages never came; their reader sees a gap", len(rows))
        self.engines.history.messages.add(rows, partial(self._skipped, rows))

    def _skipped(self, rows: list[Message], committed: Committed | None) -> None:
        if self.closed:
            return
        if committed is None:
            self.receiving.unskipped(rows)
        else:
            self.receiving.skipped(rows)
