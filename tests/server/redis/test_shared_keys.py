"""What stands for the keys in Redis lasts as long as a lease, whatever its clock does meanwhile."""

import asyncio
from random import Random

from citychat.adapters.redis import Redis, SharedKeyCheck
from citychat.adapters.redis.shared_keys import KEPT_S
from citychat.adapters.service_status import ServiceStatus
from tests.support.patience import until
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import StoreClock, real_ms

__test__ = is_tested(REDIS)

KEY = "citychat:keys"


async def refused(server: RedisServer) -> None:
    """A process with other keys comes, and ends."""
    clock, ended = StoreClock(real_ms), asyncio.Event()
    status = ServiceStatus("Redis", Random(1), lambda reason: None)
    async with Redis(server.url, status=status, clock=clock) as redis:
        async with SharedKeyCheck(redis, ["ours"], clock=clock, foreign=ended.set):
            await until(ended.is_set)


async def test_after_a_clock_that_was_set_back_the_keys_of_who_is_gone_stop_nobody_for_longer_than_a_lease(
    server: RedisServer,
) -> None:
    server.tell(f"SET {KEY} theirs EX {KEPT_S + 3_600}")  # written before the clock was set back by an hour
    await refused(server)
    assert 0 < int(server.tell(f"TTL {KEY}")[1:]) <= KEPT_S


async def test_who_comes_again_and_again_with_other_keys_keeps_those_of_who_is_gone_for_no_longer(
    server: RedisServer,
) -> None:
    server.tell(f"SET {KEY} theirs EX 5")
    await refused(server)
    assert int(server.tell(f"TTL {KEY}")[1:]) <= 5
