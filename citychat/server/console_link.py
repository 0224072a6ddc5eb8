"""``citychat console``: asks a running process for a link into its console, which works once."""

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from citychat.server.status import answer_of

EACH = "console-*.sock"
USAGE = "usage: citychat console [--data FOLDER]"
NONE = "no server with a console answers in {}; start one with --console 8889, or name its folder with --data"


class ConsoleLink(Struct):
    """A link, for how many minutes it waits, and where the console listens, as ssh takes it."""

    url: str
    minutes: int
    port: int
    listens: str


def main(words: Sequence[str], *, data: Path, who: str, out: TextIO, errors: TextIO) -> int:
    """Print a link for the user of the operating system ``who``. Exit status: 0 printed, 1 no process answers, 2
    usage."""
    if words:
        print(USAGE, file=errors)
        return 2
    asked = (answer_of(path, f"{who}\n".encode(), ConsoleLink) for path in sorted(data.glob(EACH)))
    if (link := next(filter(None, asked), None)) is None:
        print(f"citychat console: {NONE.format(data)}", file=errors)
        return 1
    print(link.url, file=out)
    print(
        f"It works once, within {link.minutes} minutes, in a browser on this machine. On another one type first:",
        file=out,
    )
    print(f"ssh -N -L {link.port}:{link.listens} USER@THIS-SERVER", file=out)
    return 0
