"""One mutant in a process of its own: ``python -m tests.mutants.play NAME [--seeds N] [--replay SEED]``.

Nothing of the program is imported before the mutant is in place. The last line is JSON: ``noticed`` is the seed, or
the test, that noticed it first, and ``what`` is what was noticed.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutants.mutant_row import Mutant
from tests.mutants.rows import MUTANTS, SEEDS
from tests.support.mutation import Change, put_in_place
from tests.support.source_copy import changed_copy

IMPATIENT = (  # what a mutant keeps waiting for ever is noticed, too, and sooner
    Change("tests/support/patience.py", "PATIENCE_S = 300.0", "PATIENCE_S = 30.0"),
    Change("tests/support/patience.py", "TEST_S = 1_800.0", "TEST_S = 60.0"),
)
SERVERS = "CITYCHAT_TEST_SERVERS"  # of tests.support.services.running, which must not be imported yet
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S.*?)(?: - (.*))?$", re.MULTILINE)  # of pytest's summary
Noticed = tuple[str, str]  # the seed or the test, and what it noticed


def simulated(mutant: Mutant, seeds: range) -> Noticed | None:
    from tests.simulation.run import world

    with world(mutant.world) as play:
        for seed in seeds:
            if wrong := play(seed)[0].wrong:
                return str(seed), wrong[0][1]
    return None


def tried(mutant: Mutant) -> Noticed | None:
    """The first test that failed; None when none has, or one of those that are named has not."""
    failed = failures(mutant.world, mutant.changes, mutant.needs, every=len(mutant.tests) > 1)
    unmoved = [test for test in mutant.tests if not any(each.partition("[")[0] == test for each, _ in failed)]
    if unmoved:
        print(f"these do not fail: {unmoved}", file=sys.stderr)
    return failed[0] if failed and not unmoved else None


def failures(world: str, changes: Sequence[Change], needs: str, *, every: bool) -> list[Noticed]:
    """The tests that fail in a copy of the repository with these changes, for tests start programmes too; ``every``
    one of them, or the first. Raises RuntimeError when they could not be run at all."""
    stop = [] if every else ["-x"]
    command = [sys.executable, "-m", "pytest", "-q", *stop, "-p", "no:cacheprovider", *_arguments(world)]
    environ = os.environ | {SERVERS: needs, "COLUMNS": "1000"}
    with tempfile.TemporaryDirectory(prefix="citychat-mutant-") as folder:
        copy = changed_copy(Path(folder), [*changes, *IMPATIENT])
        done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"{world}: pytest ended with {done.returncode}: {done.stdout[-2_000:]}")
    return FAILED.findall(done.stdout)


def _arguments(world: str) -> list[str]:
    """What stands behind -k is one word to pytest."""
    files, _, chosen = world.partition(" -k ")
    return [*files.split(), *(["-k", chosen] if chosen else [])]


def replay(mutant: Mutant, seed: int) -> None:
    from tests.simulation.run import world

    with world(mutant.world) as play:
        tally, lines = play(seed)
    print("\n".join([*lines, *(f"WRONG: {what}" for _, what in tally.wrong)]))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.play", description=__doc__)
    parser.add_argument("name", choices=MUTANTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--replay", type=int, help="run this seed and print who held which message when")
    given = parser.parse_args(argv)
    mutant = MUTANTS[given.name]
    if mutant.is_simulated:
        put_in_place(mutant.changes)
    if given.replay is not None:
        replay(mutant, given.replay)
        return 0
    noticed = simulated(mutant, range(given.seeds)) if mutant.is_simulated else tried(mutant)
    print(json.dumps({"noticed": noticed and noticed[0], "what": noticed and noticed[1]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
