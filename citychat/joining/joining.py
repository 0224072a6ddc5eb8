"""Joining: from a page's first event to its guest being in the lobby and reachable (protocol §2.5.1).

The order of the steps is the promise. The lobby gives the epoch before anything is heard, the bus is heard before
history is read, and the answer leaves before anything else: with any other order a message falls between two pages.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from math import ceil
from typing import Any

from msgspec.structs import replace

from citychat.delivery import Delivery
from citychat.joining.admission import Admission, JoinRequest
from citychat.joining.client import Visit
from citychat.joining.presence import Presence
from citychat.joining.recent_guests import RecentGuest, RecentGuests
from citychat.joining.recovery import Admitted, Recovery
from citychat.matching import Matching
from citychat.model import BadPayload, Busy, NotJoined, Place, Session, Unavailable
from citychat.ports import Bus, BusEvent, Clock, GuestPaused, History, Lobby, NewerPage, Page, PartnerAway, PartnerHere
from citychat.tasks import pause

EARLY_MAX = 1_000
RETURN_MS = 2_000  # pages sent away by a drain come back at a random time within this
DRAIN_WAVES, WAVE_S = 20, 0.1  # 5 % at a time, so that the next process is not overrun
FLUSH_S = 10.0
READ_AGAIN_S = 2.0  # until the history is asked again whether it is back

log = logging.getLogger(__name__)


class Joining:
    """The visits of one process. ``spawn`` starts a supervised background task; ``admit`` takes one of the process's
    joins and answers the seconds to wait for one (0: go on)."""

    def __init__(
        self,
        *,
        process: str,
        arrival: Admission,
        history: History,
        lobby: Lobby,
        bus: Bus,
        delivery: Delivery,
        matching: Matching,
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None], str], object],
        admit: Callable[[str], float],
    ) -> None:
        self.arrival, self.history, self.lobby, self.bus = arrival, history, lobby, bus
        self.resuming = Recovery(process=process, history=history, bus=bus, matching=matching, clock=clock)
        self.delivery, self.matching = delivery, matching
        self.clock, self.spawn, self.admit = clock, spawn, admit
        self.memory = RecentGuests(clock.monotonic_s)
        self.visits: dict[Page, Visit] = {}
        self.guests: dict[str, Visit] = {}  # the newest page of each
        self.presence = Presence(visits=self.visits, bus=bus, delivery=delivery, clock=clock)
        self.draining = False

    def visit(self, page: Page) -> Visit:
        """Who this page is. Raises NotJoined before its join was answered, after another page took over and after the
        guest was erased."""
        visit = self.visits.get(page)
        if visit is None or not visit.joined or visit.forgotten:
            raise NotJoined
        return visit

    # -- in -----------------------------------------------------------------------------------------------------------

    async def join(self, page: Page, asked: JoinRequest) -> tuple[dict[str, object], Callable[[], None]]:
        """The answer to ``user-join``, and what to call the moment it has been sent."""
        if page in self.visits:
            raise BadPayload("This page has joined already.")
        self._refuse_if_draining()
        if self.admit(""):  # they come back at random times, so that a process that fell is made up for in seconds
            raise Busy("Many are coming at once. Nothing is lost.", retry_ms=RETURN_MS)
        visit = self.visits[page] = Visit(page)
        try:
            answer = await self._enter(visit, asked)
            self._refuse_if_draining()
            if visit.closed or visit.replaced:
                raise NotJoined
        except BaseException:
            del self.visits[page]
            await self._leave(visit)
            raise
        return answer, lambda: self._start(visit)

    def _refuse_if_draining(self) -> None:
        if self.draining:
            raise Busy("The server is restarting. Nothing is lost.", retry_ms=RETURN_MS)

    async def _enter(self, visit: Visit, asked: JoinRequest) -> dict[str, object]:
        found = await self._found(visit, asked)
        visit.row, entry = found.row, found.entry
        await self.matching.take_lease()
        entered = await self.lobby.enter(entry)
        self._take_over(visit, entered.epoch)
        sessions = await self.resuming.entered(found, entered)
        visit.desk = self.delivery.open(visit.guest, entered.epoch, visit.page, found.away_ms)
        visit.subscription = await self.bus.listen(visit.guest, lambda record: self._heard(visit, record))
        catch_up = self.resuming.catch_up if found.read else self.resuming.go_on
        chat = await catch_up(visit.desk, sessions, entered.session, asked.have)
        await self.matching.entered(visit.guest, entered.epoch, visit.page, visit.place, entry, entered.over)
        return {
            "ok": True,
            "token": self.arrival.token(visit.row),
            "place": visit.place.shown() if visit.place else None,
            "state": "chat" if visit.session else "free",
            "free_nearby": await self.matching.nearby(visit.guest),
            **chat,
        }

    async def _found(self, visit: Visit, asked: JoinRequest) -> Admitted:
        """Who comes and from which chat: by the history, or while that is away by what this process remembers."""
        try:
            row, away_ms = await self.arrival.arrive(visit.page.address, asked)
            sessions = await self.resuming.sessions(row, away_ms)
            return Admitted(row, away_ms, sessions, await self.resuming.entry(row, asked, sessions))
        except Unavailable:
            known = self._remembered(asked)
            if known is None:
                raise
            visit.unread = True
            return await self.resuming.recalled(known, asked)

    def _remembered(self, asked: JoinRequest) -> RecentGuest | None:
        """Of a page that lives on; a fresh one waits for the history."""
        guest = self.arrival.guest_of(asked.token)
        if not guest or not asked.have:
            return None
        if guest in self.guests:  # its old link is not known to be broken yet
            self._remember(self.guests[guest])
        return self.memory.of(guest)

    def _remember(self, visit: Visit) -> None:
        seat = self.matching.seats.get(visit.guest)
        if visit.session is not None and seat is not None:
            self.memory.keep(RecentGuest(visit.row, seat.entry, visit.session))
        else:
            self.memory.forget(visit.guest)

    def _take_over(self, visit: Visit, epoch: int) -> None:
        """This is the guest's newest page, unless another was faster; at once, before any await: an event of the older
        page must not reach the newer one's desk."""
        visit.epoch = epoch
        older = self.guests.get(visit.guest)
        if older is not None and older.epoch > epoch:
            raise NotJoined
        self.guests[visit.guest] = visit
        if older is not None:
            self._replaced(older)
        self.bus.publish(visit.guest, NewerPage(epoch))  # to other processes

    def _start(self, visit: Visit) -> None:
        """The answer has left: everything held so far, then live, and the partner hears of it."""
        early, visit.early = visit.early or [], None
        if visit.desk is None or not visit.joined:
            return
        visit.desk.start()
        self.matching.started(visit.guest, visit.epoch, visit.session)
        for record in early:
            self._heard(visit, record)
        if visit.session:
            self.bus.publish(visit.session.partner(visit.guest), PartnerHere(visit.session.id))
        if visit.unread:
            self.spawn(self._read_later(visit), "read later")

    async def _read_later(self, visit: Visit) -> None:
        """The page joins once more when the history is there, and reads what it may have missed."""
        while visit.joined:
            try:
                await self.history.guests.find(visit.guest)
            except Unavailable:
                await pause(self.clock, READ_AGAIN_S)
            else:
                return visit.page.emit("user-drain", {"retry_ms": RETURN_MS})

    # -- while it lasts -----------------------------------------------------------------------------------------------

    def _heard(self, visit: Visit, record: BusEvent) -> None:
        if visit.closed or visit.replaced:
            return
        if isinstance(record, NewerPage):
            if record.epoch > visit.epoch:
                self._replaced(visit)
        elif visit.early is not None:
            if len(visit.early) < EARLY_MAX:
                visit.early.append(record)
        else:
            self._pass_on(visit, record)

    def _replaced(self, visit: Visit) -> None:
        if visit.joined:  # else its join is about to be refused, and the answer must be the first it is told
            visit.page.emit("user-replaced", {})
            visit.page.close("replaced")
            self.spawn(self._leave(visit), "leave")
        visit.replaced = True

    def _pass_on(self, visit: Visit, record: BusEvent) -> None:
        session = visit.session
        match record:
            case PartnerHere(s) if session and session.id == s:
                self.presence.changed(visit, session, True, 0)
            case PartnerAway(s, since) if session and session.id == s:
                self.presence.changed(visit, session, False, since)
            case GuestPaused(until, reason):
                visit.page.emit("user-banned", self.arrival.banned(until, reason).facts())
                visit.page.close("paused")
            case _:
                self.matching.heard(visit.guest, record)
                self.delivery.heard(visit.guest, record)

    def resumed(self) -> None:
        """The bus is heard again."""
        self.spawn(self.presence.resumed(), "partners")

    async def check(self) -> None:
        """Every 15 s: partners whose coming or going nobody could tell; mailboxes that had to be closed."""
        await self.presence.look()
        await self.delivery.reopen()

    async def place(self, visit: Visit, city: str | None, position: object) -> Place:
        """``user-place``. Raises BadPayload, NoPlace, Busy."""
        row = self.arrival.moved(visit.row, visit.page.address, city, position)
        place = row.place
        assert place is not None
        await self.lobby.move(row.id, place.key, place.cell, place.city)
        visit.row = row
        self.matching.moved(row.id, place)
        await self.history.guests.keep(row)
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
        if visit.epoch == 0 or visit.left:
            return
        visit.left = True
        if visit.subscription is not None:
            self.bus.unlisten(visit.subscription)
        if self.guests.get(visit.guest) is visit:
            self._remember(visit)
            del self.guests[visit.guest]
        session, desk, visit.desk = visit.session, visit.desk, None
        was_newest = await self._tell_left(visit, session)
        if desk is not None:
            with suppress(Unavailable):  # a broker that is away has put everything back by itself
                await self.delivery.close(desk)
                if was_newest:
                    await self.delivery.discard(desk)
        if was_newest and not visit.forgotten:
            with suppress(Unavailable):
                await self._keep_seen(visit.guest)

    async def _tell_left(self, visit: Visit, session: Session | None) -> bool:
        """Tell lobby and partner; whether this was the guest's newest page (False when nobody can say)."""
        try:
            await self.matching.left(visit.guest, visit.epoch)
            where = (await self.lobby.status([visit.guest]))[0]
        except Unavailable:
            return False  # the partner's process looks every 15 s
        was_newest = where.epoch <= visit.epoch
        if was_newest and session:
            self.bus.publish(session.partner(visit.guest), PartnerAway(session.id, self.clock.wall_ms()))
        return was_newest

    async def _keep_seen(self, guest: str) -> None:
        """The row as it is now: a next page may have moved the guest meanwhile."""
        row = await self.history.guests.find(guest)
        if row is not None:
            await self.history.guests.keep(replace(row, seen=self.clock.wall_ms()))

    async def drain(self) -> None:
        """SIGTERM: no more joins, free guests out of the lobby, pages sent elsewhere in waves, batches finished."""
        self.draining = True
        with suppress(Unavailable):  # its lease ends by itself
            await self.matching.drain()
        pages = [page for page, visit in self.visits.items() if visit.joined]
        wave = ceil(len(pages) / DRAIN_WAVES)
        for start in range(0, len(pages), wave or 1):
            for page in pages[start : start + wave]:
                page.emit("user-drain", {"retry_ms": RETURN_MS})
            await asyncio.sleep(WAVE_S)
        try:
            await asyncio.wait_for(self.delivery.ledger.flushed(), FLUSH_S)
        except TimeoutError:
            log.warning("the history did not take everything in time; its owners will send it again")
        for page in list(self.visits):
            page.close("drain")
            self.closed(page)
