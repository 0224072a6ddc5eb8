"""Runs of the simulated town: one seed, many seeds, and the replay of a failing one."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.simulation.ground import Wrong
from tests.simulation.loop import VirtualLoop
from tests.simulation.town import KINDS, Town

TALK_S = 60.0


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
    """One run: its tally and its trace, line by line. Without ``faults_a_second`` the seed says how many."""
    logging.disable(logging.ERROR)
    loop = VirtualLoop()
    town = Town(loop, seed, kinds)
    plan = Random(seed)
    tally = Tally(runs=1)
    try:
        often = faults_a_second or plan.choice([0.1, 0.2, 0.4])
        loop.run_until_complete(town.run(TALK_S, often, leaves=plan.random() < 0.3))
    except Wrong as wrong:
        tally.wrong.append((seed, str(wrong)))
    finally:
        town.end()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        logging.disable(logging.NOTSET)
    if town.wrong:
        tally.wrong.append((seed, town.wrong[0]))
    tally.said = sum(len(person.said) for person in town.people)
    tally.acked = len(town.acked)
    tally.faults = town.faults
    return tally, town.told()


def many(seeds: range) -> Tally:
    total = Tally()
    for seed in seeds:
        total.add(one(seed)[0])
    return total
