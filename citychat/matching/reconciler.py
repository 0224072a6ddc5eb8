"""Reconciliation: a page is told what the lobby says of its guest (protocol §3).

The lobby alone knows who is free, asked or talking. Events of the bus are hints: whatever comes in, the guest's
status is looked up and the page is told what differs from what it was told before. So a lost, late or double
event leaves nobody stuck; timers look as well.
"""

from collections.abc import Callable, Sequence
from functools import partial
from zlib import crc32

from citychat.matching.lease import REJOIN_MS, Lease
from citychat.matching.moderation import Moderation
from citychat.matching.pretence import Pretence
from citychat.matching.reunions import Reunions
from citychat.matching.sessions import Sessions, is_in
from citychat.model import PENDING, Offer, Unavailable, new_id
from citychat.ports import Entry, GuestStatus, OfferEnded, OfferMade, SeekResult, SessionBegun, SessionEnded
from citychat.registry import Client
from citychat.rules import COUNTED_NEARBY
from citychat.tasks import AGAIN_S

LOOK_S = 5.0  # a waiting looker seeks again (protocol §3); an open offer is looked at as often, for lost events
LATE_S = 0.2  # after the offer's own seconds (protocol §3)
SOON_S = 0.3  # we know the lobby's clock nearly: an offer that should be over and is not is looked at again
LOOK_AT_ONCE = 500
MENDED_IN = 20  # checks: each guest is mended every five minutes
MEND_AT_ONCE = 100  # of them in one step of the lobby: 2 ms


