"""``python -m tests.simulation [--world W] --seeds N [--from N]``: many runs; ``--replay SEED``: one with its trace."""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.run import WORLDS, Tally, many, world

CHUNK = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--world", choices=WORLDS, default=WORLDS[0], help="whose engines, see run.py")
    parser.add_argument("--seeds", type=int, default=300, help="how many runs")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--replay", type=int, help="run this seed and print who held which message when")
    asked = parser.parse_args()
    if asked.replay is not None:
        with world(asked.world) as play:
            tally, lines = play(asked.replay)
        print("\n".join(lines))
        print("\n".join(f"WRONG: {what}" for _, what in tally.wrong) or "Nothing is wrong.")
        return 1 if tally.wrong else 0
    started = time.monotonic()
    total = run(asked.world, asked.first, asked.seeds)
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(total.faults.items()))
    print(f"{total.runs} runs in {time.monotonic() - started:.0f} s; faults: {faults}")
    print(f"{total.said} messages written, {total.acked} with a tick, {len(total.wrong)} runs wrong")
    for seed, what in total.wrong[:10]:
        print(f"seed {seed}: {what}\n  replay: python -m tests.simulation --world {asked.world} --replay {seed}")
    return 1 if total.wrong else 0


def run(name: str, first: int, seeds: int) -> Tally:
    """Over all cores; a run depends on its seed alone."""
    chunks = [range(start, min(start + CHUNK, first + seeds)) for start in range(first, first + seeds, CHUNK)]
    total = Tally()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for tally in pool.map(partial(many, name), chunks):
            total.add(tally)
    return total


if __name__ == "__main__":
    sys.exit(main())
