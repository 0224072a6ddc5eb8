"""The lobby in Redis, shared by all processes: each method is one Lua script (``lobby.lua``), so one atomic step."""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Self, TypeVar

from msgspec import DecodeError
from msgspec.msgpack import Decoder, encode

from citychat.model import Busy, District, Gone, Offer, Unavailable
from citychat.ports import Entered, Entry, GuestStatus, SeekResult
from citychat.rules import COUNTED_NEARBY, RING_S, SLOW_RING_S

Run = Callable[[str, Sequence[bytes | str | int]], Awaitable[object]]
T = TypeVar("T")
VERSION = 5  # of what stands in the keys. Another one is another lobby: of two processes only those with the same meet
PREFIX = f"citychat:{VERSION}:"
SEED_BITS = 31  # what Lua's math.randomseed takes

# What the scripts answer.
ENTERED: Decoder[Entered] = Decoder(Entered)
SOUGHT: Decoder[SeekResult] = Decoder(SeekResult)
OFFER: Decoder[Offer | None] = Decoder(Offer | None)
TAKEN_BACK: Decoder[list[Offer] | None] = Decoder(list[Offer] | None)
STATUS: Decoder[list[GuestStatus]] = Decoder(list[GuestStatus])
WORDS: Decoder[tuple[str, ...]] = Decoder(tuple[str, ...])
FLAG: Decoder[bool] = Decoder(bool)
RENEWED: Decoder[tuple[bool, int]] = Decoder(tuple[bool, int])
NUMBER: Decoder[int] = Decoder(int)
NUMBER_OR_NOTHING: Decoder[int | None] = Decoder(int | None)
NOTHING: Decoder[None] = Decoder(None)

log = logging.getLogger(__name__)


class RedisLobby:
    """A Lobby in Redis.

    ``run(script, args)`` runs a script of ``lobby.lua`` by its name and answers its reply, or raises Unavailable; it
    must not run one again whose reply was lost. ``random`` seeds what the scripts draw, ``ring_s`` is how long an offer
    waits for an answer, ``now_ms`` is a time that does not step, ``prefix`` starts every key.
    """

    def __init__(
        self,
        run: Run,
        *,
        random: Random,
        now_ms: Callable[[], int],
        ring_s: int = RING_S,
        prefix: str = PREFIX,
    ) -> None:
        self.counts: Counter[str] = Counter()  # of what is odd, for the log
        self._run, self._random, self._ring_s, self._prefix = run, random, ring_s, prefix
        self._now_ms, self._ahead_ms = now_ms, 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close nothing: the connection belongs to whoever gave ``run``."""

    def now_ms(self) -> int:
        """Return the lobby's time, as the last renewal has told it: nobody sets it back, as Redis's may be."""
        return self._now_ms() + self._ahead_ms

    async def enter(self, entry: Entry) -> Entered:
        return await self._step(ENTERED, "enter", entry)

    async def leave(self, guest: str, epoch: int) -> Offer | None:
        return await self._step(OFFER, "leave", guest, epoch)

    async def seek(self, guest: str, offer: str, rest_ms: int, neighbours: Sequence[str] = ()) -> SeekResult:
        return await self._step(SOUGHT, "seek", guest, offer, rest_ms, self._ring_s, SLOW_RING_S, neighbours)

    async def accept(self, guest: str, offer: str, session_id: str) -> Offer | None:
        taken_back = await self._step(TAKEN_BACK, "accept", guest, offer, session_id)
        if taken_back is None:
            raise Gone
        return taken_back[0] if taken_back else None

    async def decline(self, guest: str, offer: str) -> Offer:
        return await self._answer("decline", guest, offer)

    async def later(self, guest: str, offer: str) -> Offer:
        return await self._answer("later", guest, offer)

    async def stop(self, guest: str) -> Offer | None:
        return await self._step(OFFER, "stop", guest)

    async def view(self, guest: str, visible: bool, touched: bool) -> None:
        await self._step(NOTHING, "view", guest, visible, touched)

    async def available(self, guest: str, on: bool, slow: bool) -> None:
        await self._step(NOTHING, "available", guest, on, slow)

    async def prefer(self, guest: str, towns: bool, languages: Sequence[str]) -> None:
        await self._step(NOTHING, "prefer", guest, towns, languages)

    async def move(self, guest: str, pool: str, district: District, city: str) -> None:
        retry_ms = await self._step(NUMBER_OR_NOTHING, "move", guest, pool, district.lat, district.lon, city)
        if retry_ms is not None:
            raise Busy(retry_ms=retry_ms)

    async def end(self, session_id: str, members: Sequence[str]) -> None:
        await self._step(NOTHING, "end_session", session_id, members)

    async def block(self, a: str, b: str) -> Offer | None:
        return await self._step(OFFER, "block", a, b)

    async def let_down(self, guest: str, partner: str, ms: int) -> None:
        await self._step(NOTHING, "let_down", guest, partner, ms)

    async def avoid_networks(self, guest: str, networks: Sequence[str], at: int, met: Sequence[str]) -> None:
        await self._step(NOTHING, "avoid_networks", guest, networks, at, met)

    async def networks(self, guest: str) -> tuple[str, ...]:
        return await self._step(WORDS, "networks", guest)

    async def pair(self, session_id: str, members: Sequence[str]) -> bool:
        return await self._step(FLAG, "pair", session_id, members)

    async def ask(self, guest: str, other: str, offer: str) -> Offer | None:
        return await self._step(OFFER, "ask", guest, other, offer, self._ring_s, SLOW_RING_S)

    async def nearby(self, guest: str, neighbours: Sequence[str] = ()) -> int:
        return min(await self._step(NUMBER, "nearby", guest, neighbours), COUNTED_NEARBY)

    async def status(self, guests: Sequence[str]) -> list[GuestStatus]:
        return await self._step(STATUS, "status", guests)

    async def renew(self, process: str) -> bool:
        asked_ms = self._now_ms()
        known, there_ms = await self._step(RENEWED, "renew", process)
        self._ahead_ms = there_ms - (asked_ms + self._now_ms()) // 2
        return known

    async def drop(self, process: str) -> None:
        await self._step(NOTHING, "drop", process)

    async def mend(self, guests: Sequence[str]) -> None:
        await self._step(NOTHING, "mend", guests)

    async def _answer(self, script: str, guest: str, offer: str) -> Offer:
        """Raises Gone when there is no such offer."""
        answered = await self._step(OFFER, script, guest, offer)
        if answered is None:
            raise Gone
        return answered

    async def _step(self, answers: Decoder[T], script: str, *args: object) -> T:
        seed = self._random.getrandbits(SEED_BITS)
        reply = await self._run(script, (self._prefix, encode(args), seed))
        if isinstance(reply, list) and len(reply) == 2:
            reply, dropped = reply
            self._note_dropped(dropped)
        try:
            if not isinstance(reply, bytes):
                raise DecodeError("not bytes")
            return answers.decode(reply)
        except (DecodeError, RecursionError) as error:
            log.error("the lobby's script %s has answered nonsense: %s", script, type(error).__name__)
            raise Unavailable from error

    def _note_dropped(self, records: int) -> None:
        """Records that were of another shape: their guests are entered again by who holds their pages."""
        self.counts["records dropped"] += records
        log.warning("the lobby held %d records of another shape; they were dropped", records)
