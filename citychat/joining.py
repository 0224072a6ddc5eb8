"""Joining: from a page's first event to its guest being in the lobby and reachable (protocol §2.5.1).

The order of the steps is the promise. The lobby gives the epoch before anything is heard, the bus is heard before
history is read, and the answer leaves before anything else: with any other order a message falls between two pages.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from msgspec.structs import replace

from citychat.arrival import Arrival, Join
from citychat.delivery import Delivery, Desk
from citychat.matching import Matching
from citychat.model import DAY_MS, BadPayload, Busy, Cell, Guest, NotJoined, Place, Session, Unavailable
from citychat.ports import Bus, Clock, Entered, Entry, History, Lobby, Page
from citychat.records import Away, Here, Paused, Record, Takeover

RECENT_MS = 2 * DAY_MS  # an ended session may still have mail waiting: the mailbox expires after 48 h
ALONE_MS = DAY_MS  # a chat that both have left alone for so long is over (M12)
EARLY_MAX = 1_000
RETURN_MS = 2_000  # pages sent away by a drain come back within this time
DRAIN_WAVES, WAVE_S = 20, 0.1  # 5 % at a time, so that the next process is not overrun
FLUSH_S = 10.0
NOWHERE = Cell(0, 0)  # of a guest without a place, who is in no pool

log = logging.getLogger(__name__)


class Visit:
    """One page of one guest, from its ``user-join`` to its close."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.row: Guest
        self.epoch = 0
        self.desk: Desk | None = None
        self.subscription: object | None = None
        self.early: list[Record] | None = []  # heard before the join was answered
        self.partner_here = False
        self.closed = False
        self.replaced = False
        self.left = False
        self.forgotten = False  # erased: the row must not come back

    @property
    def guest(self) -> str:
        return self.row.id

    @property
    def place(self) -> Place | None:
        return self.row.place

    @property
    def session(self) -> Session | None:
        """The living session."""
        return self.desk.living if self.desk else None


