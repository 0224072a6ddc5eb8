"""The fault programme: ``python -m tests.faults``. Every fault at every moment, on real processes and real servers.

Several towns work at the same time, each with servers of its own. Exits 1 when a promise was broken, a moment was not
reached or too little was said; writes its tables into docs/reliability.md.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from tests.faults import matrix
from tests.faults.injection import Result
from tests.faults.table import Table
from tests.faults.worker import Job, begin, run, versions
from tests.support.document import commit

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "reliability.md"
CLIENTS_AT_ONCE = 2  # rows of pages in one injection: more people would only slow each other
LEAST_MESSAGES = 100_000


def jobs(given: argparse.Namespace) -> list[Job]:
    """Each row so many times; the longest first, so that the workers end together."""
    rows = [fault.name for fault in matrix.CLIENT_FAULTS if not given.only or given.only in fault.name]
    shares = [tuple(rows[start : start + CLIENTS_AT_ONCE]) for start in range(0, len(rows), CLIENTS_AT_ONCE)]
    found = [(matrix.CLIENTS.name, share, 60.0) for share in shares]
    found += [(fault.name, (), fault.hold_s) for fault in matrix.FAULTS if not given.only or given.only in fault.name]
    found.sort(key=lambda row: -row[2])
    wanted: list[Job] = []
    for name, share, _ in found * given.runs:
        number = len(wanted)
        wanted.append((name, share, len(share) or given.times, given.seed + number, number))
    return wanted


def programme(given: argparse.Namespace) -> int:
    wanted, start_s, results, failed = jobs(given), time.monotonic(), [], []
    context = get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="citychat-faults-") as folder:
        with ProcessPoolExecutor(given.workers, context, begin, (folder,)) as pool:
            named = pool.submit(versions).result()
            waiting: dict[Future[Result], Job] = {pool.submit(run, job): job for job in wanted}
            for done in as_completed(waiting):
                name, rows, *_ = waiting[done]
                what = f"{name} {', '.join(rows)}".strip()
                try:
                    result = done.result()
                except Exception as error:  # the programme goes on, and is no proof any more
                    failed.append(f"{what}: {type(error).__name__}: {error}")
                    _say(failed[-1])
                    continue
                results.append(result)
                found = ", ".join(f"{count} {promise}" for promise, count in result.broken.items()) or "nothing wrong"
                _say(
                    f"{len(results)}/{len(wanted)} {what}:"
                    f" {result.counts['sent']} messages, {found}, {result.seconds:.0f} s"
                )
                for complaint in result.complaints[:5]:
                    _say(f"    {complaint}")
    minutes = (time.monotonic() - start_s) / 60
    table = Table(_head(given, named, minutes, len(results)), sorted(results, key=lambda result: _place(result.fault)))
    print("\n".join([*table.lines(), "", *table.complaints]))
    wrong = [*failed, *table.failures(given.runs)]
    if not given.only and table.counts["sent"] < LEAST_MESSAGES:
        wrong.append(f"only {table.counts['sent']} messages were sent, {LEAST_MESSAGES} are asked for")
    if not given.only and not given.no_table:
        table.write(DOCUMENT)
    _say("\n".join(wrong) or "Every promise was kept.")
    return int(bool(wrong))


def _place(fault: str) -> int:
    return [known.name for known in (*matrix.FAULTS, matrix.CLIENTS)].index(fault)


def _head(given: argparse.Namespace, servers: Sequence[str], minutes: float, injections: int) -> list[str]:
    today = datetime.now(UTC).date().isoformat()
    return [
        f"{today}, commit {commit()}, seeds from {given.seed}: {injections} injections in {minutes:.0f} minutes,",
        f"{given.workers} at a time, each with 3 processes of its own over {', '.join(servers)}.",
    ]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="of each row")
    parser.add_argument("--times", type=int, default=1, help="pairs of each moment and direction")
    parser.add_argument("--workers", type=int, default=2, help="injections at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="rows with these words in their name")
    parser.add_argument("--no-table", action="store_true", help=f"leave {DOCUMENT.relative_to(ROOT)} as it is")
    return programme(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
