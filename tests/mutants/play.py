"""One mutant in a process of its own: ``python -m tests.mutants.play NAME [--seeds N] [--replay SEED]``.

Nothing of the program is imported before the mutant is in place. The last line is JSON: ``noticed`` is the seed, or
the test, that noticed it first, and ``what`` is what was noticed.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence

import pytest

from tests.mutants.rows import MUTANTS, SEEDS, Mutant
from tests.support.mutation import put_in_place

SERVERS = "CITYCHAT_TEST_SERVERS"  # of tests.support.services.running, which must not be imported yet
Noticed = tuple[str, str]  # the seed or the test, and what it noticed


class FirstFailure:
    """A plugin of pytest: the first test that failed."""

    noticed: Noticed | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.noticed is None:
            lines = [line[2:] for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            self.noticed = report.nodeid, (lines or [str(report.longrepr)])[0].strip()


def simulated(mutant: Mutant, seeds: range) -> Noticed | None:
    from tests.simulation.run import world

    with world(mutant.world) as play:
        for seed in seeds:
            if wrong := play(seed)[0].wrong:
                return str(seed), wrong[0][1]
    return None


def tested(mutant: Mutant) -> Noticed | None:
    """Raises RuntimeError when the suite could not be run at all."""
    os.environ[SERVERS] = mutant.needs
    first = FirstFailure()
    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *_arguments(mutant.world)], plugins=[first])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"{mutant.world}: pytest ended with {status!r}")
    return first.noticed


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
    put_in_place(mutant.changes)
    if given.replay is not None:
        replay(mutant, given.replay)
        return 0
    noticed = simulated(mutant, range(given.seeds)) if mutant.is_simulated else tested(mutant)
    print(json.dumps({"noticed": noticed and noticed[0], "what": noticed and noticed[1]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
