"""Runs of the simulated towns and crowds: one seed, many seeds, and the worlds they are played in.

In every eighth town faults last up to ten minutes.
``embedded``: one machine whose engines are a process's own. ``services``: Redis, a broker and a database in the
network, with their manners and outages; the lobby is the embedded one. ``lua``: the same over the scripts of the Redis
lobby, run in this process. ``redis``: over them on a server. The others (``NARROW``) make likely what one rule is
against.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from tests.simulation.couple import KINDS, Couple, Lates, Returns, Windows
from tests.simulation.crowded import FAULTS, Crowded
from tests.simulation.ground import Ground, Wrong
from tests.simulation.lobbies import Embedded, MakeStand
from tests.simulation.outages import OUTAGES, STRETCH
from tests.simulation.scripted import Scripted, in_lua, private_redis
from tests.support.virtual_time import VirtualLoop

TALK_S = 60.0
SERVICE_KINDS = ("kill", "cut", "reload", "tab", "away", "offline", "history", "long",
                 "full", "slow storage", "crash", "date", *OUTAGES)  # fmt: skip
SERVICE_FAULTS = (*FAULTS, *OUTAGES)
CROWD_EVERY = 30  # a crowd takes as long as fifteen towns
LONG_EVERY = 8  # towns with faults that outlast every patience of the program
FEW = 4  # they meet again and again
HOLES = ("mailbox", "offline", "reload")  # numbers come late or by another way, and a new stream overtakes the old one
FAILING_OVER = ("fail over", "fail over", "reload", "reloads", "tab", "cut", "kill")
CROWD_FAILING_OVER = (*FAILING_OVER, "away", "redis lost", "emptied", "gone back")
OVERLAPS = ("reloads", "reloads", "reloads", "tab", "cut")
UNEVEN = 0.3  # of the reads of a join are a hundred times as slow as the others


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


Played = tuple[Tally, list[str]]
Play = Callable[[int], Played]


def one(seed: int, kinds: Sequence[str] = KINDS, faults_a_second: float = 0.0) -> Played:
    """One run of the couple: its tally and its trace. Without ``faults_a_second`` the seed says how many."""
    plan = Random(seed)
    often = faults_a_second or plan.choice([0.1, 0.2, 0.4])
    couple = Couple(VirtualLoop(), seed, kinds, stretch=stretch(seed))
    return _played(couple, couple.run(TALK_S, often, leaves=plan.random() < 0.3), seed)


def crowd(seed: int, count: int = 0, stand: MakeStand = Embedded) -> Played:
    """One run of the crowd, of ``count`` people or of as many as the seed says."""
    crowded = Crowded(VirtualLoop(), seed, count, stand=stand)
    return _played(crowded, crowded.run(), seed)


def services(seed: int, kinds: Sequence[str] = SERVICE_KINDS, stand: MakeStand = Embedded) -> Played:
    """One run of the couple over engines that fail like servers."""
    plan = Random(seed)
    couple = Couple(VirtualLoop(), seed, kinds, stand, stretch(seed))
    return _played(couple, couple.run(TALK_S, plan.choice([0.1, 0.2, 0.4]), leaves=plan.random() < 0.3), seed)


def returns(seed: int) -> Played:
    """One run of the couple that comes back, again and again, to a broker that is away for longer than any patience."""
    couple = Returns(VirtualLoop(), seed, stretch=STRETCH)
    return _played(couple, couple.come_back(), seed)


def lates(seed: int) -> Played:
    """One run of the couple whose messages get their ticks around the time at which their readers give them up."""
    couple = Lates(VirtualLoop(), seed)
    return _played(couple, couple.come_late(), seed)


def services_crowd(
    seed: int, count: int = 0, stand: MakeStand = Embedded, kinds: Sequence[str] = SERVICE_FAULTS, refusing: int = 0
) -> Played:
    """One run of the crowd over such engines."""
    crowded = Crowded(VirtualLoop(), seed, count, kinds, stand, refusing)
    return _played(crowded, crowded.run(), seed)


def overlaps(seed: int) -> Played:
    """One run of the couple whose joins overlap, at one process and at two, over a history with slow connections."""
    couple = Couple(VirtualLoop(), seed, OVERLAPS)
    couple.world.uneven = UNEVEN
    return _played(couple, couple.run(TALK_S, 0.4, leaves=seed % 3 == 0), seed)


def windows(seed: int) -> Played:
    """One run of the couple that opens window after window."""
    couple = Windows(VirtualLoop(), seed)
    return _played(couple, couple.take_over(), seed)


NARROW: Mapping[str, Play] = {
    "windows": windows,
    "returns": returns,
    "lates": lates,
    "overlaps": overlaps,
    "holes": partial(one, kinds=HOLES, faults_a_second=1.0),
    "forgetful": partial(one, kinds=("history", "reload"), faults_a_second=0.4),
    "fail over": partial(services, kinds=FAILING_OVER),
    "few that fail over": partial(services_crowd, count=FEW, kinds=CROWD_FAILING_OVER),
    "few without storage": partial(services_crowd, count=FEW, refusing=FEW // 2),
    "few": partial(crowd, count=FEW),
    "few in lua": partial(crowd, count=FEW, stand=in_lua),
    "few over services": partial(services_crowd, count=FEW),
    "few over lua": partial(services_crowd, count=FEW, stand=in_lua),
}
WORLDS = ("embedded", "services", "lua", "redis", *NARROW)


@contextmanager
def world(name: str) -> Iterator[Play]:
    """What plays a seed in that world. Every thirtieth seed is a crowd, the others are towns. "redis" starts one, and
    raises MissingServer."""

    def embedded(seed: int) -> Played:
        return crowd(seed) if is_crowd(seed) else one(seed)

    def served(seed: int, stand: MakeStand = Embedded) -> Played:
        return services_crowd(seed, stand=stand) if is_crowd(seed) else services(seed, stand=stand)

    if name == "redis":
        with private_redis() as redis:
            yield partial(served, stand=partial(Scripted, redis))
    else:
        wide: dict[str, Play] = {"embedded": embedded, "services": served, "lua": partial(served, stand=in_lua)}
        yield {**wide, **NARROW}[name]


def is_crowd(seed: int) -> bool:
    return seed % CROWD_EVERY == CROWD_EVERY - 1


def stretch(seed: int) -> float:
    return STRETCH if seed % LONG_EVERY == LONG_EVERY - 1 else 1.0


def _played(ground: Ground, story: Coroutine[Any, Any, None], seed: int) -> Played:
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


def many(name: str, seeds: range) -> Tally:
    """All these runs in one world."""
    total = Tally()
    with world(name) as play:
        for seed in seeds:
            total.add(play(seed)[0])
    return total
