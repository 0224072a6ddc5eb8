"""How long a search for a city takes: ``python -m bench.search``; exits 1 when a row's p99 is over 0.2 ms.

Every start of every name of the gazetteer with one to four characters, the longer ones that most cities share, and
texts that are made to be dear, each twice and the quicker counted: what somebody else takes of the machine is not the
search's. First what the gazetteer takes of a start.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time

from bench.claim import figures, p99
from citychat.places import Gazetteer, meant
from citychat.places.gazetteer import FILE, SEARCH_MAX_CHARS

P99_LIMIT_MS = 0.2
LONGER = 2_000
DEAR = [letter * SEARCH_MAX_CHARS for letter in "aé-' ΐᾷ㌀\u0344\U0001d15f\ufdfa"]  # the last falls into 18 letters
DEAR += ["".join(map(chr, range(first, first + SEARCH_MAX_CHARS))) for first in (0x2000, 0x3300, 0xFB50, 0x1F80)]
DEAR += ["st a, united states", "x in in in in", "st " * 20, "paris united states of america"]


def opened() -> Gazetteer:
    """Print what the start takes; the memory is Linux's."""
    before, started = _resident_kb(), thread_time()
    gazetteer = Gazetteer()
    took_ms, took_mb = (thread_time() - started) * 1_000, (_resident_kb() - before) / 1_024
    print(
        f"{len(gazetteer):,} cities: file {FILE.stat().st_size:,} bytes, opened in {took_ms:.1f} ms, {took_mb:.1f} MB"
    )
    return gazetteer


def _resident_kb() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def rows(gazetteer: Gazetteer) -> dict[str, list[str]]:
    """What is searched for, by the name of its row."""
    keys = [gazetteer._keys[at].decode() for at in range(len(gazetteer._keys))]
    shared = Counter(key[:end] for key in keys for end in range(1, min(len(key), SEARCH_MAX_CHARS) + 1))
    short = {f"{chars} characters": [start for start in shared if len(start) == chars] for chars in range(1, 5)}
    longer = [start for start, _ in shared.most_common() if len(start) > 4][:LONGER]
    return {"nothing": [""], **short, "longer": longer, "made to be dear": DEAR}


def measure(gazetteer: Gazetteer, typed: list[str], now_s: Callable[[], float]) -> list[float]:
    """Milliseconds of each search, sorted."""

    def once(text: str) -> float:
        started = now_s()
        meant(gazetteer, text)
        return (now_s() - started) * 1_000

    return sorted(min(once(text), once(text)) for text in typed)


def main() -> int:
    gazetteer = opened()
    gc.freeze()  # as the server does before it serves
    slow = False
    for name, typed in rows(gazetteer).items():
        busy, wall = (measure(gazetteer, typed, now_s) for now_s in (thread_time, perf_counter))
        slow = slow or p99(busy) > P99_LIMIT_MS
        print(f"{name:15} {len(typed):6,}   ms a search: {figures(busy)}   by the wall: {figures(wall)}", flush=True)
    if slow:
        print(f"too slow: p99 must be at most {P99_LIMIT_MS} ms")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
