"""The wheel of pings: who stands on it is called in time, and nobody else."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random

import pytest

from citychat.edge.pings import PingWheel, Waiting
from tests.support.virtual_time import VirtualLoop

LONGEST_S = 20.0
TICK_S = LONGEST_S / 250


def run(play: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play)


class Stander:
    """Notes when it was called."""

    def __init__(self, wheel: PingWheel, then: Callable[["Stander"], None] = lambda one: None) -> None:
        self.slot: set[Waiting] | None = None
        self.wheel, self.then = wheel, then
        self.called_s: list[float] = []

    def due(self) -> None:
        self.called_s.append(asyncio.get_running_loop().time())
        self.then(self)


@pytest.mark.parametrize("seed", range(5))
def test_everybody_is_called_once_and_never_late_or_more_than_a_tick_early(seed: int) -> None:
    async def play() -> None:
        random, wheel, loop = Random(seed), PingWheel(LONGEST_S), asyncio.get_running_loop()
        standing = []
        for _ in range(300):
            one, after_s = Stander(wheel), random.uniform(TICK_S, LONGEST_S)
            wheel.put(one, after_s)
            standing.append((one, loop.time() + after_s))
            await asyncio.sleep(random.choice((0, 0.01, 0.2)))
        await asyncio.sleep(LONGEST_S)
        for one, due_s in standing:
            assert len(one.called_s) == 1 and one.slot is None
            assert due_s - 2 * TICK_S < one.called_s[0] <= due_s + 1e-6

    run(play())


def test_who_is_put_again_waits_anew_and_who_is_dropped_is_not_called() -> None:
    async def play() -> None:
        wheel, loop = PingWheel(LONGEST_S), asyncio.get_running_loop()
        again, dropped = Stander(wheel), Stander(wheel)
        wheel.put(again, 5)
        wheel.put(dropped, 5)
        await asyncio.sleep(4)
        wheel.put(again, 10)
        wheel.drop(dropped)
        wheel.drop(dropped)
        since_s = loop.time()
        await asyncio.sleep(30)
        assert dropped.called_s == [] and len(again.called_s) == 1
        assert 10 - 2 * TICK_S < again.called_s[0] - since_s <= 10 + 1e-6

    run(play())


def test_one_may_drop_another_that_is_due_with_it_and_stand_again_itself() -> None:
    async def play() -> None:
        wheel = PingWheel(LONGEST_S)
        pair: list[Stander] = []

        def then(one: Stander) -> None:
            wheel.drop(next(other for other in pair if other is not one))
            wheel.put(one, LONGEST_S)

        pair += [Stander(wheel, then), Stander(wheel, then)]
        for one in pair:
            wheel.put(one, 5)
        await asyncio.sleep(LONGEST_S * 3.5)
        assert sorted(len(one.called_s) for one in pair) == [0, 4]

    run(play())


def test_it_stands_still_when_nobody_is_on_it() -> None:
    async def play() -> None:
        wheel = PingWheel(LONGEST_S)
        one = Stander(wheel)
        wheel.put(one, 5)
        wheel.drop(one)
        wheel.put(one, 3)
        await asyncio.sleep(4)
        assert len(one.called_s) == 1
        assert wheel._timer is None and wheel._standing == 0

    run(play())
