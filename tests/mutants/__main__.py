"""``python -m tests.mutants``: every mutant of the table must be noticed, and its table is printed. Exits 1 when one is
not. What was found is kept in a file: ``--resume`` does not run again what was noticed at this commit.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutants.mutant_row import Mutant
from tests.mutants.play import failures
from tests.mutants.rows import MUTANTS, SEEDS
from tests.support.document import commit, fill

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".work" / "mutants.json"
DOCUMENT = ROOT / "docs" / "reliability.md"


@dataclass(frozen=True)
class Found:
    """``noticed``: the seed or the test that noticed the mutant first, None when nothing did. ``commit``: of what."""

    noticed: str | None
    what: str
    commit: str

    @property
    def is_noticed(self) -> bool:
        return self.noticed is not None


def run(mutant: Mutant, seeds: int, at: str) -> Found:
    """One mutant, in a process of its own."""
    command = [sys.executable, "-m", "tests.mutants.play", mutant.name, "--seeds", str(seeds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return Found(None, f"could not be run: {done.stderr.strip().splitlines()[-1:]}", at)
    answer = json.loads(done.stdout.splitlines()[-1])
    if mutant.is_simulated and answer["noticed"] and not is_well(mutant.world, answer["noticed"]):
        return Found(None, f"seed {answer['noticed']} fails with the rule in place, too", at)
    return Found(answer["noticed"], answer["what"] or "", at)


def is_well(world: str, seed: str) -> bool:
    """Whether nothing is wrong in this run of the program as it is."""
    command = [sys.executable, "-m", "tests.simulation", "--world", world, "--replay", seed]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == 0


def unwell(mutants: Sequence[Mutant]) -> list[str]:
    """The tests that are named and fail in a copy in which nothing is changed: they would notice every mutant."""
    wrong = []
    for needs in sorted({mutant.needs for mutant in mutants}):
        tests = dict.fromkeys(test for mutant in mutants if mutant.needs == needs for test in mutant.tests)
        wrong += [test for test, _ in failures(" ".join(tests), (), needs, every=True)] if tests else []
    return wrong


def kept(state: Path) -> dict[str, Found]:
    if not state.exists():
        return {}
    return {name: Found(**found) for name, found in json.loads(state.read_text("utf-8")).items()}


def keep(found: Mapping[str, Found], state: Path) -> None:
    state.parent.mkdir(exist_ok=True)
    state.write_text(json.dumps({name: asdict(one) for name, one in found.items()}, indent=1), "utf-8")


def lines(found: Mapping[str, Found], seeds: int) -> Iterator[str]:
    """The table, as it stands in the document; each row is of the commit at which it was played."""
    noticed = sum(one.is_noticed for one in found.values())
    commits = ", ".join(f"{count} at {commit}" for commit, count in Counter(o.commit for o in found.values()).items())
    yield f"At most {seeds} seeds each; {commits}: {noticed} of {len(found)} were noticed."
    yield ""
    yield "| Left out | Rule | Where | World or suite | Noticed by | Commit |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, one in found.items():
        mutant = MUTANTS[name]
        world = f"`{mutant.world}`" if mutant.is_simulated else f"suite `{mutant.world}`"
        by = f"**nothing** {one.what}" if not one.is_noticed else one.noticed
        by = f"seed {by}" if mutant.is_simulated and one.is_noticed else f"`{str(by).split('::')[-1]}`"
        yield f"| {name} | {mutant.rule} | `{mutant.changes[0].file}` | {world} | {by} | {one.commit} |"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants with these words in their name, rule, file or world")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of each world, at most")
    parser.add_argument("--workers", type=int, default=2, help="mutants at the same time")
    parser.add_argument("--state", type=Path, default=KEPT, help="the file that keeps what was found")
    parser.add_argument("--resume", action="store_true", help="leave out what was noticed at this commit")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.relative_to(ROOT)} as it is")
    given = parser.parse_args(argv)
    at, found = commit(), kept(given.state)
    wanted = [mutant for mutant in MUTANTS.values() if given.only in str(mutant)]
    again = [each for each in wanted if not (given.resume and _is_done(found.get(each.name), at))]
    if wrong := unwell(again):
        parser.exit(1, f"These fail though nothing is left out: {', '.join(wrong)}\n")
    with ThreadPoolExecutor(given.workers) as pool:
        running = {pool.submit(run, mutant, given.seeds, at): mutant for mutant in again}
        for done in as_completed(running):
            mutant, one = running[done], done.result()
            found[mutant.name] = one
            keep(found, given.state)
            print(f"{mutant.name}: {one.noticed or 'NOT NOTICED'} {one.what}", file=sys.stderr, flush=True)
    asked = {mutant.name: found[mutant.name] for mutant in wanted}
    table = list(lines(asked, given.seeds))
    print("\n".join(table))
    if not given.only and not given.no_table:
        fill(DOCUMENT, "make mutants", table)
    return int(not all(one.is_noticed for one in asked.values()))


def _is_done(one: Found | None, at: str) -> bool:
    return one is not None and one.is_noticed and one.commit == at


if __name__ == "__main__":
    sys.exit(main())
