"""A process whose clock is not that of its MongoDB."""

from citychat.adapters.mongo import MongoHistory
from tests.server.mongo.conftest import new_status
from tests.support.patience import until
from tests.support.services.mongo import MongoServer
from tests.support.services.running import MONGO, is_tested
from tests.support.stores import StoreClock, real_ms

__test__ = is_tested(MONGO)


async def test_more_than_five_minutes_apart_ends_it_and_less_is_said(server: MongoServer) -> None:
    ahead_ms, ended = 0, list[str]()
    status = new_status(ended.append)
    async with MongoHistory(server.url, status=status, clock=StoreClock(lambda: real_ms() + ahead_ms)):
        await until(lambda: status.up)
        assert not status.clock
        ahead_ms = -90_000
        await until(lambda: status.clock.endswith("s ahead of that of this process"))
        assert not ended
        ahead_ms = -3_600_000
        await until(lambda: bool(ended))
    assert ended[0].startswith("the clock of this process (20") and "and that of MongoDB (20" in ended[0]
