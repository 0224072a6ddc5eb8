"""The promises hold under every mix of faults, and the checker that says so can fail."""

import os
import subprocess
import sys
from collections.abc import Collection
from functools import partial

import pytest

from tests.simulation.breakages import BREAKAGES, CROWD_BREAKAGES, DISORDER, SERVICE_BREAKAGES, Breakage
from tests.simulation.couple import KINDS
from tests.simulation.run import (
    SERVICE_KINDS,
    Play,
    crowd,
    many,
    one,
    returns,
    services,
    services_crowd,
    windows,
    world,
)
from tests.support.services.running import REDIS, is_tested

CHUNK = 50  # seeds of one test, so that every worker gets some
SEEDS, SERVED_SEEDS, LUA_SEEDS, REDIS_SEEDS = 100, 50, 3, 10  # ``make check`` asks for fewer, ``make prove`` for many
CATCHING = range(30)
RETURNING = int(os.environ.get("CITYCHAT_SIM_RETURNS", "10"))
FEW = 4  # they meet again and again
HOLES = ("mailbox", "offline", "reload")  # numbers come late or by another way, and a new stream overtakes the old one


def chunks(variable: str, seeds: int) -> list[range]:
    """As many seeds as the environment asks for, or else so many."""
    seeds = int(os.environ.get(variable, seeds))
    return [range(start, min(start + CHUNK, seeds)) for start in range(0, seeds, CHUNK)]


def span(seeds: range) -> str:
    return f"{seeds.start}-{seeds.stop - 1}"


SERVED = [("services", seeds) for seeds in chunks("CITYCHAT_SIM_SERVICES", SERVED_SEEDS)]
SERVED += [("lua", seeds) for seeds in chunks("CITYCHAT_SIM_LUA", LUA_SEEDS)]
REPLAYED = [("embedded", 4), ("embedded", 9), ("services", 4), ("lua", 4)]
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
    assert [wrong for seed in CATCHING for wrong in windows(seed)[0].wrong] == []


def test_return_after_return_to_a_broker_that_is_away_nothing_with_a_tick_is_missing() -> None:
    assert [wrong for seed in range(RETURNING) for wrong in returns(seed)[0].wrong] == []


@pytest.mark.parametrize(
    ("name", "play"),
    [
        ("no fence", windows),
        ("gap without marker", returns),
        ("no hold", partial(one, kinds=HOLES, faults_a_second=1.0)),
        ("stream without link", partial(one, kinds=HOLES, faults_a_second=1.0)),
        ("ack before history", partial(one, kinds=("history", "reload"), faults_a_second=0.4)),
        ("receipt before commit", partial(one, kinds=KINDS, faults_a_second=0.4)),
    ],
)
def test_a_rule_left_out_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, play: Play) -> None:
    """``play`` makes what the rule is against likely: each of 10 seeds notices a gap without marker; of 300 seeds 186,
    126, 115, 237 and 300 notice the others, and of any 30 in a row at least 10, 8, 7, 19 and 30."""
    check_caught(monkeypatch, name, BREAKAGES[name], play)


def check_caught(monkeypatch: pytest.MonkeyPatch, name: str, breakage: Breakage, play: Play) -> None:
    """Some seed fails with the rule left out, and only then."""
    monkeypatch.setattr(*breakage)
    seed = next((seed for seed in CATCHING if play(seed)[0].wrong), None)
    assert seed is not None, f"{name}: not noticed in seeds {CATCHING}"
    monkeypatch.undo()
    assert play(seed)[0].wrong == [], "the rule is in place, and the seed still fails"


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a no is forgotten", "M5"),
        ("records are not heard", "M8"),
        ("rings without a pause", "M15"),
        ("a session before its row", "M11"),
        ("a session before it is confirmed", "M11"),
    ],
)
def test_a_rule_of_matching_left_out_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, rule: str) -> None:
    monkeypatch.setattr(*CROWD_BREAKAGES[name])
    wrong = (what for seed in CATCHING for _, what in crowd(seed, FEW)[0].wrong)
    assert any(what.startswith(rule) for what in wrong), f"{name}: not noticed"


@pytest.mark.parametrize(
    ("name", "play"),
    [
        ("nobody is entered again", partial(services_crowd, count=FEW)),
        ("a renewal's no is not heard", partial(services_crowd, count=FEW)),
        ("a requeue is lost", services),
    ],
)
def test_a_rule_of_services_left_out_is_caught(monkeypatch: pytest.MonkeyPatch, name: str, play: Play) -> None:
    """Of 30 seeds 30, 24 and 18 notice."""
    check_caught(monkeypatch, name, SERVICE_BREAKAGES[name], play)


def test_a_broker_that_puts_back_out_of_order_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver's process puts everything in order, so no reader depends on the broker's order."""
    monkeypatch.setattr(*DISORDER)
    assert [wrong for seed in CATCHING for wrong in services(seed)[0].wrong] == []


@pytest.mark.parametrize(("name", "seed"), REPLAYED)
def test_a_seed_is_always_the_same_run_whatever_the_hash_seed(name: str, seed: int) -> None:
    with world(name) as play:
        here = "\n".join(play(seed)[1])
    command = [sys.executable, "-m", "tests.simulation", "--world", name, "--replay", str(seed)]
    there = subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": "1"}, capture_output=True, check=True)
    assert there.stdout.decode().startswith(here)