class Reconciler:
    """Compares what a page was told with what the lobby says, and tells it the difference."""

    def __init__(
        self,
        sessions: Sessions,
        moderation: Moderation,
        reunions: Reunions,
        lease: Lease,
        pretence: Pretence,
        neighbours: Callable[[str], Sequence[str]],
    ) -> None:
        self.sessions, self.moderation, self.reunions, self.lease = sessions, moderation, reunions, lease
        self.pretence, self.neighbours = pretence, neighbours
        self.lobby, self.bus, self.registry = sessions.lobby, sessions.bus, sessions.registry
        self.clock, self.random, self.tasks = sessions.clock, sessions.random, sessions.tasks
        self._round = 0

    # -- hints --------------------------------------------------------------------------------------------------------

    def on_offer_made(self, client: Client, event: OfferMade) -> None:
        """Look, unless the guest talks here: who talks is not asked (protocol §2.8)."""
        if client.session is None:
            self.soon(client)

    def on_offer_ended(self, client: Client, event: OfferEnded) -> None:
        """Look, if it is the offer that the page was told of."""
        if client.match.offer is not None and client.match.offer.id == event.offer:
            self.soon(client)

    def on_session_begun(self, client: Client, event: SessionBegun) -> None:
        """Look, unless the page is in that session already."""
        if not is_in(client, event.session):
            self.soon(client)

    def on_session_ended(self, client: Client, event: SessionEnded) -> None:
        """Close the page's chat; look, if the page is not in it: an earlier look may still see it running."""
        if is_in(client, event.session):
            self.sessions.left(client, event.session, event.at)
        else:
            self.soon(client)

    def soon(self, client: Client) -> None:
        """Look at this guest; many hints at once are one look."""
        if client.here and not client.match.due and not self.lease.draining:
            client.match.due = True
            self.tasks.spawn(self._look(client), "look at a guest")

    async def _look(self, client: Client) -> None:
        async with client.match.lock:
            client.match.due = False
            if not client.here or client.forgotten:
                return
            try:
                await self._settle(client, await self._status(client))
            except Unavailable:
                self._look_in(client, self.random.uniform(AGAIN_S / 2, AGAIN_S))

    def _look_in(self, client: Client, delay_s: float) -> None:
        if client.here:
            client.match.arm(self.clock, delay_s, partial(self.soon, client))

    async def _status(self, client: Client) -> GuestStatus:
        return (await self.lobby.status([client.guest]))[0]

    # -- what became of the guest -------------------------------------------------------------------------------------

    async def _settle(self, client: Client, where: GuestStatus) -> None:
        if where.epoch > client.epoch and where.state == "gone":
            client.page.emit("user-drain", {"retry_ms": REJOIN_MS})  # a later page, closed before it was in: join again
            return
        if await self._is_forgotten(client, where):
            await self.lease.enter_again(client)
            if client.forgotten:
                return
            where = await self._status(client)
        if where.epoch > client.epoch:
            self._replaced(client)
            return
        if where.session is not None:
            await self._meet(client, where.session)
            return
        self.sessions.over_here(client)
        self._settle_offers(client, where)
        if where.looking and not client.match.looking:  # the wish is the page's
            await self.stop(client)
        elif where.offer is None and client.match.looking:
            await self.found(client, await self.claim(client))

    async def _is_forgotten(self, client: Client, where: GuestStatus) -> bool:
        """Tell whether the lobby knows less of the guest than it did: it has lost what it knew, or has gone back to an
        earlier time. Without the history's word it ends no chat (§2.8). Raises Unavailable."""
        if where.epoch > client.epoch:
            return False
        if where.epoch < client.epoch or where.state == "gone":
            return True
        return where.session is None and await self.lease.resuming.goes_on(client)

    async def _meet(self, client: Client, session_id: str) -> None:
        if await self.sessions.enter_here(client, session_id):
            client.show_session()

    def _replaced(self, client: Client) -> None:
        client.match.disarm()
        client.page.emit("user-replaced", {})
        client.page.close("replaced")

    def _settle_offers(self, client: Client, where: GuestStatus) -> None:
        self._tell_ended(client, where.offer, is_looking=where.looking)
        if where.offer is not None:
            self._opened(client, where.offer)

    def _tell_ended(self, client: Client, now: Offer | None, *, is_looking: bool) -> None:
        """Tell the page that the offer it knows of is off, unless it is the one of ``now``."""
        match, old = client.match, client.match.offer
        if old is None or (now is not None and now.id == old.id):
            return
        match.offer = None
        if old.candidate == client.guest:
            match.looking = match.looking and is_looking
            match.show_over(old)
        else:
            match.show_progress("next")

    async def claim(self, client: Client) -> SeekResult:
        """Ask the lobby for the best candidate. Raises DiskFull, HouseClosed while no chat could begin."""
        self.sessions.check_room()
        offer, rest_ms = new_id(self.random), self.pretence.rest_ms()
        return await self.lobby.seek(client.guest, offer, rest_ms, self._towns(client.match.entry))

    def _towns(self, entry: Entry) -> Sequence[str]:
        """Return the pools of the towns nearby for a guest who may meet their guests."""
        return self.neighbours(entry.pool) if entry.towns and entry.pool is not None else ()

    async def found(self, client: Client, result: SeekResult) -> None:
        """Tell the page what seeking came to, and that what it was asked before is off."""
        if result.session is not None:
            await self._meet(client, result.session)
            return
        self._tell_ended(client, result.offer, is_looking=True)
        if result.offer is not None:
            self._opened(client, result.offer)
        else:
            client.match.show_progress(self.pretence.told(client.match, result))
            self._look_in(client, min(self.pretence.left_s(client.match) or LOOK_S, LOOK_S))

    def _opened(self, client: Client, offer: Offer) -> None:
        """An offer of or to this guest runs; said again at each look, in case the first event was lost."""
        if offer.seeker in self.moderation.pending_blocks(client.guest):
            return  # declined already, and the lobby will hear of it
        match, now = client.match, self.lobby.now_ms()
        known = match.offer is not None and match.offer.id == offer.id
        match.offer = offer
        if offer.seeker == client.guest:
            match.show_progress("asking")
            self.bus.publish(offer.candidate, OfferMade(offer))
        elif not known:
            match.show_offer(offer, now)
        left_s = (offer.ends_for(client.guest) - now) / 1000
        self._look_in(client, min(max(left_s, SOON_S) + LATE_S, LOOK_S))

    async def stop(self, client: Client) -> None:
        """Look no more; an open offer ends as expired."""
        offer = await self.lobby.stop(client.guest)
        if offer is not None:
            self.moderation.tell_over(offer, but=client.guest)
        asked = client.match.offer
        client.match.rest()
        if asked is not None and asked.candidate == client.guest:
            client.match.show_over(asked)

    # -- from time to time --------------------------------------------------------------------------------------------

    async def check(self) -> None:
        """Look at each guest of whom the lobby says something else than the page was told (every 15 s)."""
        clients = list(self.registry)
        for start in range(0, len(clients), LOOK_AT_ONCE):
            some = clients[start : start + LOOK_AT_ONCE]
            found = await self.lobby.status([client.guest for client in some])
            for client, where in zip(some, found, strict=True):
                if _differs(client, where):
                    self.soon(client)
        for client in clients:
            if client.match.stale:
                await self.tell_wishes(client)
        await self.reunions.grant()
        self._round = (self._round + 1) % MENDED_IN
        share = [client for client in clients if crc32(client.guest.encode()) % MENDED_IN == self._round]
        await self._mend([client.guest for client in share])
        for client in share:
            await self._part_if_over(client)

    async def _part_if_over(self, client: Client) -> None:
        """End a chat that the history knows to be over, and the lobby does not: the process on which the partner has
        left is gone, and so is the partner, who would tell otherwise. Raises Unavailable."""
        session = client.session
        if session is None or client.endpoint.partner_here:
            return
        row = await self.sessions.history.sessions.find(session.id)
        if row is not None and row.ended not in (None, PENDING):
            await self.sessions.let_go(session.id, session.members)

    async def _mend(self, guests: Sequence[str]) -> None:
        """Mend this check's share of the guests: the lobby may have lost one of its keys."""
        for start in range(0, len(guests), MEND_AT_ONCE):
            await self.lobby.mend(guests[start : start + MEND_AT_ONCE])

    async def tell_wishes(self, client: Client, touched: bool = False) -> None:
        """Tell the lobby whether the page may be asked, and whether it is in view. Raises Unavailable."""
        client.match.stale = True
        entry = client.match.entry
        await self.lobby.available(client.guest, entry.available, entry.slow)
        await self.lobby.view(client.guest, entry.visible, touched)
        await self.tell_preferences(client)
        client.match.stale = False

    async def tell_preferences(self, client: Client) -> None:
        """Tell the lobby, which forgets it when a chat begins, whom the guest would like to meet. Raises
        Unavailable."""
        if client.session is None:
            entry = client.match.entry
            await self.lobby.prefer(client.guest, entry.towns, entry.languages)

    async def nearby(self, entry: Entry) -> str:
        """Return how many others are free, in the page's words."""
        count = await self.lobby.nearby(entry.guest, self._towns(entry))
        return "none" if count == 0 else "few" if count < COUNTED_NEARBY else "many"

    async def refresh(self) -> None:
        """Tell pages in view how many are free, where that has changed (every 10 s)."""
        for client in self.registry:
            entry = client.match.entry
            if client.session is None and entry.visible and entry.pool is not None:
                client.match.show_nearby(await self.nearby(entry))


def _differs(client: Client, where: GuestStatus) -> bool:
    """Tell whether the lobby says something else than the page was told."""
    told_session = client.session.id if client.session else None
    told_offer = client.match.offer.id if client.match.offer else None
    known_offer = where.offer.id if where.offer else None
    if where.epoch != client.epoch or where.state == "gone":
        return True
    return (told_session, told_offer, client.match.looking) != (where.session, known_offer, where.looking)
