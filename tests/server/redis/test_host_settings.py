"""What a real Redis says of its settings, and the advice that comes of it."""

import asyncio
import time
from pathlib import Path
from random import Random

import pytest

from citychat.adapters.redis import HostSettingsCheck, Redis
from citychat.adapters.service_status import ServiceStatus
from citychat.doctor import services
from citychat.server import engines
from citychat.settings import load
from citychat.tokens import load_keys
from tests.support.patience import PATIENCE_S, until
from tests.support.services.redis import RedisServer
from tests.support.services.running import REDIS, is_tested
from tests.support.stores import StoreClock

__test__ = is_tested(REDIS)

SET_OTHERWISE = {
    "eviction": (("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru"), "allkeys-lru"),
    "snapshots": (("--save", "60 1"), "(save)"),
    "log": (("--appendonly", "yes"), "(appendonly)"),
    "cluster": (("--cluster-enabled", "yes"), "(cluster-enabled)"),
    "replica": (("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "yes"), "(replicaof)"),
    "as it should be": ((), ""),
}


async def advised(server: RedisServer) -> str:
    told: list[str] = []
    clock = StoreClock(lambda: time.time_ns() // 10**6)
    status = ServiceStatus("Redis", Random(1), pytest.fail)
    async with Redis(server.url, status=status, clock=clock) as redis, HostSettingsCheck(redis, clock, told.append):
        await until(lambda: bool(told))
    return told[0]


@pytest.mark.parametrize(("options", "named"), SET_OTHERWISE.values(), ids=SET_OTHERWISE)
async def test_what_it_says_of_itself_is_advised_on(tmp_path: Path, options: tuple[str, ...], named: str) -> None:
    server = RedisServer(tmp_path, options=options)
    server.start()
    try:
        advice = await advised(server)
    finally:
        server.stop()
    assert named in advice and bool(advice) == bool(named)


async def test_the_doctor_asks_a_real_server_for_its_settings_and_its_keys(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, options=("--appendonly", "yes"))
    server.start()
    try:
        file = tmp_path / "secret.keys"
        keys = load_keys(file, Random(1))
        settings = load(["--bus", server.url, "--secret-file", str(file), "--data", str(tmp_path)], {})
        statuses, troubles = await engines.ask(settings, keys)
        (found,) = (services.of_service(status, "there") for status in statuses.values())
        assert not found.well and "(appendonly)" in found.text and troubles == []
        server.tell("CONFIG SET appendonly no")
        statuses, _ = await engines.ask(settings, keys)
        assert services.of_service(statuses["bus"], "there") == ("Redis", f"{server.version} at there", True)
    finally:
        server.stop()


async def test_a_server_that_refuses_to_name_its_settings_is_read_by_what_it_says_of_itself(
    server: RedisServer,
) -> None:
    server.tell("CONFIG SET save 60")
    server.tell("CONFIG SET appendonly yes")
    server.tell("ACL SETUSER default -config")
    advice = await advised(server)
    assert "(appendonly)" in advice and "(save)" not in advice


async def test_a_primary_whose_replica_could_take_over_is_advised_on(server: RedisServer, tmp_path: Path) -> None:
    folder = tmp_path / "replica"
    folder.mkdir()
    replica = RedisServer(folder, options=("--replicaof", f"127.0.0.1 {server.port}"))
    replica.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while "it has replicas" not in await advised(server):  # noqa: ASYNC110 - another process cannot set an event
                await asyncio.sleep(0.05)
    finally:
        replica.stop()
