"""Standard output as a host may have it: full, without a reader, or in an encoding that lacks letters; commands that
others name.
"""

import errno
import io
import logging
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ITS_ERRORS = (errno.ENOSPC, errno.EPIPE, errno.EIO)

log = logging.getLogger(__name__)


class NotPrinted(Exception):
    """One line for the host: why what a command says cannot be read. Exit status 1."""


@contextmanager
def whole_output() -> Iterator[None]:
    """Let a command print every letter, and write whatever it printed at its end. Raises NotPrinted."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as error:
        if error.errno not in ITS_ERRORS or error.filename is not None:
            raise
        _print_nowhere()
        raise NotPrinted(f"what this command says cannot be written: {error.strerror}") from error


def print_if_possible(line: str) -> None:
    """Print a line of a start: the server runs all the same when nobody can read it, and its log says so once."""
    try:
        print(line, flush=True)
    except OSError as error:
        log.warning("What a start says cannot be written: %s", error.strerror)
        _print_nowhere()


def again(flags: Sequence[str]) -> str:
    """The end of a command that is named to whoever typed ``flags``: the same ones, so that it finds the same store.
    Nothing where one of them is an address with a name in it: a password may be there too."""
    return "" if any("://" in word and "@" in word for word in flags) else f" {shlex.join(flags)}".rstrip()


def _print_nowhere() -> None:
    """The rest of what was printed would be tried again at the end of the interpreter."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
