"""Moderation: declines, blocks and reports keep two apart for ever (M5, product page, Defend).

Lobby and history are told at the same time, each until it has heard: a block that one of them has holds, and it is
answered when both have it. Until then this process keeps the block itself, for a lobby that forgets.
"""

from asyncio import Task
from base64 import b32encode
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Literal

from citychat.limits import bound
from citychat.matching.erasing import Erasing
from citychat.matching.sessions import Sessions, Step
from citychat.model import BadPayload, Offer, Session, Unavailable
from citychat.ports import GuestPaused, OfferEnded, Pause, Report
from citychat.registry import Client
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS, notice_id

PENDING_BLOCKS = bound("bars on their way")
CODE_BITS = 50  # ten letters: short enough to write down, too many to try

Reason = Literal["minor", "threat", "sexual", "hate", "spam", "other"]


class Moderation:
    """One per process, over the same stores as its Sessions."""

    def __init__(self, sessions: Sessions, erasing: Erasing) -> None:
        self.sessions, self.erasing, self.tasks = sessions, erasing, sessions.tasks
        self.lobby, self.history, self.bus = sessions.lobby, sessions.history, sessions.bus
        self.random = sessions.random
        self._pending_blocks = sessions.pending_blocks
        self._heeded = 0  # when pauses were last looked for

    def pending_blocks(self, guest: str) -> list[str]:
        """Return the guests from whom this one is kept apart while the history may not know it yet."""
        return [pair[1 - pair.index(guest)] for pair in self._pending_blocks if guest in pair]

    def check_room(self) -> None:
        """Look for room for one more bar that the history does not have yet. Raises Unavailable."""
        if len(self._pending_blocks) >= PENDING_BLOCKS:
            raise Unavailable

    def keep_apart(self, a: str, b: str, *, in_lobby: bool) -> Task[None]:
        """Keep two apart for ever, in the lobby too unless that is seen to; the task ends when it is durable."""
        pair = (min(a, b), max(a, b))
        self._pending_blocks[pair] = self._pending_blocks.get(pair, 0) + 1
        return self.tasks.spawn(self._keep_apart(pair, in_lobby, self.sessions.dates.now_ms()), "keep a pair apart")

    async def _keep_apart(self, pair: tuple[str, str], in_lobby: bool, at: int) -> None:
        try:
            steps: list[Step] = [partial(self.history.relations.block, *pair, at)]
            if not in_lobby:  # at the same time: a guest who enters elsewhere meanwhile brings what the history has
                steps.append(partial(self._block_in_lobby, *pair))
            await self.tasks.retry_all(*steps)
            await self.tasks.retry(partial(self._part_again, pair))
        finally:
            self._pending_blocks[pair] -= 1
            if not self._pending_blocks[pair]:
                del self._pending_blocks[pair]

    async def _part_again(self, pair: tuple[str, str]) -> None:
        """Part two whom the lobby has brought together although it was told first: it had lost that since. Whoever
        brings them from now on is told by the history."""
        one, other = (where.session for where in await self.lobby.status(pair))
        await self._block_in_lobby(*pair)
        if one is not None and one == other:
            await self.sessions.let_go(one, pair)

    async def _block_in_lobby(self, a: str, b: str) -> None:
        offer = await self.lobby.block(a, b)
        if offer is not None:
            self.tell_over(offer)

    def tell_over(self, offer: Offer, but: str = "") -> None:
        """Tell both sides of an offer that it is over, or the one who does not know."""
        for guest in (offer.seeker, offer.candidate):
            if guest != but:
                self.bus.publish(guest, OfferEnded(offer.id))

    async def block(self, client: Client, session_id: str) -> Task[None]:
        """Take a ``user-block``. Raises NoSession, Unavailable."""
        return await self._part(client, await self.sessions.own(client, session_id))

    async def _part(self, client: Client, session: Session) -> Task[None]:
        """Bar, end, keep the other one's network away; to the other side it looks like leaving. Raises Unavailable."""
        self.check_room()
        guest = client.guest
        partner, at, running = session.partner(guest), self.sessions.dates.now_ms(), session.ended is None
        steps = [
            self.keep_apart(guest, partner, in_lobby=running),
            self.tasks.spawn(self._avoid_networks(guest, partner, at), "avoid networks"),
        ]
        if running:  # the lobby bars them before it frees them, so that no offer can slip in between
            steps.append(await self.sessions.end(session, client, partial(self._block_in_lobby, guest, partner)))
        return self.tasks.spawn(all_of(steps), "part")

    async def _avoid_networks(self, guest: str, partner: str, at: int) -> None:
        networks = await self.tasks.retry(partial(self._networks, partner, at))
        if networks:
            met = await self.tasks.retry(partial(self.history.relations.met, guest))
            await self.tasks.retry_all(
                partial(self.history.relations.avoid_networks, guest, networks, at),
                partial(self.lobby.avoid_networks, guest, networks, at, met),
            )

    async def _networks(self, guest: str, now: int) -> tuple[str, ...]:
        """Return the networks from which the guest has joined within a day, or is here for longer, also of one who has
        been erased since; none on loopback and private networks."""
        return await self.history.guests.networks(guest, now) or await self.lobby.networks(guest)

    async def report(self, client: Client, session_id: str, reason: Reason, note: str) -> Task[str]:
        """Take a ``user-report``; its code when everything is durable. Raises NoSession, Unavailable."""
        session, guest = await self.sessions.own(client, session_id), client.guest
        self.check_room()
        report = Report(
            code=new_code(self.random.getrandbits(CODE_BITS)),
            session=session.id,
            reporter=guest,
            accused=session.partner(guest),
            reason=reason,
            note=note,
            at=self.sessions.dates.now_ms(),
            networks=client.match.entry.networks,
        )
        added = self.tasks.spawn(self.tasks.retry(partial(self.history.reports.add, report)), "add a report")
        parted = await self._part(client, session)
        return self.tasks.spawn(self._report(report, added, parted), "report")

    async def _report(self, report: Report, added: Task[str], parted: Task[None]) -> str:
        code = await added
        pause = await self.tasks.retry(partial(self.history.guests.pause, report.accused, report.at))
        if pause is not None:
            await self._shut_out(report.accused, pause)
        await parted
        return code

    async def _shut_out(self, guest: str, pause: Pause) -> None:
        """Tell a paused guest, wherever they are, and end what runs."""
        self.sessions.announcements.announce(guest, GuestPaused.of(pause))
        for session in await self.tasks.retry(partial(self.history.sessions.of, guest)):
            if session.ended is None:
                await self.sessions.end(session)
        self.tasks.spawn(self.tasks.retry(partial(self.erasing.take_out, guest)), "take out who is paused")

    async def notice(self, reason: str, words: str) -> str:
        """Keep the notice of somebody who is no guest as a report on nobody; its code. Raises Unavailable."""
        code = new_code(self.random.getrandbits(CODE_BITS))
        at = self.sessions.dates.now_ms()
        return await self.history.reports.add(Report(code, notice_id(code), "", "", reason, words, at, ()))

    async def heed_pauses(self, tell: Callable[[str, Pause], None]) -> None:
        """Shut out who was paused since the last look, and ``tell`` of them: a command of the host has no bus, and a
        process may die once a third report is durable. What two processes do, or what is done twice, is the same.
        Raises Unavailable."""
        now = self.sessions.dates.likely_ms()
        since = self._heeded - CLOCK_TOLERANCE_MS if self._heeded else now - DAY_MS
        for guest, pause in await self.history.guests.sanctions(since, now):
            tell(guest, pause)
            await self._shut_out(guest, pause)
        self._heeded = now

    async def case(self, code: str) -> str:
        """Answer a ``user-case``. Raises BadPayload for a code that no report has."""
        state = await self.history.reports.state("".join(code.split()).upper(), self.sessions.dates.likely_ms())
        if state is None:
            raise BadPayload("There is no report with this code.")
        return state


async def all_of(steps: Iterable[Awaitable[None]]) -> None:
    """Wait for all of them."""
    for step in steps:
        await step


def new_code(number: int) -> str:
    """50 bits as ten letters and digits (base32)."""
    return b32encode((number << 6).to_bytes(7, "big")).decode()[:10]