class Joining:
    """The visits of one process. ``spawn`` starts a supervised background task."""

    def __init__(
        self,
        *,
        process: str,
        arrival: Arrival,
        history: History,
        lobby: Lobby,
        bus: Bus,
        delivery: Delivery,
        matching: Matching,
        clock: Clock,
        random: Random,
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
    ) -> None:
        self.process, self.arrival = process, arrival
        self.history, self.lobby, self.bus = history, lobby, bus
        self.delivery, self.matching = delivery, matching
        self.clock, self.random, self.spawn = clock, random, spawn
        self.visits: dict[Page, Visit] = {}
        self.guests: dict[str, Visit] = {}  # the newest page of each
        self.draining = False

    def visit(self, page: Page) -> Visit:
        """Who this page is. Raises NotJoined before its join was answered and after another page took over."""
        visit = self.visits.get(page)
        if visit is None or visit.early is not None or visit.replaced:
            raise NotJoined
        return visit

    # -- in -----------------------------------------------------------------------------------------------------------

    async def join(self, page: Page, asked: Join) -> tuple[dict[str, object], Callable[[], None]]:
        """The answer to ``user-join``, and what to call the moment it has been sent."""
        if page in self.visits:
            raise BadPayload("This page has joined already.")
        if self.draining:
            raise Busy("This server is going down.", retry_ms=RETURN_MS)
        visit = self.visits[page] = Visit(page)
        try:
            answer = await self._enter(visit, asked)
            if visit.closed or visit.replaced:
                raise NotJoined
        except BaseException:
            self.visits.pop(page, None)
            await self._leave(visit)
            raise
        return answer, lambda: self._start(visit)

    async def _enter(self, visit: Visit, asked: Join) -> dict[str, object]:
        visit.row, away_ms = await self.arrival.arrive(visit.page.address, asked)
        sessions = await self._sessions(visit.row, away_ms)
        entry = await self._entry(visit.row, asked, sessions)
        entered = await self.lobby.enter(entry)
        self._take_over(visit, entered.epoch)
        if entered.ended:
            await self.history.end(entered.ended, self.clock.wall_ms())
        self.bus.publish(visit.guest, Takeover(entered.epoch))
        visit.desk = self.delivery.open(visit.guest, entered.epoch, visit.page, away_ms)
        visit.subscription = await self.bus.listen(visit.guest, lambda record: self._heard(visit, record))
        chat = await self._catch_up(visit, visit.desk, sessions, entered, asked.have)
        await self.matching.entered(visit.guest, entered.epoch, visit.page, visit.place, entry, entered.over)
        return {
            "ok": True,
            "token": self.arrival.token(visit.row),
            "place": visit.place.shown() if visit.place else None,
            "state": "chat" if visit.session else "free",
            "free_nearby": await self.matching.nearby(visit.guest),
            **chat,
        }

    def _take_over(self, visit: Visit, epoch: int) -> None:
        """This is the guest's newest page on this process, unless another was faster; at once, before any await: an
        event of the older page must not reach the newer one's desk."""
        visit.epoch = epoch
        older = self.guests.get(visit.guest)
        if older is not None and older.epoch > epoch:
            raise NotJoined
        self.guests[visit.guest] = visit
        if older is not None:
            self._replaced(older)

    async def _sessions(self, row: Guest, away_ms: int) -> list[Session]:
        """The guest's sessions, newest first; only the newest may live, if it has not run out of time or company."""
        sessions, now = await self.history.sessions(row.id), self.clock.wall_ms()
        newest = True
        for i, session in enumerate(sessions):
            if session.ended is None and (not newest or await self._is_over(session, row.id, now - away_ms, now)):
                await self.history.end(session.id, now)
                sessions[i] = replace(session, ended=now)
            newest = newest and session.ended is not None
        return sessions

    async def _is_over(self, session: Session, guest: str, seen: int, now: int) -> bool:
        """Its date has come, or both were away for 24 h (M12)."""
        if now >= session.expires:
            return True
        partner = session.partner(guest)
        row = await self.history.guest(partner)
        last = max(session.started, seen, row.seen if row else 0)
        return now - last > ALONE_MS and (await self.bus.listeners([partner]))[0] == 0

    async def _entry(self, row: Guest, asked: Join, sessions: list[Session]) -> Entry:
        place = row.place
        return Entry(
            guest=row.id,
            process=self.process,
            pool=place.key if place else None,
            cell=place.cell if place else NOWHERE,
            city=place.city if place else "",
            available=asked.available,
            slow=asked.slow,
            visible=asked.visible,
            made=row.made,
            networks=row.networks,
            shuns=await self.history.shunned(row.id, self.clock.wall_ms()),
            barred=(*await self.history.barred(row.id), *self.matching.parting.unkept(row.id)),
            session=next((session for session in sessions if session.ended is None), None),
        )

    async def _catch_up(
        self, visit: Visit, desk: Desk, sessions: list[Session], entered: Entered, have: dict[str, int]
    ) -> dict[str, object]:
        """Load the desk with what the page has drawn; the chat part of the answer.

        ``seen`` covers all recent sessions: mail of an older one may still wait.
        """
        now, seen = self.clock.wall_ms(), dict[str, int]()
        if entered.session and entered.session not in (session.id for session in sessions):
            begun = await self.history.session(entered.session)  # since the rows were read
            sessions = [begun, *sessions] if begun else sessions
        recent = [session for session in sessions if session.ended is None or now - session.ended < RECENT_MS]
        if not recent:
            return {}
        await desk.open_mailbox()
        for session in recent:
            seen |= await desk.load(session, have)
            if session.id == entered.session:
                desk.living = session
        desk.receiving.start({st: n for st, n in have.items() if st not in seen})  # drawn, not yet in the history
        shown = desk.living or recent[0]
        fields = await self.matching.shown(shown, visit.guest)
        visit.partner_here = desk.partner_here = fields["here"] is True
        return {"session": fields, "seen": seen, "messages": await desk.newest(shown)}

    def _start(self, visit: Visit) -> None:
        """The answer has left: everything held so far, then live, and the partner hears of it."""
        early, visit.early = visit.early or [], None
        if visit.desk is None or visit.closed:
            return
        visit.desk.start()
        for record in early:
            self._heard(visit, record)
        self.matching.started(visit.guest, visit.epoch, visit.session)
        if visit.session:
            self.bus.publish(visit.session.partner(visit.guest), Here(visit.session.id))

    # -- while it lasts -----------------------------------------------------------------------------------------------

    def _heard(self, visit: Visit, record: Record) -> None:
        if visit.closed or visit.replaced:
            return
        if isinstance(record, Takeover):
            if record.epoch > visit.epoch:
                self._replaced(visit)
        elif visit.early is not None:
            if len(visit.early) < EARLY_MAX:
                visit.early.append(record)
        else:
            self._pass_on(visit, record)

    def _replaced(self, visit: Visit) -> None:
        visit.replaced = True
        visit.page.emit("user-replaced", {})
        visit.page.close("replaced")
        self.spawn(self._leave(visit), "leave")

    def _pass_on(self, visit: Visit, record: Record) -> None:
        session = visit.session
        match record:
            case Here(s) if session and session.id == s:
                self._partner(visit, session, True, 0)
            case Away(s, since) if session and session.id == s:
                self._partner(visit, session, False, since)
            case Paused(until, reason):
                visit.page.emit("user-banned", self.arrival.banned(until, reason).facts())
                visit.page.close("paused")
            case _:
                self.matching.heard(visit.guest, record)
                self.delivery.heard(visit.guest, record)

    def _partner(self, visit: Visit, session: Session, here: bool, since: int) -> None:
        visit.partner_here = here
        self.delivery.partner(visit.guest, here)
        if here:
            visit.page.emit("user-join", {"session": session.id})
        else:
            visit.page.emit("user-left", {"session": session.id, "how": "away", "since": since})

    async def check(self) -> None:
        """Every 15 s: partners whose coming or going nobody could tell; mailboxes that had to be closed."""
        talking = [(visit, session) for visit in self.visits.values() if (session := visit.session)]
        counts = await self.bus.listeners([session.partner(visit.guest) for visit, session in talking])
        for (visit, session), count in zip(talking, counts, strict=True):
            if visit.session is session and visit.partner_here != (count > 0):
                self._partner(visit, session, count > 0, self.clock.wall_ms())
        await self.delivery.reopen()

    async def place(self, visit: Visit, city: str | None, position: object) -> Place:
        """``user-place``. Raises BadPayload, NoPlace, Busy."""
        row = self.arrival.moved(visit.row, visit.page.address, city, position)
        place = row.place
        assert place is not None
        await self.lobby.move(row.id, place.key, place.cell, place.city)
        visit.row = row
        self.matching.moved(row.id, place)
        await self.history.keep_guest(row)
        return place

    # -- out ----------------------------------------------------------------------------------------------------------

    def closed(self, page: Page) -> None:
        """The socket is gone (the edge says so, once)."""
        visit = self.visits.get(page)
        if visit is None or visit.closed:
            return
        visit.closed = True
        if visit.early is None:
            del self.visits[page]
            self.spawn(self._leave(visit), "leave")

    async def _leave(self, visit: Visit) -> None:
        """Undo whatever the join has done; harmless twice, and for a page that a newer one has replaced."""
        if visit.subscription is not None:
            self.bus.unlisten(visit.subscription)
            visit.subscription = None
        if visit.epoch and self.guests.get(visit.guest) is visit:
            del self.guests[visit.guest]
        desk, visit.desk = visit.desk, None
        if desk is not None:
            await self.delivery.close(desk)
        if visit.epoch == 0 or visit.left:
            return
        visit.left = True
        try:
            await self.matching.left(visit.guest, visit.epoch)
            where = (await self.lobby.whereabouts([visit.guest]))[0]
            if where.epoch <= visit.epoch:
                await self._gone(visit, desk.living if desk else None)
        except Unavailable:
            log.warning("a guest left while a service was away; the others learn it later")

    async def _gone(self, visit: Visit, session: Session | None) -> None:
        """This was the guest's newest page."""
        now = self.clock.wall_ms()
        if session:
            self.bus.publish(session.partner(visit.guest), Away(session.id, now))
        if not visit.forgotten:
            await self.history.keep_guest(replace(visit.row, seen=now))

    async def drain(self) -> None:
        """SIGTERM: no more joins, free guests out of the lobby, pages sent elsewhere in waves, batches finished."""
        self.draining = True
        await self.matching.drain()
        pages = list(self.visits)
        wave = max(1, len(pages) // DRAIN_WAVES)
        for start in range(0, len(pages), wave):
            for page in pages[start : start + wave]:
                page.emit("user-drain", {"retry_ms": self.random.randrange(RETURN_MS)})
            await asyncio.sleep(WAVE_S)
        try:
            await asyncio.wait_for(self.delivery.ledger.flushed(), FLUSH_S)
        except TimeoutError:
            log.warning("the history did not take everything in time; its owners will send it again")
        for page in list(self.visits):
            page.close("drain")
            self.closed(page)
