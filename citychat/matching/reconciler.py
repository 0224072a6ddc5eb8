"""What became of a guest: the lobby's word, told to the guest's page (protocol §3).

The lobby alone knows who is free, asked or talking. Records of the bus are hints: whatever comes in, the guest's
whereabouts are looked up and the page is told what differs from what it was told before. So a lost, late or double
record leaves nobody stuck; timers look as well.
"""

import asyncio
from functools import partial

from msgspec.structs import replace

from citychat.matching.match_state import MatchState
from citychat.matching.moderation import Moderation
from citychat.matching.sessions import Sessions
from citychat.model import Offer, Unavailable, new_id
from citychat.ports import BusEvent, Entry, GuestStatus, OfferEnded, OfferMade, SeekResult, SessionBegun, SessionEnded
from citychat.tasks import pause

LOOK_S = 5.0  # a waiting looker seeks again (protocol §3); an open offer is looked at as often, for lost records
LATE_S = 0.2  # after the offer's own seconds (protocol §3)
SOON_S = 0.3  # our clock and the lobby's may differ: an offer that should be over and is not is looked at again
AWAY_S = 2.0  # until the lobby is asked again when it was away
REENTER_AT_ONCE = 32
LOOK_AT_ONCE = 500
MANY = 6  # product page: none = 0, few = 1-5, many = 6 or more


