"""``python -m tests.support.moved_clock FILE …``: the program on a machine whose clock is wrong.

By how many seconds FILE says, at each look at the wall; the clock that does not step is left alone.
"""

import sys
import time
from pathlib import Path

from citychat.__main__ import main

REAL_NS = time.time_ns


def set_clock(file: Path, ahead_s: float) -> None:
    """Move the wall of a process that runs, or will run, so far ahead of the real one."""
    fresh = file.with_suffix(".fresh")
    fresh.write_text(str(ahead_s))
    fresh.replace(file)


if __name__ == "__main__":
    told = Path(sys.argv[1])

    def now_ns() -> int:
        return REAL_NS() + round(float(told.read_text()) * 1e9)

    time.time_ns = now_ns
    time.time = lambda: now_ns() / 1e9
    sys.exit(main(sys.argv[2:]))
