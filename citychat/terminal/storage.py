"""Storage of a terminal guest between runs: the browser's localStorage, in one file of mode 600."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path

from citychat.client import thrown_away

OURS = "citychat."  # how every name in it begins
OUR_START = '{"' + OURS


class StorageFileError(Exception):
    """One line for the person: what is wrong with the file."""


class StorageFile(MutableMapping[str, str]):
    """A mapping that is on disk, whole, after every change.

    One process holds it at a time: two guests with one token would throw each other out for ever. Raises
    StorageFileError when another one has it, when it is something else, or when it cannot be written.

    What the disk does not take stays in memory and is written with the next change; ``told`` gets one line when that
    begins and one when it is over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.told: Callable[[str], None] = lambda line: None
        self._is_kept = True
        try:
            self._held = self._hold()
            self._kept = self._read()
        except BlockingIOError as error:
            raise StorageFileError(f"{path} is in use by another guest; name another file") from error
        except OSError as error:
            raise StorageFileError(f"cannot use {path}: {error.strerror}") from error

    def _hold(self) -> int:
        """Lock the file that has this name now; a lock on one that was replaced meanwhile means nothing."""
        while True:
            held = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(held).st_ino == self.path.stat().st_ino:
                return held
            os.close(held)

    def _read(self) -> dict[str, str]:
        """Read what is whole in a file of ours; a file of somebody else's is refused, not written over."""
        text = self.path.read_bytes().strip(b"\0").decode(errors="replace")  # NULs: after a power cut
        if not text:
            return {}
        try:
            kept = json.loads(text)
        except (ValueError, RecursionError):
            kept = None
        if isinstance(kept, dict) and all(name.startswith(OURS) for name in kept):
            whole = {name: value for name, value in kept.items() if isinstance(value, str)}
            for name in kept.keys() - whole.keys():
                thrown_away(name)
            return whole
        begun = text.startswith(OUR_START) or OUR_START.startswith(text)
        if not begun or kept is not None:
            raise StorageFileError(f"{self.path} was not written by citychat guest; name another file")
        thrown_away(str(self.path))
        return {}

    def _save(self) -> None:
        try:
            self._replace()
        except OSError as error:
            if self._is_kept:
                self.told(f"Cannot write {self.path}: {error.strerror}. The end of this run may lose what is not sent.")
            self._is_kept = False
        else:
            if not self._is_kept:
                self.told(f"{self.path} can be written again.")
            self._is_kept = True

    def _replace(self) -> None:
        """Replace the file, never by half of it: a token cut short is a guest lost. Raises OSError."""
        new = self.path.with_name(self.path.name + ".new")
        held = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with open(held, "wb", closefd=False) as file:
                file.write(json.dumps(self._kept).encode())
            os.fsync(held)
            new.replace(self.path)
        except OSError:
            os.close(held)
            with contextlib.suppress(OSError):
                new.unlink()  # it takes the room that is wanted
            raise
        os.close(self._held)
        self._held = held

    def __getitem__(self, key: str) -> str:
        return self._kept[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._kept[key] = value
        self._save()

    def __delitem__(self, key: str) -> None:
        del self._kept[key]
        self._save()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._kept))

    def __len__(self) -> int:
        return len(self._kept)
