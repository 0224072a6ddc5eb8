"""A process whose clock is not that of its Redis."""

from random import Random

import pytest

from citychat.adapters.redis import Redis
from citychat.adapters.redis import clock as redis_clock
from citychat.adapters.service_status import ServiceStatus
from tests.support.patience import until
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import StoreClock, real_ms

__test__ = is_tested(REDIS)


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 3_600_000])
async def test_more_than_five_minutes_apart_it_ends_as_soon_as_it_is_connected(
    server: RedisServer, ahead_ms: int
) -> None:
    ended: list[str] = []
    status = ServiceStatus("Redis", Random(1), ended.append)
    async with Redis(server.url, status=status, clock=StoreClock(lambda: real_ms() + ahead_ms)):
        await until(lambda: bool(ended))
    assert ended[0].startswith("the clock of this process (20") and "and that of Redis (20" in ended[0]


async def test_it_is_compared_again_and_again_and_a_minute_apart_is_said(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_clock, "COMPARE_S", 0.05)
    ahead_ms = 0
    status = ServiceStatus("Redis", Random(1), pytest.fail)
    async with Redis(server.url, status=status, clock=StoreClock(lambda: real_ms() + ahead_ms)):
        await until(lambda: status.up)
        assert not status.clock
        ahead_ms = 90_000
        await until(lambda: status.clock.endswith("s behind that of this process"))
        ahead_ms = 0
        await until(lambda: not status.clock)