class Reconciler:
    """``process``: the name under which this process has its lease in the lobby."""

    def __init__(self, process: str, sessions: Sessions, parting: Moderation) -> None:
        self.process, self.sessions, self.parting, self.seats = process, sessions, parting, sessions.seats
        self.lobby, self.bus, self.history = sessions.lobby, sessions.bus, sessions.history
        self.clock, self.random, self.tasks = sessions.clock, sessions.random, sessions.tasks
        self.going = False  # the process drains: whoever leaves the lobby stays out
        self._leased = False  # the lobby has heard of this process
        self._forgotten = self._reentering = False

    # -- hints --------------------------------------------------------------------------------------------------------

    def heard(self, guest: str, record: BusEvent) -> None:
        """A record of the bus for a guest of this process."""
        seat = self.seats.get(guest)
        if seat is None:
            return
        match record:
            case OfferMade() if seat.session is None:  # a guest who talks here is not asked (protocol §2.8)
                self.soon(seat)
            case OfferEnded(offer) if seat.offer is not None and seat.offer.id == offer:
                self.soon(seat)
            case SessionBegun(s) if seat.session is None or seat.session.id != s:
                self.soon(seat)
            case SessionEnded(s, at) if seat.session is not None and seat.session.id == s:
                self.sessions.left(guest, s, at)
            case SessionEnded():  # over before this side has entered it: an earlier look still sees it running
                self.soon(seat)

    def soon(self, seat: MatchState) -> None:
        """Look at this guest; many hints at once are one look."""
        if seat.live and not seat.due and not self.going:
            seat.due = True
            self.tasks.spawn(self._look(seat), "look at a guest")

    async def _look(self, seat: MatchState) -> None:
        async with seat.lock:
            seat.due = False
            if self.seats.get(seat.guest) is not seat:
                return
            try:
                await self._settle(seat, (await self.lobby.status([seat.guest]))[0])
            except Unavailable:
                self._look_in(seat, self.random.uniform(AWAY_S / 2, AWAY_S))

    def _look_in(self, seat: MatchState, delay_s: float) -> None:
        if self.seats.get(seat.guest) is seat:
            seat.arm(self.clock, delay_s, partial(self.soon, seat))

    # -- what became of the guest -------------------------------------------------------------------------------------

    async def _settle(self, seat: MatchState, where: GuestStatus) -> None:
        if where.epoch < seat.epoch or where.state == "gone":
            await self._enter_again(seat)
            where = (await self.lobby.status([seat.guest]))[0]
        if where.epoch > seat.epoch:
            self._replaced(seat)
            return
        if where.session is not None:
            await self._meet(seat, where.session)
            return
        await self.sessions.over_here(seat)
        self._settle_offers(seat, where)
        if where.looking and not seat.looking:  # the wish is the page's
            await self.stop(seat)
        elif where.offer is None and seat.looking:
            await self.found(seat, await self.claim(seat))

    async def _meet(self, seat: MatchState, s: str) -> None:
        if await self.sessions.enter_here(seat, s):
            seat.show_session()
        elif seat.session is None and s not in self.sessions.ending:
            self.soon(seat)  # its row was closed and the lobby has let go of it just now; the page may still look

    def _replaced(self, seat: MatchState) -> None:
        seat.disarm()
        seat.page.emit("user-replaced", {})
        seat.page.close("replaced")

    def _settle_offers(self, seat: MatchState, where: GuestStatus) -> None:
        old, new = seat.offer, where.offer
        if old is not None and (new is None or new.id != old.id):
            seat.offer = None
            if old.candidate == seat.guest:
                seat.looking = seat.looking and where.looking
                seat.show_over(old)
            else:
                seat.show_progress("next")
        if new is not None:
            self._opened(seat, new)

    async def claim(self, seat: MatchState) -> SeekResult:
        return await self.lobby.seek(seat.guest, new_id(self.random))

    async def found(self, seat: MatchState, sought: SeekResult) -> None:
        """What seeking came to."""
        if sought.session is not None:
            await self._meet(seat, sought.session)
        elif sought.offer is not None:
            self._opened(seat, sought.offer)
        else:
            seat.show_progress("waiting")
            self._look_in(seat, LOOK_S)

    def _opened(self, seat: MatchState, offer: Offer) -> None:
        """An offer of or to this guest runs; said again at each look, in case the first record was lost."""
        if offer.seeker in self.parting.unkept(seat.guest):
            return  # declined already, and the lobby will hear of it
        now, known = self.clock.wall_ms(), seat.offer is not None and seat.offer.id == offer.id
        seat.offer = offer
        if offer.seeker == seat.guest:
            seat.show_progress("asking")
            self.bus.publish(offer.candidate, OfferMade(offer))
        elif not known:
            seat.show_offer(offer, now)
        left_s = (offer.ends - now) / 1000
        self._look_in(seat, min(max(left_s, SOON_S) + LATE_S, LOOK_S))

    async def stop(self, seat: MatchState) -> None:
        """The page does not look; an open offer ends as expired."""
        offer = await self.lobby.stop(seat.guest)
        if offer is not None:
            self.parting.tell_over(offer, but=seat.guest)
        asked, seat.looking = seat.offer, False
        seat.rest()
        if asked is not None and asked.candidate == seat.guest:
            seat.show_over(asked)

    # -- from time to time --------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Every 15 s: look at each guest of whom the lobby says something else than the page was told."""
        seats = [seat for seat in self.seats.values() if seat.live]
        for start in range(0, len(seats), LOOK_AT_ONCE):
            part = seats[start : start + LOOK_AT_ONCE]
            found = await self.lobby.status([seat.guest for seat in part])
            for seat, where in zip(part, found, strict=True):
                if _differs(seat, where):
                    self.soon(seat)
        for seat in seats:
            if seat.stale:
                await self.tell_wishes(seat)
        await self.sessions.grant_wishes()

    async def tell_wishes(self, seat: MatchState, touched: bool = False) -> None:
        """Tell the lobby whether the page may be asked, and whether it is in view. Raises Unavailable."""
        seat.stale = True
        entry = seat.entry
        await self.lobby.available(seat.guest, entry.available, entry.slow)
        await self.lobby.view(seat.guest, entry.visible, touched)
        seat.stale = False

    async def nearby(self, guest: str) -> str:
        """How many others are free, in the page's words."""
        count = await self.lobby.nearby(guest)
        return "none" if count == 0 else "few" if count < MANY else "many"

    async def refresh(self) -> None:
        """Every 10 s: tell pages in view how many are free, where that has changed."""
        for seat in list(self.seats.values()):
            if seat.live and seat.session is None and seat.entry.visible and seat.entry.pool is not None:
                seat.show_nearby(await self.nearby(seat.guest))

    # -- a lobby that has forgotten -----------------------------------------------------------------------------------

    async def renew(self) -> None:
        """Every 5 s: this process lives. A lobby that knows it no more has forgotten its guests. Raises Unavailable.

        Not while they enter again: the lease comes after them.
        """
        if self._reentering:
            return
        known, leased = await self.lobby.renew(self.process), self._leased
        self._leased = True
        if leased and not known and self.seats:
            self.reenter_soon()

    async def take_lease(self) -> None:
        """Before a guest enters: to nobody of a process without a lease is anybody led. It may have started before the
        lobby was there. Raises Unavailable."""
        if not self._leased:
            await self.renew()

    def reenter_soon(self) -> None:
        """Enter all guests again as soon as lobby and history answer; many reasons at once are one time."""
        self._forgotten = True
        if not self._reentering:
            self._reentering = True
            self.tasks.spawn(self._reenter_until_done(), "enter again")

    async def _reenter_until_done(self) -> None:
        try:
            while self._forgotten and not self.going:
                self._forgotten = False
                try:
                    await self.reenter()
                except Unavailable:
                    self._forgotten = True
                    await pause(self.clock, self.random.uniform(AWAY_S / 2, AWAY_S))
        finally:
            self._reentering = False

    async def reenter(self) -> None:
        """Enter all guests again with the epochs they have (protocol §2.8). Raises Unavailable."""
        await self.lobby.drop(self.process)
        seats = [seat for seat in self.seats.values() if seat.live]
        for start in range(0, len(seats), REENTER_AT_ONCE):
            await asyncio.gather(*(self._reenter(seat) for seat in seats[start : start + REENTER_AT_ONCE]))
        await self.lobby.renew(self.process)
        for seat in seats:
            self.soon(seat)

    async def _reenter(self, seat: MatchState) -> None:
        async with seat.lock:
            if self.seats.get(seat.guest) is seat:
                await self._enter_again(seat, renew=False)

    async def _enter_again(self, seat: MatchState, renew: bool = True) -> None:
        entered = await self.lobby.enter(await self._entry(seat))
        if entered.over is not None:
            self.parting.tell_over(entered.over, but=seat.guest)
        if entered.ended is not None:
            await self.history.sessions.end(entered.ended, self.clock.wall_ms())
        if renew:
            await self.renew()

    async def _entry(self, seat: MatchState) -> Entry:
        """The seat's entry with what the history and this process know by now; the guest may move while they are
        asked."""
        guest, now = seat.guest, self.clock.wall_ms()
        rows = await self.history.sessions.of(guest)
        avoided_networks = await self.history.relations.avoided_networks(guest, now)
        blocked = await self.history.relations.blocked(guest)
        running = [row for row in rows if row.ended is None and row.id not in self.sessions.ending]
        return replace(
            seat.entry,
            process=self.process,
            avoided_networks=avoided_networks,
            blocked=tuple({*blocked, *self.parting.unkept(guest)}),
            session=running[0] if running else None,
        )


def _differs(seat: MatchState, where: GuestStatus) -> bool:
    """Whether the lobby says something else than the page was told."""
    told_session = seat.session.id if seat.session else None
    told_offer = seat.offer.id if seat.offer else None
    known_offer = where.offer.id if where.offer else None
    if where.epoch != seat.epoch or where.state == "gone":
        return True
    return (told_session, told_offer, seat.looking) != (where.session, known_offer, where.looking)
