"""Matching on one process: what a page may wish, and the order of steps over two stores (protocol §3).

Accept: the session's row is durable, then the lobby lets it begin, then both are told. Decline: the lobby bars the
pair, then it is durable, then it is answered. What happens without a wish of the page is in ``lookout``.
"""

from asyncio import Task
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace

from citychat.matching.match_state import MatchState
from citychat.matching.moderation import Moderation
from citychat.matching.reconciler import Reconciler
from citychat.matching.sessions import Sessions
from citychat.model import Gone, NoPlace, Offer, Place, Session, Unavailable
from citychat.ports import BusEvent, Entry, Page, SessionBegun

ACCEPTS_MAX = 3  # open offers that went while "Find someone" was accepting them

Then = Callable[[], None]


def nothing() -> None:
    """What to do after an answer that nothing follows."""


class Matching:
    """``process``: the name under which this process has its lease in the lobby. Stores, clock and tasks are those of
    ``sessions``."""

    def __init__(self, *, process: str, sessions: Sessions, parting: Moderation) -> None:
        self.sessions, self.parting = sessions, parting
        self.lookout = Reconciler(process, sessions, parting)
        self.process, self.seats = process, sessions.seats
        self.lobby, self.bus, self.tasks = sessions.lobby, sessions.bus, sessions.tasks

    # -- a page comes and goes ----------------------------------------------------------------------------------------

    async def entered(
        self, guest: str, epoch: int, page: Page, place: Place | None, entry: Entry, over: Offer | None
    ) -> None:
        """A page has entered the lobby, as ``entry``; ``over`` is the offer that this has ended."""
        older = self.seats.get(guest)
        if older is not None:
            older.disarm()
        self.seats[guest] = MatchState(replace(entry, epoch=epoch), page)
        if over is not None:
            self.parting.tell_over(over, but=guest)

    def started(self, guest: str, epoch: int, session: Session | None) -> None:
        """The page has its join answer, with this session: from now on it may be told more."""
        seat = self.seats.get(guest)
        if seat is not None and seat.epoch == epoch:
            seat.session, seat.live = session, True
            self.lookout.soon(seat)

    async def left(self, guest: str, epoch: int) -> None:
        """The socket is closed: out of the lobby, and the other side of an open offer is freed (M8)."""
        seat = self.seats.get(guest)
        if seat is not None and seat.epoch == epoch:
            del self.seats[guest]
            seat.disarm()
        try:
            await self._leave_lobby(guest, epoch)
        except Unavailable:
            self.tasks.spawn(self._leave_later(guest, epoch), "leave the lobby")

    async def _leave_lobby(self, guest: str, epoch: int) -> None:
        offer = await self.lobby.leave(guest, epoch)
        if offer is not None:
            self.parting.tell_over(offer, but=guest)

    async def _leave_later(self, guest: str, epoch: int) -> None:
        await self.sessions.retry(partial(self._leave_lobby, guest, epoch))

    def heard(self, guest: str, record: BusEvent) -> None:
        self.lookout.heard(guest, record)

    async def shown(self, session: Session, guest: str) -> dict[str, object]:
        return await self.sessions.shown(session, guest)

    async def nearby(self, guest: str) -> str:
        """``free_nearby`` of the join answer; from then on the page is told when it changes."""
        word = await self.lookout.nearby(guest)
        if guest in self.seats:
            self.seats[guest].nearby = word
        return word

    async def check(self) -> None:
        await self.lookout.check()

    async def refresh(self) -> None:
        await self.lookout.refresh()

    async def renew(self) -> None:
        await self.lookout.renew()

    async def take_lease(self) -> None:
        await self.lookout.take_lease()

    async def reenter(self) -> None:
        await self.lookout.reenter()

    def reenter_soon(self) -> None:
        self.lookout.reenter_soon()

    async def drain(self) -> None:
        """The process is going: its guests leave the lobby and are not entered again. Raises Unavailable."""
        self.lookout.going = True
        await self.lobby.drop(self.process)

    # -- wishes of the page -------------------------------------------------------------------------------------------

    async def seek(self, guest: str) -> tuple[str, Then]:
        """Find someone: the state for the answer, and what to do after it. Raises NoPlace, Unavailable."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            if seat.session is not None:
                shown = await self.sessions.shown(seat.session, guest)  # the partner may be away by now
                return "matched", partial(seat.page.emit, "user-session", shown)
            if seat.entry.pool is None:
                raise NoPlace
            sought = await self.lookout.claim(seat)
            seat.looking = True
            for _ in range(ACCEPTS_MAX):
                if sought.state != "asked" or sought.offer is None:
                    break
                try:
                    await self._accept(seat, sought.offer)  # M10
                    return "matched", seat.show_session
                except Gone:
                    sought = await self.lookout.claim(seat)
            seat.progress = "asking" if sought.state == "asking" else "waiting"  # the answer says it
            if sought.session is not None:
                await self.sessions.enter_here(seat, sought.session)
                if seat.session is None:
                    raise Unavailable  # the chat before is still ending
                return "matched", seat.show_session
            await self.lookout.found(seat, sought)
            return seat.progress, nothing

    async def stop(self, guest: str) -> None:
        """No longer looking; an open offer of or to this guest ends as expired. Raises Unavailable."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            seat.looking = False
            await self.lookout.stop(seat)

    async def accept(self, guest: str, offer: str) -> Then:
        """Yes; what to do after the answer. Raises Gone, Unavailable (the offer runs on)."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            try:
                await self._accept(seat, await self._open_offer(seat, offer))
            except Gone:
                self.lookout.soon(seat)
                raise
            return seat.show_session

    async def decline(self, guest: str, offer: str) -> Task[None]:
        """No, however late; the task ends when it is durable. Raises Gone, Unavailable (nothing may have happened)."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            try:
                asked = await self._open_offer(seat, offer)
            except Gone:
                return await self._decline_late(guest, offer)
            try:
                asked = await self.lobby.decline(guest, offer)
                in_lobby = True
            except Unavailable:
                in_lobby = False  # perhaps done, perhaps not: a no must not get lost in between
            self.parting.tell_over(asked, but=guest)
            self._answered(seat)
            return self.parting.bar(asked.seeker, asked.candidate, in_lobby=in_lobby)

    async def _decline_late(self, guest: str, offer: str) -> Task[None]:
        """The no was said on a dead link, or its answer was lost there."""
        over = await self.lobby.decline(guest, offer)
        if over.id != offer:  # the two were being led together again
            self.parting.tell_over(over)
        return self.parting.bar(over.seeker, over.candidate, in_lobby=True)

    async def later(self, guest: str, offer: str) -> None:
        """Not now, and do not ask me any more. Raises Gone, Unavailable."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            ended = await self.lobby.later(guest, offer)
            self.parting.tell_over(ended, but=guest)
            seat.entry = replace(seat.entry, available=False)
            seat.looking = False
            self._answered(seat)

    def _answered(self, seat: MatchState) -> None:
        """The offer has its answer; a looker looks on at once."""
        seat.offer = None
        seat.disarm()
        self.lookout.soon(seat)

    async def _open_offer(self, seat: MatchState, offer: str) -> Offer:
        """The offer as the page was asked, or as the lobby has it. Raises Gone, Unavailable."""
        if seat.session is not None:
            raise Gone
        if seat.offer is not None and seat.offer.id == offer:
            return seat.offer
        where = (await self.lobby.status([seat.guest]))[0]
        if where.offer is None or where.offer.id != offer:
            raise Gone
        return where.offer

    async def _accept(self, seat: MatchState, offer: Offer) -> None:
        if offer.candidate != seat.guest:
            raise Gone
        session = await self.sessions.prepare((offer.seeker, offer.candidate), offer.city)
        try:
            await self.lobby.accept(seat.guest, offer.id, session.id)
        except BaseException:  # gone, or nobody knows; also when the connection ended and its events were cancelled
            self.sessions.resolve(session)
            raise
        self.bus.publish(offer.seeker, SessionBegun(session.id))
        await self.sessions.begin_here(seat, session)

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        """Whether to be asked while not looking. Raises Unavailable; the lobby then learns it later."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            seat.entry = replace(seat.entry, available=on, slow=slow)
            await self.lookout.tell_wishes(seat)

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        """In view or not. Raises Unavailable; the lobby then learns it later."""
        seat = self.sessions.seat(guest)
        async with seat.lock:
            seat.entry = replace(seat.entry, visible=visible)
            await self.lookout.tell_wishes(seat, touched)

    def moved(self, guest: str, place: Place) -> None:
        """The lobby has moved the guest; a looker looks in the new place at once (M14)."""
        seat = self.seats.get(guest)
        if seat is not None:
            seat.entry = replace(seat.entry, pool=place.key, cell=place.cell, city=place.city)
            self.lookout.soon(seat)
