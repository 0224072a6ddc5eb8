"""Nothing is left of the lobby of an earlier version, which knew the square of 2 km of each guest."""

import asyncio
from random import Random

from citychat.adapters.redis import EarlierLobbies, RedisLobby
from citychat.adapters.redis.earlier_lobbies import AT_ONCE
from citychat.adapters.redis.lobby import PREFIX
from citychat.clock import SystemClock
from citychat.model import District
from citychat.ports import Entry
from tests.server.redis.conftest import process
from tests.support.patience import PATIENCE_S
from tests.support.services.redis import RedisServer
from tests.support.stores import real_ms


async def test_the_keys_of_the_lobbies_of_earlier_versions_are_deleted(server: RedisServer) -> None:
    async with process(server.url) as one:
        redis = one.redis
        for n in range(3 * AT_ONCE):
            await redis.call("SET", f"citychat:1:v:{n}", f'{{"lat": {n}, "lon": 241}}')
            await redis.call("SET", f"other:1:{n}", "somebody else's")
        lobby = RedisLobby(redis.run, random=Random(1), now_ms=real_ms)
        await lobby.enter(Entry("anna", "p", "lyon", District(4576, 484), "Lyon", True, False, True, 0))
        ours = await redis.call("KEYS", f"{PREFIX}*")
        async with EarlierLobbies(redis, SystemClock(asyncio.get_running_loop())), asyncio.timeout(PATIENCE_S):
            while await redis.call("KEYS", "citychat:1:*"):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
        assert await redis.call("KEYS", f"{PREFIX}*") == ours
        assert await redis.call("EXISTS", *(f"other:1:{n}" for n in range(3 * AT_ONCE))) == 3 * AT_ONCE
