"""Backup commands for the host, ``python -m citychat backup`` and ``restore FILE``: copies of the embedded storage.

A backup is a process of its own: it takes no time of the server's, and whatever becomes of it the server goes on.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from citychat.adapters.sqlite import StorageError, copies
from citychat.secret_files import hand_over

STORE = "citychat.db"
FOLDER = "backups"
EACH = "citychat-*Z.db"
KEPT = 24  # a day of hourly ones; erased texts live on in them for as long, and no longer
NAME = "citychat-%Y%m%dT%H%M%SZ.db"  # in the order of time
USAGE = "usage: citychat backup | citychat restore FILE"


class BackupError(Exception):
    """One line for the host: why there is no backup."""


def main(
    command: str,
    words: Sequence[str],
    *,
    data: Path,
    hook: Path | None = None,
    now: datetime,
    out: TextIO,
    errors: TextIO,
) -> int:
    """Run ``backup`` or ``restore``. ``hook``: a program for each new backup. Exit status: 0 done, 1 failed (the server
    and its data are as before), 2 usage."""
    say: Callable[[str], None] = partial(print, file=out)
    try:
        match (command, *words):
            case ("backup",):
                say(make(data, now, hook))
            case ("restore", file):
                say(restore(Path(file), data, now))
            case _:
                print(USAGE, file=errors)
                return 2
    except (BackupError, StorageError) as error:
        print(f"citychat {command}: {error}", file=errors)
        return 1
    return 0


def make(data: Path, now: datetime, hook: Path | None = None) -> str:
    """Back up the store in ``data`` and let go of all but the newest, then give the new one to ``hook``; a line that
    tells of it. Raises BackupError, StorageError.
    """
    store, folder = data / STORE, data / FOLDER
    if not store.exists():
        raise BackupError(f"no {STORE} in {data}: nothing is kept there (name the server's folder with --data)")
    with _alone(folder):
        for leftover in folder.glob(f"citychat-*{copies.PART}*"):  # of one that was killed
            leftover.unlink()
        _check_room(store, folder)
        target = folder / now.astimezone(UTC).strftime(NAME)
        copies.copy(store, target)
        _let_go(folder, target)
        ahead = sum(each > target for each in folder.glob(EACH))
        why = f"; {ahead} are dated later, by a clock that was ahead: they go first" if ahead else ""
        if hook is not None:
            _hand_on(target, hook)
        return f"Kept {target}: {_summary(copies.contents(target))}{why}"


def _hand_on(backup: Path, hook: Path) -> None:
    """Run the host's own program, as long as it takes: no other backup is made, or let go of, meanwhile."""
    try:
        status = subprocess.run([hook, backup], stdin=subprocess.DEVNULL).returncode
    except OSError as error:
        raise BackupError(f"kept {backup}, but the hook {hook} cannot be run: {error.strerror}") from error
    if status:
        raise BackupError(f"kept {backup}, but the hook {hook} failed with status {status}")


def newest(data: Path, until: datetime | None = None) -> datetime | None:
    """Return when the newest backup was made; None when there is none. Raises OSError.

    Those from after ``until`` do not count: a clock that was ahead has dated them, and they would hide for as long that
    no more are made."""
    dates = (datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in (data / FOLDER).glob(EACH))
    return max((made for made in dates if until is None or made <= until), default=None)


def _let_go(folder: Path, made: Path) -> None:
    """Remove all backups but the newest. The one just ``made`` is the newest, whatever dates others bear: those of a
    clock that was ahead count as the oldest."""
    in_order = sorted(folder.glob(EACH), key=lambda each: (each <= made, each))
    for old in in_order[:-KEPT]:
        old.unlink()


def restore(file: Path, data: Path, now: datetime) -> str:
    """Put a backup in the store's place; a line that tells of it. Raises BackupError, StorageError."""
    if not file.is_file():
        raise BackupError(f"{file}: no such file; the backups are in {data / FOLDER}")
    held = copies.contents(file)
    before = data / f"{STORE}.before-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    existed = copies.put_back(file, data / STORE, before)
    return f"Restored {file}: {_summary(held)}" + (f"; what was there before is {before}" if existed else "")


def _summary(held: copies.Contents) -> str:
    return f"{held.guests} guests, {held.chats} chats, {held.messages} messages, {held.waiting} waiting in mailboxes"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, for one backup at a time."""
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            hand_over(folder)
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BackupError(f"{folder}: cannot be made or read ({error.strerror})") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BackupError(f"{folder}: another backup is being made") from None
    finally:
        os.close(held)


def _check_room(store: Path, folder: Path) -> None:
    """A backup must not take the room that the server needs to go on."""
    size = sum(file.stat().st_size for file in (store, store.with_name(f"{STORE}-wal")) if file.exists())
    free = shutil.disk_usage(folder).free
    if free < 2 * size:
        raise BackupError(
            f"{folder}: {free // 1_000_000} MB are free, {2 * size // 1_000_000} MB are wanted "
            "(a copy, and as much for the server); remove what is not needed"
        )
