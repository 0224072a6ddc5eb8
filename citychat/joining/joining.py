"""Joining: from a page's first event to its guest being in the lobby and reachable (protocol §2.5.1).

The order of the steps is the promise. The lobby gives the epoch before anything is heard, the bus is heard before
history is read, and the answer leaves before anything else: with any other order a message falls between two pages.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from math import ceil

from msgspec.structs import asdict, replace

from citychat.delivery import Delivery, Endpoint
from citychat.joining.admission import RETURN_MS, Admission, JoinRequest
from citychat.joining.bus_dispatch import BusDispatch, BusListener
from citychat.joining.joining_page import JoiningPage, pinged
from citychat.joining.missed import Missed
from citychat.joining.presence import Presence
from citychat.joining.recent_guests import RecentGuest, RecentGuests
from citychat.joining.recovery import Admitted, Recovery
from citychat.matching import Matching
from citychat.model import BadPayload, Busy, NotJoined, Place, Session, Unavailable
from citychat.ports import Engines, GuestPaused, NewerPage, Page, PartnerAway, PartnerHere
from citychat.registry import Client, MatchState, Registry
from citychat.tasks import Tasks

DRAIN_WAVES, WAVE_S = 20, 0.1  # 5 % at a time, so that the next process is not overrun
READ_AGAIN_S = 2.0  # until the history is asked again whether it is back

log = logging.getLogger(__name__)

Start = Callable[[], None]


class Joining:
    """The way in and out of one process's pages. ``process``: its name in the lobby."""

    def __init__(
        self,
        *,
        process: str,
        engines: Engines,
        tasks: Tasks,
        registry: Registry,
        admission: Admission,
        delivery: Delivery,
        matching: Matching,
    ) -> None:
        self.engines, self.tasks, self.registry, self.admission = engines, tasks, registry, admission
        self.delivery, self.matching = delivery, matching
        self.bus, self.lobby, self.history, self.clock = engines.bus, engines.lobby, engines.history, engines.clock
        self.recovery = Recovery(process, engines, matching)
        self.presence = Presence(engines, tasks, registry)
        self.missed = Missed(engines, tasks, registry, matching.moderation, self._paused)
        self.dispatch = BusDispatch(matching, self.presence, self._newer_page, self._paused)
        self.recent = RecentGuests(engines.clock.monotonic_s)
        self.draining = False
        self._joining: set[Page] = set()

    # -- in -----------------------------------------------------------------------------------------------------------

    async def join(self, page: Page, asked: JoinRequest) -> tuple[dict[str, object], Start]:
        """Return the answer to ``user-join``, and what to call the moment it has been sent."""
        if page in self._joining or page in self.registry.by_page:
            raise BadPayload("This page has joined already.")
        self.refuse_if_draining()
        self.admission.take_join(page.address, asked)
        joining = JoiningPage(page, self.registry)
        self._joining.add(page)
        try:
            with pinged(page, self.clock):
                client, answer = await self._enter(joining, asked)
            self.refuse_if_draining()
            self.registry.add(client)
        except BaseException:
            self._joining.discard(page)
            self.registry.remove(joining.guest, joining.epoch)
            await self._leave(joining)
            if (here := self.registry.find(joining.guest)) is not None:
                self.matching.reconciler.soon(here)  # the lobby may have taken this page for the newest
            raise
        self._joining.discard(page)
        return answer, lambda: self._start(joining, client)

    def refuse_if_draining(self) -> None:
        """Raise Busy while everybody is sent elsewhere."""
        if self.draining:
            raise Busy("The server is restarting. Nothing is lost.", retry_ms=RETURN_MS)

    async def _enter(self, joining: JoiningPage, asked: JoinRequest) -> tuple[Client, dict[str, object]]:
        step = joining.step
        found = await step(self._admitted(joining, asked))
        await step(self.matching.lease.take())
        entered = await self.lobby.enter(found.entry)
        if entered.over is not None:
            self.matching.moderation.tell_over(entered.over, but=found.row.id)
            if not joining.page.open and entered.over.seeker == found.row.id:
                self.matching.took_back(entered.over)  # here, for no older page is told
        self._take_over(joining, found.row.id, entered.epoch)
        sessions = await step(self.recovery.entered(found, entered))
        endpoint = joining.endpoint = Endpoint(joining.guest, joining.epoch, joining.page, self.delivery, found.away_ms)
        listener = joining.listener = BusListener(self.dispatch, joining.epoch)
        joining.subscription = await self.bus.listen(joining.guest, listener)
        joining.check()
        catch_up = self.recovery.catch_up if found.read else self.recovery.go_on
        chat = await step(catch_up(endpoint, sessions, asked.have))
        match = MatchState(found.entry, joining.page)
        match.nearby = await step(self.matching.reconciler.nearby(found.entry))
        client = Client(found.row, endpoint, match, joining.subscription)
        return client, {
            "ok": True,
            "token": self.admission.token(client.row),
            "now": self.admission.dates.now_ms(),
            "same": self.admission.is_same(asked, client.guest),
            "place": self.admission.shown(client.place),
            "state": "chat" if client.session else "free",
            "free_nearby": match.nearby,
            **({"lifted": asdict(found.lifted)} if found.lifted else {}),
            **chat,
        }

    async def _admitted(self, joining: JoiningPage, asked: JoinRequest) -> Admitted:
        """Find out who comes and from which chat: by the history, or while that is away by what this process
        remembers."""
        try:
            arrived = await joining.step(self.admission.arrive(joining.page.address, asked))
            await joining.step(self.history.guests.keep(arrived.row))
            return await self.recovery.admitted(arrived, asked)
        except Unavailable:
            known = self._remembered(asked)
            if known is None:
                raise
            joining.unread = True
            return await self.recovery.recalled(known, asked)

    def _remembered(self, asked: JoinRequest) -> RecentGuest | None:
        """Return what this process remembers of a page that lives on; a fresh one waits for the history."""
        guest = self.admission.guest_of(asked)
        if not guest or not asked.have:
            return None
        client = self.registry.find(guest)
        if client is not None:  # its old link is not known to be broken yet
            self._remember(client)
        return self.recent.of(guest)

    def _remember(self, client: Client) -> None:
        if client.session is not None and not client.shut_out:
            self.recent.keep(RecentGuest(client.row, client.match.entry, client.session))
        else:
            self.recent.forget(client.guest)

    def _take_over(self, joining: JoiningPage, guest: str, epoch: int) -> None:
        """This is the guest's newest page, unless another was faster. The older one is told and closed, here and on
        other processes. Raises NotJoined, with the older one left in peace, when the page has closed meanwhile."""
        joining.guest, joining.epoch = guest, epoch
        if not joining.page.open:
            raise NotJoined
        older = self.registry.take_over(guest, epoch)
        if older is not None:
            self._replace(older)
        self.bus.publish(guest, NewerPage(epoch))

    def _start(self, joining: JoiningPage, client: Client) -> None:
        """The answer has left: everything held so far, then live, and the partner hears of it."""
        if not client.here or joining.listener is None:
            return
        client.endpoint.start()
        self.matching.reconciler.soon(client)
        self.matching.sessions.house.show(client)
        joining.listener.start(client)
        if client.session:
            self.bus.publish(client.session.partner(client.guest), PartnerHere(client.session.id))
        if joining.unread:
            self.tasks.spawn(self._read_later(client), "read later")

    async def _read_later(self, client: Client) -> None:
        """The page joins once more when the history is there, and reads what it may have missed."""
        while client.here:
            try:
                await self.history.guests.find(client.guest)
            except Unavailable:
                await self.tasks.pause(READ_AGAIN_S)
            else:
                return client.page.emit("user-drain", {"retry_ms": RETURN_MS})

    # -- while it lasts -----------------------------------------------------------------------------------------------

    def resumed(self) -> None:
        """Make good what was missed: the bus is heard again."""
        self.presence.resumed()
        self.missed.resumed()

    async def check(self) -> None:
        """Look for partners whose coming or going nobody could tell; open mailboxes that had to be closed; mark the
        networks of those anew who stay for days (every 15 s)."""
        await self.presence.look()
        for client in list(self.registry):
            await client.endpoint.reopen_mailbox()
            if self.admission.is_stale(client.row):
                await self._mark(client)

    async def _mark(self, client: Client) -> None:
        """Mark the guest's network as a join would: in the lobby, which keeps offer, chat and wish, then in the row."""
        async with client.match.lock:
            if client.here and not client.forgotten:
                marks = self.admission.seen_again(client.row, client.page.address).networks
                client.match.entry = replace(client.match.entry, networks=marks)
                await self.matching.lease.enter_again(client)
                if not client.forgotten:
                    client.row = self.admission.seen_again(client.row, client.page.address)
                    await self.history.guests.keep(client.row)

    async def place(self, client: Client, city: str | None, position: object) -> Place:
        """Move a guest (``user-place``). Raises BadPayload, NoPlace, Busy."""
        row, place = self.admission.moved(client.row, client.page.address, city, position)
        await self.lobby.move(row.id, place.key, place.district, place.city)
        client.row = row
        self.matching.moved(client, place)
        await self.history.guests.keep(row)
        return place

    def _paused(self, client: Client, event: GuestPaused) -> None:
        client.shut_out = True
        client.page.emit("user-banned", self.admission.banned(event.pause).facts)
        client.page.close("paused")

    # -- out ----------------------------------------------------------------------------------------------------------

    def _newer_page(self, client: Client, event: NewerPage) -> None:
        """Another process tells of a page that entered after ours."""
        if event.epoch > client.epoch:
            self._forget(client)
            self._replace(client)

    def _replace(self, client: Client) -> None:
        """Close a page for a newer one, which has ended an offer of its own: that is said here, so that nobody is
        blamed who had to come anew because the process had died."""
        offer = client.match.offer
        if offer is not None and offer.seeker == client.guest:
            self.matching.took_back(offer)
        client.page.emit("user-replaced", {})
        client.page.close("replaced")
        self._spawn_leave(client)

    def closed(self, page: Page) -> None:
        """Take a page out whose socket is gone (the edge says so, once)."""
        client = self.registry.by_page.get(page)
        if client is not None:
            self._forget(client)
            self._spawn_leave(client)

    def _forget(self, client: Client) -> None:
        """Remember the guest of the newest page here, and take it out of the registry."""
        self._remember(client)
        self.registry.remove(client.guest, client.epoch)

    def _spawn_leave(self, client: Client) -> None:
        self.tasks.spawn(self._leave(client), "leave")

    async def _leave(self, page: JoiningPage | Client) -> None:
        """Undo whatever the join has done; harmless for a page that a newer one has replaced."""
        if page.epoch == 0:
            return
        if page.subscription is not None:
            self.bus.unlisten(page.subscription)
        endpoint = page.endpoint
        was_newest = await self._tell_left(page.guest, page.epoch, endpoint.session if endpoint else None)
        if endpoint is not None:
            with suppress(Unavailable):  # a broker that is away has put everything back by itself
                await endpoint.close()
                if was_newest and not self.registry.has(page.guest):
                    await endpoint.discard_mailbox()
        if was_newest and not (isinstance(page, Client) and page.forgotten):
            with suppress(Unavailable):
                await self._keep_seen(page.guest)

    async def _tell_left(self, guest: str, epoch: int, session: Session | None) -> bool:
        """Tell lobby and partner; whether this was the guest's newest page (False when nobody can say)."""
        try:
            await self.matching.left(guest, epoch)
            where = (await self.lobby.status([guest]))[0]
        except Unavailable:
            return False  # the partner's process looks every 15 s
        was_newest = where.epoch <= epoch
        if was_newest and session:
            self.bus.publish(session.partner(guest), PartnerAway(session.id, self.clock.wall_ms()))
        return was_newest

    async def _keep_seen(self, guest: str) -> None:
        """The row as it is now: a next page may have moved the guest meanwhile."""
        row = await self.history.guests.find(guest)
        if row is not None:
            await self.history.guests.keep(replace(row, seen=self.admission.dates.now_ms()))

    async def drain(self, within_s: float) -> None:
        """Send everybody away (SIGTERM): no more joins, free guests out of the lobby, pages sent elsewhere in waves,
        batches finished; what a silent store has not taken in that time stays with its owners."""
        self.draining = True
        try:
            async with asyncio.timeout(within_s):
                with suppress(Unavailable):  # its lease ends by itself
                    await self.matching.lease.drop()
                await self._send_away()
                await self.delivery.writer.flushed()
        except TimeoutError:
            log.warning("the history did not take everything in time; its owners will send it again")
        for page in [*self.registry.by_page, *self._joining]:
            page.close("drain")
            self.closed(page)

    async def _send_away(self) -> None:
        wave = ceil(len(pages := list(self.registry.by_page)) / DRAIN_WAVES)
        for start in range(0, len(pages), wave or 1):
            for page in pages[start : start + wave]:
                page.emit("user-drain", {"retry_ms": RETURN_MS})
            await asyncio.sleep(WAVE_S)
        if self._joining:
            await asyncio.sleep(WAVE_S)  # whose join is under way is told to come back
