"""Check that the processes on one Redis have the same secret keys: with others they could read neither each other's
tokens nor each other's network marks, and nobody would see why guests become strangers to them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Self

from citychat.adapters.redis.connection import Redis
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import described, pause

LOOK_S = 5.0
KEPT_S = 15  # as long as a lease: a host who replaces all keys stops every process for so long

log = logging.getLogger(__name__)


class SharedKeyCheck:
    """Keeps what stands for the keys in Redis while entered, and compares.

    ``marks``: what stands for each key of this process, never the keys themselves; one in common with the others is
    enough, so that keys can be changed one process after the other. ``foreign`` is called once if there is none at the
    first look. Later a process is not ended any more: it may be the other that is wrong.
    """

    def __init__(self, redis: Redis, marks: Sequence[str], *, clock: Clock, foreign: Callable[[], None]) -> None:
        self._redis, self._clock, self._foreign = redis, clock, foreign
        self._marks, self._key = " ".join(marks).encode(), f"{redis.prefix}keys"
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay(), name="same keys")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def strange(self) -> bool:
        """Tell whether others are here and have no key of ours; changes nothing. Raises Unavailable."""
        found = await self._redis.call("GET", self._key)
        return isinstance(found, bytes) and not self._shared(found)

    async def _stay(self) -> None:
        accepted = told = False
        while True:
            try:
                strange = await self._look(first=not accepted)
                if strange and not accepted:
                    return self._foreign()
                if strange and not told:
                    log.error("another process on this Redis has other keys: secret_file must be the same everywhere")
                accepted, told = True, strange
            except Unavailable:
                pass  # away or full, of which others tell
            except Exception as error:
                log.error("comparing the keys failed: %s", described(error))
            await pause(self._clock, LOOK_S if accepted else LOOK_S / 10)

    async def _look(self, first: bool) -> bool:
        """Tell whether the others' keys are strange; if not, what stands for them is kept for longer. Raises
        Unavailable."""
        await self._redis.call("SET", self._key, self._marks, "NX", "EX", KEPT_S)
        if await self.strange():
            await self._shorten()
            return True
        if first:  # the newer keys are those that the next process has as well
            await self._redis.call("SET", self._key, self._marks, "EX", KEPT_S)
        else:
            await self._redis.call("EXPIRE", self._key, KEPT_S)
        return False

    async def _shorten(self) -> None:
        """A clock that was set back keeps for hours what others have left who are gone; who is here prolongs it."""
        left_ms = await self._redis.call("PTTL", self._key)
        if isinstance(left_ms, int) and left_ms > 1_000 * KEPT_S:
            await self._redis.call("EXPIRE", self._key, KEPT_S)

    def _shared(self, found: bytes) -> bool:
        return not set(found.split()).isdisjoint(self._marks.split())
