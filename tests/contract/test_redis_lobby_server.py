"""The Redis lobby on a server whose clock nobody sets, and which loses its scripts and its data."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.redis import Redis, RedisLobby
from citychat.adapters.service_status import ServiceStatus
from citychat.clock import SystemClock
from tests.contract.conftest import comes_up
from tests.contract.lobby_town import LobbyTown
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import real_ms

__test__ = is_tested(REDIS)


class Watching:
    """The real clock, for a town whose time nobody moves."""

    def __init__(self, clock: SystemClock) -> None:
        self.now_ms = clock.wall_ms

    async def advance(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def test_by_the_servers_own_clock_a_server_that_lost_its_data_or_its_scripts_goes_on(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    clock = SystemClock(asyncio.get_running_loop())
    try:
        async with Redis(server.url, status=ServiceStatus("Redis", Random(1), pytest.fail), clock=clock) as redis:
            await comes_up(redis)
            lobby = RedisLobby(redis.run, random=Random(1), now_ms=real_ms, ring_s=1)
            town = LobbyTown(lobby, Watching(clock))
            assert not await lobby.renew("p")
            epoch = (await town.enter("anna", "ben")).epoch
            assert abs(epoch / 1_000 - clock.wall_ms()) < 60_000
            server.tell("SCRIPT FLUSH")
            offer = await town.ask("anna", "ben")
            assert (offer.seconds, abs(offer.ends - clock.wall_ms()) < 60_000) == (1, True)
            await asyncio.sleep(max(offer.ends - clock.wall_ms(), 0) / 1_000 + 0.05)
            assert await town.states("anna", "ben") == ["free", "free"]
            server.lose_data()
            assert await town.states("anna", "ben") == ["gone", "gone"]
            assert (await town.enter("ben", epoch=epoch)).epoch == epoch
            assert not await lobby.renew("p")
            assert await town.states("anna", "ben") == ["gone", "free"]
    finally:
        server.stop()
