"""Storage of a terminal guest between runs: the browser's localStorage, in one file of mode 600."""

import fcntl
import json
import os
from collections.abc import Iterator, MutableMapping
from pathlib import Path


class StorageFileError(Exception):
    """One line for the person: what is wrong with the file."""


class StorageFile(MutableMapping[str, str]):
    """A mapping that is on disk, whole, after every change.

    One process holds it at a time: two guests with one token would throw each other out for ever. Raises
    StorageFileError when another one has it, when it is something else, or when it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._held = self._hold()
            text = path.read_text("utf-8")
            self._kept: dict[str, str] = json.loads(text) if text else {}
        except BlockingIOError as error:
            raise StorageFileError(f"{path} is in use by another guest; name another file") from error
        except OSError as error:
            raise StorageFileError(f"cannot use {path}: {error.strerror}") from error
        except ValueError as error:
            raise StorageFileError(f"{path} was not written by citychat guest; name another file") from error
        if not isinstance(self._kept, dict) or not all(isinstance(value, str) for value in self._kept.values()):
            raise StorageFileError(f"{path} was not written by citychat guest; name another file")

    def _hold(self) -> int:
        """Lock the file that has this name now; a lock on one that was replaced meanwhile means nothing."""
        while True:
            held = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(held).st_ino == self.path.stat().st_ino:
                return held
            os.close(held)

    def _save(self) -> None:
        """Replace the file, never half of it: a token cut short is a guest lost."""
        new = self.path.with_name(self.path.name + ".new")
        held = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(held, json.dumps(self._kept).encode())
        new.replace(self.path)
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
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
