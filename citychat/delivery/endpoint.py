"""One page of one guest in delivery: where its state machines meet the bus, the mailbox and the history."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from math import ceil

from msgspec import structs, to_builtins

from citychat.delivery.delivery import Delivery
from citychat.delivery.inbox import Inbox
from citychat.delivery.receiver import HELD_MAX, Receiver
from citychat.delivery.sender import PENDING_MAX, Sender
from citychat.delivery.stray_mail import StrayMail
from citychat.delivery.transcript import PlaceInOrder, older_rows, seen_of
from citychat.limits import site
from citychat.model import (
    LAMPORT_MAX,
    BadPayload,
    DayFull,
    Message,
    MessageKey,
    NoSession,
    Ranges,
    Session,
    Unavailable,
    by_stream,
    drawable,
)
from citychat.ports import Committed, NewMessage, Page, PartnerTyping, Receipt, SessionEnded, TextsErased
from citychat.rules import MAILBOX_MS

GAP_S, GAP_AFTER_A_DAY_S, BUSY_MS = 60.0, 5.0, 1_000

log = logging.getLogger(__name__)


class Endpoint:
    """One page's end of every chat it may speak of. ``session``: where it may write; ``typed``: who there began to."""

    def __init__(self, guest: str, epoch: int, page: Page, shared: Delivery, away_ms: int) -> None:
        self.guest, self.epoch, self.page, self.shared, self.engines = guest, epoch, page, shared, shared.engines
        self.session: Session | None = None
        self.sessions: dict[str, Session] = {}
        self.senders: dict[str, Sender] = {}
        self.inbox = Inbox(
            guest, shared.engines.mailbox, shared.tasks, self._incoming_or_early, lambda: self.receiver.wait_for_gap()
        )
        self.stray_mail = StrayMail(
            guest,
            shared,
            known=self.sessions,
            load=lambda session: self.load(session, {}),
            incoming=self._incoming,
            forget=self.inbox.forget,
        )
        self.receiver = Receiver(
            clock=self.engines.clock,
            emit=lambda message: page.emit("chat-message", to_builtins(message)),
            drawn=self._drawn,
            write_gap=lambda gap: self.engines.history.messages.add([gap], partial(self._gap_answered, gap)),
            drop=self._dropped,
            half_open=lambda: page.close("half-open"),
            patience_s=self._patience_s,
            may_give_up=lambda session, answer: shared.tasks.spawn(self._ask_whether_read(session, answer), "a hole"),
        )
        self.partner_here, self.typed, self.opened_s = True, set[int](), self.engines.clock.monotonic_s()
        self.began_s: float | None = None  # when the chat of now did, if that was here
        # Who was away for over a day finds holes that nobody can fill any more: what the mailbox has forgotten.
        self._hasty_until_s = self.opened_s + GAP_S if away_ms > MAILBOX_MS else 0.0
        self._site, self.closed = site(page.source), False
        self._early: list[tuple[Message, int | None]] | None = []  # what came before the join was answered

    # -- the page comes and goes, sessions begin and end ---------------------------------------------------------------

    async def open_mailbox(self) -> None:
        """Let the guest's mail come in from here on; a broker that is silent is left to answer later."""
        if not self.closed:
            await self.inbox.open()

    async def close_mailbox(self) -> None:
        """Give everything unacked back, for the next opener; its tags mean nothing any more."""
        self.receiver.tags.clear()
        self.stray_mail.clear()
        await self.inbox.close()

    async def reopen_mailbox(self) -> None:
        """Open a mailbox that a full history writer or an absent broker has closed (every 15 s)."""
        if self.sessions and not self.shared.writer.full:
            await self.open_mailbox()

    async def discard_mailbox(self) -> None:
        """Delete the mailbox of a guest who has gone without a chat, if it is empty (protocol §2.7)."""
        if self.sessions and self.session is None:
            await self.engines.mailbox.discard(self.guest)

    async def load(self, session: Session, have: Mapping[str, int]) -> dict[str, int]:
        """Learn how far the partner's streams are drawn, by history or (``have``) by the page itself: ``seen``."""
        known = await self.engines.history.messages.progress(session.id, 1 - session.side(self.guest))
        seen = seen_of(known, have)
        if session.id in self.sessions:  # it has begun here meanwhile, and its streams may have moved on
            return seen
        self.sessions[session.id] = session
        self.receiver.start(seen, session.id, known.lost)
        for row in known.beyond[:HELD_MAX]:
            if row.number > seen.get(row.stream, 0):
                self._incoming_or_early(row, None)
        return seen

    def start(self) -> None:
        """Give the page everything held so far: its join is answered."""
        early, self._early = self._early or [], None
        for message, tag in early:
            self._incoming(message, tag)

    async def close(self) -> None:
        """Give back what the page has not answered for: it is gone."""
        if not self.closed:
            self.closed = True
            for sender in self.senders.values():
                sender.close()
            self.receiver.close()
            await self.close_mailbox()

    async def began(self, session: Session) -> None:
        """Let the page write into a session that has begun; before it is told of it."""
        self.session = self.sessions[session.id] = session
        self.typed, self.partner_here, self.began_s = set(), True, self.engines.clock.monotonic_s()
        self.senders = {session_id: sender for session_id, sender in self.senders.items() if sender.pending}
        await self._fetch_mail(session.id)

    def ended(self, session: Session) -> None:
        """Take no new messages into a session that is over; what is pending goes to the mailbox."""
        self.sessions[session.id] = session
        if self.session is not None and self.session.id == session.id:
            self.session = None
        if session.id in self.senders:
            self.senders[session.id].end()

    def partner(self, here: bool) -> None:
        """Note that the partner's page came or went, by whatever sign."""
        if self.session is not None:
            self.partner_here = here
            sender = self._sender(self.session)
            (sender.here if here else sender.gone)()
            self.receiver.wait_for_gap()

    def _patience_s(self, session_id: str) -> float:
        """Return how long to wait for what is missing. While its sender is away it may lie in the outbox of a closed
        page, so it is waited for as long as a mailbox would keep it."""
        if self.engines.clock.monotonic_s() < self._hasty_until_s:
            return GAP_AFTER_A_DAY_S
        waiting = self.session is not None and self.session.id == session_id and not self.partner_here
        return MAILBOX_MS / 1000 if waiting else GAP_S

    # -- events of the page -------------------------------------------------------------------------------------------

    def say(
        self, session_id: str, stream: str, number: int, lamport: int, text: str, previous: MessageKey | None
    ) -> None:
        """Take a ``chat-message``. Raises NoSession outside the session of now, BadPayload for numbers out of range."""
        session = self._current(session_id)
        if not 1 <= lamport <= LAMPORT_MAX or not 1 <= number <= LAMPORT_MAX or (previous is not None and number != 1):
            raise BadPayload("n and l are whole numbers from 1 to 2^52, and only n = 1 has a p.")
        sender = self.senders.get(session_id) or self._sender(session)
        if (stream, number) in sender.pending:
            return
        full = len(sender.pending) >= PENDING_MAX
        wait_s = 0.0 if full else self.shared.take(self.guest, self.page.source)
        if full or wait_s:
            self.page.emit("chat-busy", {"s": session_id, "retry_ms": max(BUSY_MS, ceil(wait_s * 1000))})
            return
        if not self.shared.quotas.charge(self.guest, self._site, text):
            raise DayFull
        at = self.engines.clock.wall_ms()
        sender.say(Message(session_id, sender.side, stream, number, lamport, drawable(text), at, previous))

    def drawn(self, session_id: str, stream: str, number: int) -> None:
        """Take a ``chat-ack``. Raises NoSession for a session that is not the guest's."""
        if session_id not in self.sessions:
            raise NoSession
        self.receiver.drawn(stream, number)

    def typing(self, session_id: str, on: bool) -> None:
        """Pass a ``chat-typing`` on while the session lives; it is kept nowhere."""
        self.typed.add(self._current(session_id).side(self.guest))
        self.engines.bus.publish(self._current(session_id).partner(self.guest), PartnerTyping(session_id, on))

    async def ask(self, session_id: str, stream: str, ranges: Ranges) -> None:
        """Tell the page which of its own messages history holds (``chat-ask``)."""
        session = await self._own(session_id)
        held = await self.engines.history.messages.held(session_id, session.side(self.guest), stream, ranges)
        if held:
            self._emit_status(session_id, stream, held, "delivered")

    async def older(self, session_id: str, before: PlaceInOrder | None, limit: int) -> dict[str, object]:
        """Return older rows of a chat (``chat-history``). Raises NoSession, Unavailable."""
        return await older_rows(self.engines.history, await self._own(session_id), self.guest, before, limit)

    def _current(self, session_id: str) -> Session:
        if self.session is None or self.session.id != session_id:
            raise NoSession
        return self.session

    async def _own(self, session_id: str) -> Session:
        session = self.sessions.get(session_id) or await self.engines.history.sessions.find(session_id)
        if session is None or self.guest not in session.members:
            raise NoSession
        return session

    # -- events of the bus, and mail ----------------------------------------------------------------------------------

    def on_message(self, event: NewMessage) -> None:
        """Take in what the partner has said."""
        if event.message.session in self.sessions:
            self._incoming_or_early(event.message, None)
        else:
            self.shared.counts["not ours"] += 1  # a session not heard of yet (the mailbox has it), or hostile

    def on_receipt(self, event: Receipt) -> None:
        """Settle what the partner's page has drawn and the history has; after the end nobody learns of it."""
        if self.session is not None and self.session.id == event.session:
            self._sender(self.session).receipt(event.stream, event.ranges)

    def on_typing(self, event: PartnerTyping) -> None:
        """Show that the partner writes."""
        if self.session is not None and self.session.id == event.session:
            self.typed.add(1 - self.session.side(self.guest))
            self.page.emit("chat-typing", {"s": event.session, "on": event.on})

    def on_erased(self, event: TextsErased) -> None:
        """Blank the partner's texts, here and on the page."""
        session = self.sessions.get(event.session)
        if session is not None:
            erased = {*session.erased, 1 - session.side(self.guest)}
            self.sessions[session.id] = structs.replace(session, erased=tuple(sorted(erased)))
            self.page.emit("chat-erased", {"s": session.id})

    def on_session_ended(self, event: SessionEnded) -> None:
        """Look for mail of a session that was begun and over before this side heard of it."""
        if event.session not in self.sessions:
            self.shared.tasks.spawn(self._fetch_mail(event.session), "open a mailbox")

    def _incoming_or_early(self, message: Message, tag: int | None) -> None:
        if self._early is None:
            self._incoming(message, tag)
        elif tag is not None or len(self._early) < HELD_MAX:
            self._early.append((message, tag))

    def _incoming(self, message: Message, tag: int | None) -> None:
        session = self.sessions.get(message.session)
        if session is None:
            if tag is not None:
                self.stray_mail.take(message, tag)
        elif session.members[message.side] == self.guest:  # not the partner's
            self.shared.counts["not ours"] += 1
            self.inbox.forget(tag)
        else:
            erased = message.side in session.erased and message.text
            self.receiver.incoming(structs.replace(message, text="") if erased else message, tag)

    async def _fetch_mail(self, session_id: str) -> None:
        """Have the mail of a session that is heard of now, also what was left in the mailbox."""
        if self.stray_mail.has_left(session_id):
            await self.close_mailbox()
        await self.open_mailbox()

    # -- between the machines -----------------------------------------------------------------------------------------

    def _sender(self, session: Session) -> Sender:
        if session.id not in self.senders:
            tell = partial(self._emit_status, session.id)
            self.senders[session.id] = Sender(session, self.guest, self.engines, tell, self.shared.traffic)
        return self.senders[session.id]

    def _emit_status(self, session_id: str, stream: str, ranges: Ranges, state: str) -> None:
        over = {"error": NoSession.code} if state == "refused" else {}
        self.page.emit("chat-status", {"s": session_id, "st": stream, "ranges": ranges, "state": state, **over})

    def _drawn(self, message: Message) -> None:
        if not self.shared.writer.add(self, message):
            self.shared.tasks.spawn(self.close_mailbox(), "close a mailbox")

    def settled(self, receipted: list[Message], silent: list[Message], late: list[Message]) -> None:
        """Take settled messages out of the mailbox and send receipts: the history has them, and this is the guest's
        newest page. Where the ``late`` ones belong it has a line."""
        for message in late:
            self.page.emit("chat-message", to_builtins(structs.replace(message, kind="late")))
        self.inbox.forget(*self.receiver.take_tags(message.key for message in (*receipted, *silent)))
        for session_id in dict.fromkeys(message.session for message in receipted):
            session = self.sessions[session_id]
            keys = [message.key for message in receipted if message.session == session_id and session.ended is None]
            for stream, ranges in by_stream(keys).items():
                self.engines.bus.publish(session.partner(self.guest), Receipt(session_id, stream, ranges))

    def _dropped(self, keys: list[MessageKey]) -> None:
        """Forget what no honest page sends: its sender hears nothing more of it."""
        self.shared.counts["dropped"] += len(keys)
        self.inbox.forget(*self.receiver.take_tags(keys))

    async def _ask_whether_read(self, session_id: str, answer: Callable[[bool], None]) -> None:
        """A hole is none before the mailbox is read up to now, by the guest's newest page (protocol §2.5.2)."""
        if not await self.inbox.is_read():
            self._hasty_until_s = 0.0  # what nobody could store meanwhile is tried again within half a minute
            return answer(False)
        try:
            newest = (await self.engines.lobby.status([self.guest]))[0].epoch == self.epoch
        except Unavailable:
            return answer(False)
        answer(newest and not self.closed and not self.stray_mail.holds(session_id))

    def _gap_answered(self, gap: Message, committed: Committed | None) -> None:
        if self.closed:
            return
        if committed is None:
            return self.receiver.gap_failed(gap)
        if lost := gap.last - gap.number + 1 - len(committed.standing):
            self.shared.counts["gap rows"] += 1
            log.warning("%d messages have not come; their reader sees a gap", lost)
        self.receiver.gap_written(gap, committed.standing)
