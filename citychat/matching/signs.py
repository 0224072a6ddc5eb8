"""Signs: who is alone can be told once, outside of the page, that somebody is in their city (product page, Look).

A wish goes before its sign is sent, and whoever has deleted it sends: so there is at most one, whatever process fails.
Somebody is there who was free at two looks in a row, and somebody is away who was out of view at two: who passes by
wakes nobody, and who reloads is not told of their own city.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil

from citychat.limits import Shares, bound
from citychat.matching.moderation import Moderation
from citychat.matching.sessions import Sessions
from citychat.model import Busy, NoPlace, UnknownEvent
from citychat.ports import AskedSign, Dossier, GuestStatus, SignCarrier
from citychat.registry import Client
from citychat.rules import DAY_MS, is_avoided

ASKED_MS = 60_000  # who asks and turns away at once is told a minute later at the earliest
LIVES_S = 900  # how long a push service may hold a sign: an older one calls nobody to anybody
TRIES_S = 0.0, 10.0, 60.0
ON_THEIR_WAY_MAX = bound("signs of a process")
LOOK_AT_ONCE = 500
FULL_RETRY_MS = 3_600_000

log = logging.getLogger(__name__)


class Signs:
    """One per process. ``carrier``: None while the host has made no keys. ``counts``: signs that nobody has taken."""

    def __init__(self, sessions: Sessions, moderation: Moderation, carrier: SignCarrier | None) -> None:
        self._sessions, self._moderation, self._carrier = sessions, moderation, carrier
        self._store, self._history, self._lobby = sessions.history.signs, sessions.history, sessions.lobby
        self._tasks, self._dates = sessions.tasks, sessions.dates
        self._shares = Shares("signs", sessions.clock.monotonic_s)
        self._free: set[tuple[str, str]] = set()  # guest and pool, at the last look
        self._away: set[str] = set()
        self._on_their_way = 0
        self.counts: Counter[str] = Counter()

    @property
    def public_key(self) -> str:
        """Return the key that a browser wants to have; "" while signs are off."""
        return self._carrier.public_key if self._carrier else ""

    # -- wishes of the page -------------------------------------------------------------------------------------------

    async def ask(self, client: Client, endpoint: str, left_ms: int) -> int:
        """Take the wish for one sign within ``left_ms``, at most a day; return when it goes. Raises UnknownEvent while
        signs are off, BadPayload for an address of no known push service, NoPlace, Busy, Unavailable."""
        carrier = self._on()
        carrier.check(endpoint)
        entry = client.match.entry
        if entry.pool is None:
            raise NoPlace
        if wait_s := self._shares.take(client.guest, client.page.source):
            raise Busy("You have asked often enough for now.", retry_ms=ceil(wait_s * 1000))
        now = self._dates.now_ms()
        until = now + min(left_ms, DAY_MS)
        sign = AskedSign(client.guest, endpoint, carrier.mark, entry.pool, now, until, not entry.visible)
        if not await self._store.keep(sign):
            raise Busy("Too many wait for a sign.", retry_ms=FULL_RETRY_MS)
        client.match.signed = True
        return until

    async def until(self, client: Client) -> int | None:
        """Return when the guest's wish goes, None if there is none. Raises UnknownEvent, Unavailable."""
        self._on()
        found = await self._store.find(client.guest, self._dates.likely_ms())
        client.match.signed = found is not None
        await self.note(client)
        return found.until if found else None

    async def take_back(self, client: Client) -> None:
        """Forget the guest's wish. Raises UnknownEvent, Unavailable."""
        self._on()
        await self._store.drop(client.guest)
        client.match.signed = False

    async def note(self, client: Client) -> None:
        """Note where the page of a guest who waits for a sign is, and whether it is looked at. Raises Unavailable."""
        entry = client.match.entry
        if client.match.signed and entry.pool is not None:
            await self._store.note(client.guest, entry.pool, not entry.visible)

    def _on(self) -> SignCarrier:
        if self._carrier is None:
            raise UnknownEvent
        return self._carrier

    # -- from time to time --------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Send the signs that are due (every 15 s). Raises Unavailable."""
        now, staying = self._dates.likely_ms(), self._staying()
        waiting = await self._store.waiting(self._on().mark, now)
        due = await self._due([sign for sign in waiting if sign.pool in staying], now)
        if self._sessions.house.text or not self._sessions.has_room():
            return
        for sign in due:
            if self._on_their_way >= ON_THEIR_WAY_MAX:
                break
            if await self._meets(sign, staying[sign.pool], now) and await self._store.take(sign):
                self._on_their_way += 1
                self._tasks.spawn(self._carry(sign), "a sign")

    def _staying(self) -> Mapping[str, Sequence[Client]]:
        """Return who is free here and was at the last look, by pool."""
        last, self._free = self._free, set()
        staying: dict[str, list[Client]] = {}
        for client in self._sessions.registry:
            match, pool = client.match, client.match.entry.pool
            is_asked = match.entry.available and match.entry.visible
            if pool is None or client.session is not None or not (match.looking or is_asked):
                continue
            self._free.add((client.guest, pool))
            if (client.guest, pool) in last:
                staying.setdefault(pool, []).append(client)
        return staying

    async def _due(self, signs: Sequence[AskedSign], now: int) -> list[AskedSign]:
        """Return those whose guest is away and was at the last look."""
        last, self._away = self._away, set()
        for start in range(0, len(signs), LOOK_AT_ONCE):
            some = signs[start : start + LOOK_AT_ONCE]
            found = await self._lobby.status([sign.guest for sign in some])
            self._away |= {sign.guest for sign, where in zip(some, found, strict=True) if _is_away(sign, where)}
        return [sign for sign in signs if sign.guest in last & self._away and now - sign.since >= ASKED_MS]

    async def _meets(self, sign: AskedSign, staying: Sequence[Client], now: int) -> bool:
        """Tell whether one of those who stay may be led to the guest (M5). The wish of who is paused goes."""
        dossier = await self._history.guests.dossier(sign.guest, now)
        if dossier.erased or dossier.pause is not None:
            await self._store.drop(sign.guest)
            return False
        apart = {sign.guest, *dossier.blocked, *self._moderation.pending_blocks(sign.guest)}
        for client in staying:
            if client.guest not in apart and not await self._is_avoided(sign.guest, dossier, client, now):
                return True
        return False

    async def _is_avoided(self, guest: str, dossier: Dossier, client: Client, now: int) -> bool:
        """Tell whether one of the two avoids the network of the other one."""
        avoided = await self._history.relations.avoided_networks(client.guest, now)
        networks = dossier.row.networks if dossier.row else ()
        has_met = bool(avoided) and guest in await self._history.relations.met(client.guest)
        mine, theirs = dossier.avoided_networks, client.match.entry.networks
        return any(is_avoided(mine.get(network), client.guest in dossier.met, now) for network in theirs) or any(
            is_avoided(avoided.get(network), has_met, now) for network in networks
        )

    async def _carry(self, sign: AskedSign) -> None:
        """Send a sign that no process will send again."""
        carried = "again"
        try:
            for pause_s in TRIES_S:
                await self._tasks.pause(pause_s)
                if carried != "again" or sign.until <= self._dates.likely_ms():
                    break
                carried = await self._on().carry(sign.endpoint, LIVES_S)
        finally:
            self._on_their_way -= 1
        if carried != "told":
            self.counts[f"signs not sent ({'gave up' if carried == 'again' else carried})"] += 1


def _is_away(sign: AskedSign, where: GuestStatus) -> bool:
    return where.state == "gone" or (sign.hidden and where.state == "free" and not where.looking)
