"""``python -m citychat``, which at its end prints the names of all modules that it has loaded, in one line."""

import sys

from citychat.__main__ import main

MARK = "loaded: "


def loaded(output: list[str]) -> set[str]:
    """What such a process has loaded, by what it has printed."""
    (line,) = (line for line in output if line.startswith(MARK))
    return set(line.removeprefix(MARK).split())


if __name__ == "__main__":
    try:
        main()
    finally:
        print(MARK + " ".join(sys.modules), flush=True)
