"""The settings of Redis that its host chooses, as far as chats depend on them (docs/hosting.md)."""

import asyncio
import logging
from collections.abc import Callable
from typing import Self

from citychat.adapters.redis.connection import Redis
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import described, pause

LOOK_S = 60.0
LOOK_AGAIN_S = 1.0  # while Redis is away

log = logging.getLogger(__name__)


class HostSettingsCheck:
    """Asks Redis while entered, at once and every minute, what it says of itself; ``advise`` is told each time what
    should be otherwise, "" when all is well."""

    def __init__(self, redis: Redis, clock: Clock, advise: Callable[[str], None]) -> None:
        self._redis, self._clock, self._advise = redis, clock, advise
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay(), name="settings of Redis")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _stay(self) -> None:
        while True:
            wait_s = LOOK_S
            try:
                self._advise(await self.asked())
            except Unavailable:
                wait_s = LOOK_AGAIN_S
            except Exception as error:
                log.error("asking Redis for its settings failed: %s", described(error))
            await pause(self._clock, wait_s)

    async def asked(self) -> str:
        """Return what it says of itself, as advice. Raises Unavailable."""
        info = await self._redis.call("INFO")
        return unfit(info.decode("utf-8", "replace") if isinstance(info, bytes) else "", await self._snapshots())

    async def _snapshots(self) -> bool:
        """Tell whether it is set to write snapshots; hosted ones may refuse the question, and INFO shows the first."""
        try:
            match await self._redis.call("CONFIG", "GET", "save"):
                case [_, when]:
                    return bool(when)
        except Unavailable:  # refused, while it is up
            if not self._redis.status.up:
                raise
        return False


def unfit(info: str, snapshots: bool = False) -> str:
    """Return what in the answer of INFO, and in being set to write ``snapshots``, does harm to chats, in a few words
    each; "" for nothing."""
    facts = dict(line.partition(":")[::2] for line in info.splitlines())
    found = []
    if facts.get("maxmemory", "0") != "0" and facts.get("maxmemory_policy", "noeviction") != "noeviction":
        found.append(f"it forgets keys when it is full (maxmemory-policy {facts['maxmemory_policy']})")
    if facts.get("cluster_enabled") == "1":
        found.append("it is a cluster, which cannot run the lobby's scripts (cluster-enabled)")
    if facts.get("role", "master") != "master":
        found.append("it is a replica, and behind its primary (replicaof)")
    elif facts.get("connected_slaves", "0") != "0":
        found.append("it has replicas, and one that takes over lacks what came last (replicaof)")
    if facts.get("aof_enabled") == "1":
        found.append("after a crash it comes back with what was true a second ago (appendonly)")
    if snapshots or facts.get("rdb_last_bgsave_time_sec", "-1") != "-1":
        found.append("after a crash it comes back with what was true minutes ago (save)")
    return "; ".join(found)
