"""Delivery on one process: every message to the page it is for, or to somewhere durable (protocol §2).

``sending`` and ``receiving`` are the two ends as plain state machines, ``ledger`` brings what was drawn into the
history, a ``desk`` ties them to one page; this hub finds the desk and checks what a page may do.
"""

from collections import Counter
from collections.abc import Callable, Coroutine
from math import ceil
from random import Random
from typing import Any

from citychat.delivery.endpoint import DeliveryContext, Endpoint, shown
from citychat.delivery.history_writer import HistoryWriter
from citychat.delivery.sender import PENDING_MAX
from citychat.model import LAMPORT_MAX, BadPayload, Message, NoSession, Ranges, Session, clean_text, fits
from citychat.ports import Bus, BusEvent, Clock, History, Lobby, Mailbox, Page, PartnerTyping

BUSY_MS = 1_000


class Delivery:
    """``take``: the guests' message rate limit, the seconds to wait (0: go on)."""

    def __init__(
        self,
        *,
        bus: Bus,
        mailbox: Mailbox,
        history: History,
        lobby: Lobby,
        clock: Clock,
        random: Random,
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
        take: Callable[[str], float],
    ) -> None:
        self.ledger = HistoryWriter(history, lobby)
        self.counts: Counter[str] = Counter()
        self.engines = DeliveryContext(bus, mailbox, history, clock, random, self.ledger, spawn, self.counts)
        self.take = take
        self.desks: dict[str, Endpoint] = {}

    # -- joining calls these ------------------------------------------------------------------------------------------

    def open(self, guest: str, epoch: int, page: Page, away_ms: int) -> Endpoint:
        """A desk that holds whatever comes in until its ``start``. ``away_ms``: how long the guest was away."""
        desk = self.desks[guest] = Endpoint(guest, epoch, page, self.engines, away_ms)
        return desk

    async def close(self, desk: Endpoint) -> None:
        if self.desks.get(desk.guest) is desk:
            del self.desks[desk.guest]
        await desk.close()

    async def discard(self, desk: Endpoint) -> None:
        """Its guest has gone: without a living session the mailbox may go too, if nothing waits (protocol §2.7)."""
        if desk.sessions and desk.living is None and desk.guest not in self.desks:
            await self.engines.mailbox.discard(desk.guest)

    def heard(self, guest: str, record: BusEvent) -> None:
        if guest in self.desks:
            self.desks[guest].heard(record)

    def partner(self, guest: str, here: bool) -> None:
        """The page of the living session's partner came or went, by whatever sign."""
        if guest in self.desks:
            self.desks[guest].partner(here)

    async def reopen(self) -> None:
        """Open mailboxes that a full ledger or an absent broker has closed (every 15 s)."""
        for desk in list(self.desks.values()):
            if desk.sessions and not self.ledger.full:
                await desk.open_mailbox()

    # -- sessions begin and end ---------------------------------------------------------------------------------------

    async def began(self, guest: str, session: Session) -> None:
        """A session of a guest on this process has begun; before its page is told."""
        desk = self.desks.get(guest)
        if desk is not None:
            desk.sendings = {s: sending for s, sending in desk.sendings.items() if sending.pending}
            desk.sessions[session.id] = desk.living = session
            await desk.open_mailbox()

    async def ended(self, guest: str, session: Session) -> None:
        """The session is over: no new messages; what is pending goes to the mailbox first."""
        desk = self.desks.get(guest)
        if desk is None:
            return
        desk.sessions[session.id] = session
        if desk.living is not None and desk.living.id == session.id:
            desk.living = None
        if session.id in desk.sendings:
            desk.sendings[session.id].gone()

    # -- events of the page -------------------------------------------------------------------------------------------

    def say(self, guest: str, s: str, st: str, n: int, lamport: int, x: str, p: tuple[str, int] | None) -> None:
        """``chat-message``. Raises NoSession outside the living session, BadPayload for numbers out of range."""
        desk, session = self._living(guest, s)
        if not 1 <= lamport <= LAMPORT_MAX or not 1 <= n <= LAMPORT_MAX or (p is not None and n != 1):
            raise BadPayload("n and l are whole numbers from 1 to 2^52, and only n = 1 has a p.")
        sending = desk.sending(session)
        if (st, n) in sending.pending:
            return
        full = len(sending.pending) >= PENDING_MAX
        wait_s = 0.0 if full else self.take(guest)
        if full or wait_s:
            desk.page.emit("chat-busy", {"s": s, "retry_ms": max(BUSY_MS, ceil(wait_s * 1000))})
            return
        text, at = clean_text(x), self.engines.clock.wall_ms()
        x = text if fits(text) else ""  # voided, never refused: its number is used
        sending.say(
            Message(
                session=s, side=session.side(guest), stream=st, number=n, lamport=lamport, text=x, at=at, previous=p
            )
        )

    def drawn(self, guest: str, s: str, st: str, n: int) -> None:
        """``chat-ack``. Raises NoSession for a session that is not the guest's."""
        desk = self.desks.get(guest)
        if desk is None or s not in desk.sessions:
            raise NoSession
        desk.receiving.drawn(st, n)

    def typing(self, guest: str, s: str, on: bool) -> None:
        """``chat-typing``: passed on while the session lives, kept nowhere."""
        session = self._living(guest, s)[1]
        self.engines.bus.publish(session.partner(guest), PartnerTyping(s, on))

    async def ask(self, guest: str, s: str, st: str, ranges: Ranges) -> None:
        """``chat-ask``: tell the page which of its own messages history holds."""
        session = await self._session(guest, s)
        held = await self.engines.history.messages.held(s, session.side(guest), st, ranges)
        if held and guest in self.desks:
            self.desks[guest].tell(s, st, held, "delivered")

    async def history(
        self, guest: str, s: str, before: tuple[int, int, str, int] | None, limit: int
    ) -> dict[str, object]:
        """``chat-history``: at most ``limit`` rows, oldest first, and whether there are more."""
        await self._session(guest, s)
        rows = await self.engines.history.messages.page(s, before, limit + 1)
        return {"messages": [shown(row) for row in rows[-limit:]], "more": len(rows) > limit}

    def _living(self, guest: str, s: str) -> tuple[Endpoint, Session]:
        desk = self.desks.get(guest)
        if desk is None or desk.living is None or desk.living.id != s:
            raise NoSession
        return desk, desk.living

    async def _session(self, guest: str, s: str) -> Session:
        desk = self.desks.get(guest)
        session = (desk.sessions.get(s) if desk else None) or await self.engines.history.sessions.find(s)
        if session is None or guest not in session.members:
            raise NoSession
        return session
