"""Files with secrets in them: read whole, and refused when others could read them too."""

import os
import stat
from pathlib import Path


class TooOpen(Exception):
    """Others can read the file; the text says how to close it."""


def read_private(path: Path, most_bytes: int) -> bytes:
    """Return the file's content, at most ``most_bytes``. Raises OSError, TooOpen.

    Read rights of the group of root are let through: systemd gives a service its credentials so (an access list shows
    as rights of the group), and root could read the file anyway.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        raw = file.read(most_bytes)
    mode = stat.S_IMODE(status.st_mode)
    harmless = stat.S_IRGRP if status.st_gid == 0 else 0
    if mode & 0o077 & ~harmless:
        raise TooOpen(f"others can read it (mode {mode:03o}): run chmod 600 {path}")
    return raw
