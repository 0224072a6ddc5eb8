"""The promises hold under every mix of faults. That the checker can fail, tests/mutants shows."""

import os
import subprocess
import sys
from collections.abc import Collection

import pytest

from tests.simulation.couple import KINDS
from tests.simulation.engines import Consumer, Queue, SimMailbox
from tests.simulation.run import SERVICE_KINDS, lates, many, returns, services, windows, world
from tests.support.services.running import REDIS, is_tested

CHUNK = 50  # seeds of one test, so that every worker gets some
SEEDS, SERVED_SEEDS, LUA_SEEDS, REDIS_SEEDS = 50, 20, 3, 6  # ``make check`` asks for fewer, ``make prove`` for many
NARROW_SEEDS = range(8)  # of the worlds that make one fault likely
RETURNING = int(os.environ.get("CITYCHAT_SIM_RETURNS", "6"))
LATE = int(os.environ.get("CITYCHAT_SIM_LATES", "3"))
FAILING_OVER = int(os.environ.get("CITYCHAT_SIM_FAIL_OVERS", "6"))
OVERLAPPING = int(os.environ.get("CITYCHAT_SIM_OVERLAPS", "6"))


def chunks(variable: str, seeds: int) -> list[range]:
    """As many seeds as the environment asks for, or else so many."""
    seeds = int(os.environ.get(variable, seeds))
    return [range(start, min(start + CHUNK, seeds)) for start in range(0, seeds, CHUNK)]


def span(seeds: range) -> str:
    return f"{seeds.start}-{seeds.stop - 1}"


SERVED = [("services", seeds) for seeds in chunks("CITYCHAT_SIM_SERVICES", SERVED_SEEDS)]
SERVED += [("lua", seeds) for seeds in chunks("CITYCHAT_SIM_LUA", LUA_SEEDS)]
REPLAYED = [("embedded", 4), ("services", 4), ("lua", 4)]
if is_tested(REDIS):
    SERVED += [("redis", seeds) for seeds in chunks("CITYCHAT_SIM_REDIS", REDIS_SEEDS)]
    REPLAYED += [("redis", 4)]
    if "CITYCHAT_SIM_REDIS" in os.environ:
        REPLAYED += [("redis", 29)]  # a crowd, of half a minute


def check(name: str, seeds: range, kinds: Collection[str]) -> None:
    """All of them in that world: something happened, and nothing is wrong."""
    total = many(name, seeds)
    wrong = [f"python -m tests.simulation --world {name} --replay {seed}: {what}" for seed, what in total.wrong]
    assert wrong == []
    assert total.acked > 60 * len(seeds), "hardly anything was said: the runs prove nothing"
    assert set(total.faults) >= set(kinds) or len(seeds) < CHUNK


@pytest.mark.parametrize("seeds", chunks("CITYCHAT_SIM_SEEDS", SEEDS), ids=span)
def test_nothing_is_lost_doubled_reordered_or_stuck_under_any_mix_of_faults(seeds: range) -> None:
    check("embedded", seeds, KINDS)


@pytest.mark.parametrize(("name", "seeds"), SERVED, ids=lambda each: span(each) if isinstance(each, range) else each)
def test_nor_over_redis_a_broker_and_a_database_that_fail_as_servers_do(name: str, seeds: range) -> None:
    check(name, seeds, SERVICE_KINDS)


def test_window_after_window_nothing_is_missing_on_the_newest() -> None:
    assert [wrong for seed in NARROW_SEEDS for wrong in windows(seed)[0].wrong] == []


def test_return_after_return_to_a_broker_that_is_away_nothing_with_a_tick_is_missing() -> None:
    assert [wrong for seed in range(RETURNING) for wrong in returns(seed)[0].wrong] == []


def test_what_gets_its_tick_around_the_time_at_which_it_is_given_up_is_drawn() -> None:
    assert [wrong for seed in range(LATE) for wrong in lates(seed)[0].wrong] == []


def test_joins_that_overlap_at_one_process_and_at_two_leave_every_page_its_state() -> None:
    """Pages reload 50 ms apart, and of the reads of one join some take a hundred times as long as others."""
    total = many("overlaps", range(OVERLAPPING))
    assert total.wrong == []
    assert total.faults["reloads"] > 5 * OVERLAPPING


def test_a_primary_that_is_alone_and_does_not_know_it_takes_nothing_along() -> None:
    """What it does alone is rolled back, and what it answers was so before."""
    total = many("fail over", range(FAILING_OVER))
    total.add(many("few that fail over", range(FAILING_OVER // 60)))  # a crowd takes as long as thirty of the others
    assert total.wrong == []
    assert total.faults["fail over"] > 2 * FAILING_OVER


def _to_the_end(self: SimMailbox, consumer: Consumer) -> None:
    """A broker that puts what was not acked behind what waits."""
    queue = self.world.queues.get(consumer.guest, Queue())
    if consumer in queue.consumers:
        queue.consumers.remove(consumer)
        queue.ready.extend(reversed(queue.unacked.values()))
        queue.unacked.clear()
        self.world.push(consumer.guest)


def test_a_broker_that_puts_back_out_of_order_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver's process puts everything in order, so no reader depends on the broker's order."""
    monkeypatch.setattr(SimMailbox, "requeue", _to_the_end)
    assert [wrong for seed in NARROW_SEEDS for wrong in services(seed)[0].wrong] == []


@pytest.mark.parametrize(("name", "seed"), REPLAYED)
def test_a_seed_is_always_the_same_run_whatever_the_hash_seed(name: str, seed: int) -> None:
    with world(name) as play:
        here = "\n".join(play(seed)[1])
    command = [sys.executable, "-m", "tests.simulation", "--world", name, "--replay", str(seed)]
    there = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "1"}, capture_output=True, check=True)
    assert there.stdout.decode().startswith(here)
