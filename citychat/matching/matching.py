"""Wishes of a page in matching, and the order of their steps over two stores (protocol §3).

Accept: the session is written down as pending, then the lobby lets it begin, then the history confirms it, then both
are told. Decline: the lobby blocks the pair, then it is durable, then it is answered. What happens without a wish of
the page is in ``reconciler``.
"""

from asyncio import Task
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from citychat.matching.erasing import Erasing
from citychat.matching.lease import Lease
from citychat.matching.moderation import Moderation
from citychat.matching.pretence import Pretence
from citychat.matching.reconciler import Reconciler
from citychat.matching.reunions import Reunions
from citychat.matching.sessions import Sessions
from citychat.matching.signs import Signs
from citychat.model import Gone, NoPlace, Offer, Place, Unavailable
from citychat.ports import Engines, Entry, SignCarrier
from citychat.registry import Client, Registry
from citychat.rules import FIRST_WORD_MS
from citychat.tasks import Tasks

BETWEEN = " – "  # of two cities
ACCEPTS_MAX = 3  # open offers that went while "Find someone" was accepting them

Then = Callable[[], None]


def nothing() -> None:
    """Do nothing after an answer."""


class Matching:
    """The wishes of this process's pages, and the parts that fulfil them. ``process``: the name under which this
    process has its lease in the lobby; ``history_ms``: how long a chat is kept; ``rests_ms``: how long a seeker rests,
    at least and at most; ``carrier``: of signs, None for a host who has made no keys for them; ``neighbours`` tells of
    a pool those of the towns nearby, the nearest first, and ``nearby`` whether the host lets guests meet these."""

    def __init__(
        self,
        process: str,
        engines: Engines,
        tasks: Tasks,
        registry: Registry,
        history_ms: int,
        rests_ms: tuple[int, int],
        carrier: SignCarrier | None = None,
        neighbours: Callable[[str], Sequence[str]] = lambda pool: (),
        nearby: bool = True,
    ) -> None:
        self.nearby = nearby
        self.lobby, self.bus, self.tasks = engines.lobby, engines.bus, tasks
        self.sessions = Sessions(engines, tasks, registry, history_ms)
        self.erasing = Erasing(self.sessions)
        self.moderation = Moderation(self.sessions, self.erasing)
        self.reunions = Reunions(self.sessions)
        self.signs = Signs(self.sessions, self.moderation, carrier)
        self.lease = Lease(process, self.sessions, self.moderation, lambda client: self.reconciler.soon(client))
        self.pretence = Pretence(engines.clock, engines.random, rests_ms)
        self.reconciler = Reconciler(
            self.sessions, self.moderation, self.reunions, self.lease, self.pretence, neighbours
        )

    # -- a page goes --------------------------------------------------------------------------------------------------

    async def left(self, guest: str, epoch: int) -> None:
        """Take a closed page out of the lobby; the other side of an open offer is freed (M8)."""
        try:
            await self._leave_lobby(guest, epoch)
        except Unavailable:
            self.tasks.spawn(self._leave_later(guest, epoch), "leave the lobby")

    async def _leave_lobby(self, guest: str, epoch: int) -> None:
        offer = await self.lobby.leave(guest, epoch)
        if offer is not None:
            self.moderation.tell_over(offer, but=guest)

    def took_back(self, offer: Offer) -> None:
        """Note that the seeker has ended an open offer of its own by opening another page: a letdown."""
        self.tasks.spawn(self._let_down(offer), "note an offer taken back")

    async def _let_down(self, offer: Offer) -> None:
        with suppress(Unavailable):
            await self.lobby.let_down(offer.seeker, "", FIRST_WORD_MS)

    async def _leave_later(self, guest: str, epoch: int) -> None:
        await self.tasks.retry(partial(self._leave_lobby, guest, epoch))

    # -- wishes of the page -------------------------------------------------------------------------------------------

    async def seek(self, client: Client) -> tuple[str, Then]:
        """Find someone: the state for the answer, and what to do after it. Raises NoPlace, Unavailable."""
        match = client.match
        async with match.lock:
            if client.session is not None:
                shown = await self.sessions.shown(client.session, client.guest)  # the partner may be away by now
                return "matched", partial(client.page.emit, "user-session", shown)
            if match.entry.pool is None:
                raise NoPlace
            if match.entry.languages and not match.looking:
                await self.reconciler.tell_preferences(client)
            result = await self.reconciler.claim(client)
            if not match.looking:
                match.looking, match.looks_since_s = True, self.sessions.clock.monotonic_s()
                self.sessions.meetings.searches += 1
            for _ in range(ACCEPTS_MAX):
                if result.state != "asked" or result.offer is None:
                    break
                try:
                    await self._accept(client, result.offer)  # M10, whoever looks accepts an open offer
                    return "matched", client.show_session
                except Gone:
                    self.reconciler.soon(client)  # the page is told that the question is off
                    result = await self.reconciler.claim(client)
            match.progress, match.pretends_until_s = "", 0.0
            match.progress = self.pretence.told(match, result)  # the answer says it
            if result.session is not None:
                await self.sessions.enter_here(client, result.session)
                if client.session is None:
                    raise Unavailable  # the chat before is still ending
                return "matched", client.show_session
            await self.reconciler.found(client, result)
            return match.progress, nothing

    async def stop(self, client: Client) -> None:
        """Look no longer; an open offer of or to this guest ends as expired. Raises Unavailable."""
        async with client.match.lock:
            client.match.looking = False
            await self.reconciler.stop(client)

    async def accept(self, client: Client, offer: str) -> Then:
        """Say yes; what to do after the answer. Raises Gone, Unavailable (the offer runs on)."""
        async with client.match.lock:
            try:
                await self._accept(client, await self._open_offer(client, offer))
            except Gone:
                self.reconciler.soon(client)
                raise
            return client.show_session

    async def decline(self, client: Client, offer: str) -> Task[None]:
        """Say no, however late; the task ends when it is durable. Raises Gone, Unavailable (nothing may have
        happened)."""
        self.moderation.check_room()
        async with client.match.lock:
            try:
                asked = await self._open_offer(client, offer)
            except Gone:
                return await self._decline_late(client.guest, offer)
            try:
                asked = await self.lobby.decline(client.guest, offer)
                in_lobby = True
            except Unavailable:
                in_lobby = False  # perhaps done, perhaps not: a no must not get lost in between
            self.moderation.tell_over(asked, but=client.guest)
            self._answered(client)
            return self.moderation.keep_apart(asked.seeker, asked.candidate, in_lobby=in_lobby)

    async def _decline_late(self, guest: str, offer: str) -> Task[None]:
        """The no was said on a dead link, or its answer was lost there."""
        over = await self.lobby.decline(guest, offer)
        if over.id != offer:  # the two were being led together again
            self.moderation.tell_over(over)
        return self.moderation.keep_apart(over.seeker, over.candidate, in_lobby=True)

    async def later(self, client: Client, offer: str) -> None:
        """Say not now, and do not ask me any more. Raises Gone, Unavailable."""
        async with client.match.lock:
            ended = await self.lobby.later(client.guest, offer)
            self.moderation.tell_over(ended, but=client.guest)
            client.match.entry = replace(client.match.entry, available=False)
            client.match.looking = False
            self._answered(client)

    def _answered(self, client: Client) -> None:
        """The offer has its answer; a looker looks on at once."""
        client.match.offer = None
        client.match.disarm()
        self.reconciler.soon(client)

    async def _open_offer(self, client: Client, offer: str) -> Offer:
        """The offer as the page was asked, or as the lobby has it. Raises Gone, Unavailable."""
        if client.session is not None:
            raise Gone
        told = client.match.offer
        if told is not None and told.id == offer:
            return told
        where = (await self.lobby.status([client.guest]))[0]
        if where.offer is None or where.offer.id != offer:
            raise Gone
        return where.offer

    async def _accept(self, client: Client, offer: Offer) -> None:
        if offer.candidate != client.guest or offer.seeker in self.moderation.pending_blocks(client.guest):
            raise Gone
        self.sessions.check_room()
        try:
            if not client.may_begin_chat():
                raise Gone("You have had as many chats as fit into a day.")
            session = await self.sessions.prepare((offer.seeker, offer.candidate), _cities(offer, client.match.entry))
        except Gone:  # the yes cannot be: who asks is led to somebody else at once
            over = await self.lobby.stop(client.guest)
            if over is not None:
                self.moderation.tell_over(over, but=client.guest)
            raise
        try:
            taken_back = await self.lobby.accept(client.guest, offer.id, session.id)
            if taken_back is not None:
                self.moderation.tell_over(taken_back, but=taken_back.seeker)  # who comes to know of the chat
            if not await self.sessions.enter_here(client, session.id, offer.seeker):
                raise Gone
        except Unavailable:  # perhaps it has begun: whoever looks next goes on from there
            self.reconciler.soon(client)
            raise

    async def available(self, client: Client, on: bool, slow: bool) -> None:
        """Set whether to be asked while not looking. Raises Unavailable; the lobby then learns it later."""
        async with client.match.lock:
            client.match.entry = replace(client.match.entry, available=on, slow=slow)
            await self.reconciler.tell_wishes(client)

    async def prefer(self, client: Client, towns: bool, languages: Sequence[str]) -> None:
        """Set whether to meet guests of towns nearby, and which languages the guest speaks. Raises Unavailable; the
        lobby then learns it later."""
        async with client.match.lock:
            wishes = {"towns": towns and self.nearby, "languages": tuple(languages)}
            client.match.entry = replace(client.match.entry, **wishes)
            await self.reconciler.tell_wishes(client)
            if client.match.looking:
                self.reconciler.soon(client)

    async def view(self, client: Client, visible: bool, touched: bool) -> None:
        """Note whether the page is in view. Raises Unavailable; the lobby then learns it later."""
        async with client.match.lock:
            client.match.entry = replace(client.match.entry, visible=visible)
            await self.reconciler.tell_wishes(client, touched)
            await self.signs.note(client)

    async def heed_house(self) -> None:
        """Tell pages when the host has closed the house, or opened it; who looks then looks no more. Raises
        Unavailable."""
        house = self.sessions.house
        await house.look()
        clients = list(self.reconciler.registry)
        for client in clients:
            house.show(client)
        for client in clients if house.text else ():
            if client.match.looking:
                await self.stop(client)

    def moved(self, client: Client, place: Place) -> None:
        """Look in the new place at once: the lobby has moved the guest (M14)."""
        entry = client.match.entry
        client.match.entry = replace(entry, pool=place.key, district=place.district, city=place.city)
        self.reconciler.soon(client)
        self.tasks.spawn(self.tasks.retry(partial(self.signs.note, client)), "where a sign is waited for")


def _cities(offer: Offer, candidate: Entry) -> str:
    """Name the city of a chat: of two towns both, for each side may know where the other one is."""
    return BETWEEN.join(dict.fromkeys(filter(None, (offer.city, candidate.city))))
