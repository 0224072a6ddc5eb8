"""What Redis says of itself, against what docs/hosting.md asks of its host."""

from random import Random

import pytest

from citychat.adapters.redis.host_settings import unfit
from citychat.adapters.service_status import ServiceStatus
from tests.support.stage import logged

INFO = """# Server\r
redis_version:7.0.15\r
redis_mode:standalone\r
\r
# Memory\r
maxmemory:0\r
maxmemory_policy:noeviction\r
\r
# Persistence\r
rdb_last_bgsave_time_sec:-1\r
aof_enabled:0\r
\r
# Replication\r
role:master\r
connected_slaves:0\r
\r
# Cluster\r
cluster_enabled:0\r
"""
CHANGES = {
    "eviction": ("maxmemory:0|maxmemory_policy:noeviction", "maxmemory:9|maxmemory_policy:allkeys-lru", "allkeys-lru"),
    "cluster": ("cluster_enabled:0", "cluster_enabled:1", "cluster"),
    "replica": ("role:master", "role:slave", "replica"),
    "primary": ("connected_slaves:0", "connected_slaves:1", "replicas"),
    "log": ("aof_enabled:0", "aof_enabled:1", "appendonly"),
    "snapshots": ("rdb_last_bgsave_time_sec:-1", "rdb_last_bgsave_time_sec:0", "save"),
}


def test_a_redis_as_it_should_be_gets_no_advice() -> None:
    assert unfit(INFO) == unfit("") == ""
    assert unfit(INFO.replace("noeviction", "allkeys-lru")) == "", "without a limit nothing is evicted"
    assert unfit(INFO.replace("maxmemory:0", "maxmemory:9")) == ""


@pytest.mark.parametrize(("before", "after", "named"), CHANGES.values(), ids=CHANGES)
def test_what_does_harm_is_named(before: str, after: str, named: str) -> None:
    info = INFO
    for old, new in zip(before.split("|"), after.split("|"), strict=True):
        info = info.replace(old, new)
    assert named in unfit(info) and ";" not in unfit(info)


def test_snapshots_that_are_still_to_be_written_are_named() -> None:
    assert "(save)" in unfit(INFO, snapshots=True)


def test_it_is_said_once_and_stands_in_the_status_until_it_is_mended() -> None:
    status = ServiceStatus("Redis", Random(1), pytest.fail)
    with logged("citychat.adapters.service_status") as lines:
        for advice in ("it is a replica", "it is a replica", "it is a cluster", "", ""):
            status.advise(advice)
            assert (status.advice, status.state) == (advice, "not reached yet")
    assert lines == [
        "Redis is not set as it should be: it is a replica",
        "Redis is not set as it should be: it is a cluster",
        "Redis is set as it should be",
    ]
