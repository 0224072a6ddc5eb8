"""One worker of the fault programme: servers of its own, and one injection after the other."""

import sys
import tempfile
from itertools import count
from pathlib import Path
from random import Random

import uvloop

from tests.faults import matrix
from tests.faults.injection import Injection, Result
from tests.faults.town import Engines, NotBegun, Town

Job = tuple[str, tuple[str, ...], int, int, int]  # fault, rows of pages, pairs of each, seed, number

TRIES = 2
PATIENCE_S = 75.0  # after everything is healthy; protocol: nobody is stuck for over 60 s
EXIT_S = 25.0  # protocol §2.7 gives batches and confirms 10 s, closing adapters has its own; the unit file grants 20
RECORDS = Path(__file__).parents[2] / ".work" / "faults"  # of injections in which something was wrong

_engines: Engines | None = None


def _is_mine(folder: Path) -> bool:
    """Whether no other worker has this number."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


def begin(folder: str) -> None:
    """In each worker: servers of its own, for all its jobs."""
    global _engines
    share = next(number for number in count() if _is_mine(Path(folder) / f"worker{number}"))
    _engines = Engines(Path(folder) / f"worker{share}", share)
    _engines.__enter__()


def versions() -> list[str]:
    assert _engines
    return _engines.versions()


def run(job: Job) -> Result:
    """One injection, in a worker."""
    results: list[Result] = []

    async def keep(town: str) -> None:
        results.append(await play(job, _engines, town))

    *_, number = job
    for attempt in range(1, TRIES + 1):
        try:
            uvloop.run(keep(f"town{number}-{attempt}"))  # a name of its own: chats of the first stay in the servers
            break
        except NotBegun as error:
            if attempt == TRIES:
                raise
            print(f"{job[0]} begins again: {error}", file=sys.stderr, flush=True)
    return results[0]


async def play(job: Job, engines: Engines | None, name_of_town: str) -> Result:
    name, rows, times, seed, _ = job
    known = {fault.name: fault for fault in (*matrix.FAULTS, matrix.CLIENTS)}
    clients = [fault for fault in matrix.CLIENT_FAULTS if fault.name in rows]
    with tempfile.TemporaryDirectory(prefix="citychat-town-") as folder:
        async with Town(Path(folder), Random(seed), engines, name=name_of_town, exit_s=EXIT_S) as town:
            injection = Injection(town, known[name], times, clients, PATIENCE_S)
            result = await injection.play()
            if result.complaints:
                RECORDS.mkdir(parents=True, exist_ok=True)
                record = "\n".join([*result.complaints, "", injection.record(await town.kept())])
                (RECORDS / f"{name}-{seed}.txt").write_text(record, "utf-8")
            return result
