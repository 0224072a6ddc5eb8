"""Runs of the simulated town: one seed, many seeds, and the replay of a failing one."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.simulation.crowded import Crowded
from tests.simulation.ground import Ground, Wrong
from tests.simulation.loop import VirtualLoop
from tests.simulation.town import KINDS, Town, Windows

TALK_S = 60.0
CROWD_EVERY = 30  # a crowd takes as long as fifteen towns


@dataclass
class Tally:
    """What happened in a run, or in many together."""

    runs: int = 0
    said: int = 0
    acked: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.runs += other.runs
        self.said += other.said
        self.acked += other.acked
        self.faults += other.faults
        self.wrong += other.wrong


def one(seed: int, kinds: Sequence[str] = KINDS, faults_a_second: float = 0.0) -> tuple[Tally, list[str]]:
    """One run of the town: its tally and its trace. Without ``faults_a_second`` the seed says how many."""
    plan = Random(seed)
    often = faults_a_second or plan.choice([0.1, 0.2, 0.4])
    town = Town(VirtualLoop(), seed, kinds)
    return _played(town, town.run(TALK_S, often, leaves=plan.random() < 0.3), seed)


def crowd(seed: int, count: int = 0) -> tuple[Tally, list[str]]:
    """One run of the crowd, of ``count`` people or of as many as the seed says."""
    crowded = Crowded(VirtualLoop(), seed, count)
    return _played(crowded, crowded.run(), seed)


def windows(seed: int) -> tuple[Tally, list[str]]:
    """One run of the town of window after window."""
    town = Windows(VirtualLoop(), seed)
    return _played(town, town.take_over(), seed)


def by_seed(seed: int) -> tuple[Tally, list[str]]:
    """Every thirtieth seed is a crowd, the others are towns."""
    return crowd(seed) if seed % CROWD_EVERY == CROWD_EVERY - 1 else one(seed)


def _played(ground: Ground, story: Coroutine[Any, Any, None], seed: int) -> tuple[Tally, list[str]]:
    logging.disable(logging.ERROR)
    loop, tally = ground.loop, Tally(runs=1)
    try:
        loop.run_until_complete(story)
    except Wrong as wrong:
        tally.wrong.append((seed, str(wrong)))
    finally:
        ground.end()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        logging.disable(logging.NOTSET)
    if ground.wrong:
        tally.wrong.append((seed, ground.wrong[0]))
    tally.said = sum(len(person.said) for person in ground.people)
    tally.acked = len(ground.acked)
    tally.faults = ground.faults
    return tally, ground.told()


def many(seeds: range) -> Tally:
    total = Tally()
    for seed in seeds:
        total.add(by_seed(seed)[0])
    return total
