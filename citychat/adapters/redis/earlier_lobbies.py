"""Keys of lobbies of earlier versions, which nobody reads any more: those of 0.1.0 and 0.2.0 had the square of 2 km in
which a guest was."""

import asyncio
import logging
from typing import Self

from citychat.adapters.redis.connection import Redis
from citychat.adapters.redis.lobby import VERSION
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import described, pause

AT_ONCE = 500
LOOK_AGAIN_S = 1.0  # while Redis is away

log = logging.getLogger(__name__)


class EarlierLobbies:
    """Deletes them while entered, once: a process of an earlier version enters its guests again in its own."""

    def __init__(self, redis: Redis, clock: Clock) -> None:
        self._redis, self._clock = redis, clock
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._delete(), name="earlier lobbies")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _delete(self) -> None:
        for version in range(1, VERSION):
            while not await self._deleted(f"{self._redis.prefix}{version}:*"):
                await pause(self._clock, LOOK_AGAIN_S)

    async def _deleted(self, pattern: str) -> bool:
        """Delete what is called so; whether that is done."""
        cursor: bytes | str = "0"
        try:
            while True:
                match await self._redis.call("SCAN", cursor, "MATCH", pattern, "COUNT", AT_ONCE):
                    case [bytes() as cursor, [*found]]:
                        if names := [name for name in found if isinstance(name, bytes)]:
                            await self._redis.call("UNLINK", *names)
                if cursor in (b"0", "0"):
                    return True
        except Unavailable:
            return False
        except Exception as error:
            log.error("deleting the keys of earlier lobbies failed: %s", described(error))
            return True
