"""Messages of an outbox as a page's storage keeps them until they are delivered, with the wire's letters.

Each page keeps its own, with the link to the message written last in the same value, so that neither is ever there
without the other. The page whose join was answered last takes over what the others have left, also what comes late:
windows do not see each other's storage at once. The twin of ``static/entries.js``.
"""

import json
from collections.abc import Callable
from typing import Any

from citychat.client.shapes import OLD_LAST, OLD_OUTBOX, OUTBOX, WRITER, Left, Row, Storage, parse, read
from citychat.client.wire import to_wire
from citychat.model import MessageKey


class Entries:
    """The messages of one page's outbox, ``all`` in the order in which they were written. ``page``: its id."""

    def __init__(self, storage: Storage, page: str) -> None:
        self.storage, self.page = storage, page
        self.all: list[Row] = []
        self._known: set[MessageKey] = set()  # that were ever here: none comes back from another page's storage
        self._last: list[Any] | None = None  # the message written last
        self._taken: list[str] = []  # names of what was taken over and lies there still

    @property
    def ours(self) -> bool:
        """True while this page is the one that writes, and no other window."""
        return bool(read(self.storage, WRITER) == self.page)

    def take(self) -> None:
        """Become the page that writes, with what the ones before have left: the last of them first, its link is the
        newest."""
        before = f"{OUTBOX}{read(self.storage, WRITER)}"
        self.storage[WRITER] = self.page
        names = sorted(
            (name for name in self.storage if self._is_others(name)), key=lambda name: (name != before, name)
        )
        for name in names:
            self._merge(name, read(self.storage, name), newest=name == before)
        if names:
            self.save()

    def inherit(self, name: str, text: str) -> bool:
        """Take what another page has written after this one took over. Tell whether that was news."""
        if not self._is_others(name) or not self.ours:
            return False
        length = len(self.all)
        self._merge(name, parse(name, text))
        self.save()
        return len(self.all) > length

    def _is_others(self, name: str) -> bool:
        return name == OLD_OUTBOX or (name.startswith(OUTBOX) and name != OUTBOX + self.page)

    def _merge(self, name: str, left: Left | None, *, newest: bool = False) -> None:
        """``newest``: of the page that wrote until now, whose last word in another chat than ours is the later one."""
        self._taken.append(name)
        for entry in left.entries if left else []:
            if key_of(entry) not in self._known:
                self._push(entry)
        last = left.last if left else None
        if name == OLD_OUTBOX:
            self._taken.append(OLD_LAST)
            last = None if left and left.torn else read(self.storage, OLD_LAST)
        is_same = self._last is not None and last is not None and last[0] == self._last[0]
        older = self._last and last and (last[3] <= self._last[3] if is_same else not newest)
        if last and not older:
            self._last = last

    def _push(self, entry: Row) -> None:
        self.all.append(entry)
        self._known.add(key_of(entry))

    def in_state(self, state: str) -> list[Row]:
        return [entry for entry in self.all if entry["state"] == state]

    def covered(self, session: str, stream: str, ranges: list[list[int]]) -> list[Row]:
        """Return those whose numbers lie in the ranges."""
        entries = [entry for entry in self.all if entry["session"] == session and entry["stream"] == stream]
        return [entry for entry in entries if any(first <= entry["number"] <= last for first, last in ranges)]

    def last(self, session: str) -> list[Any] | None:
        """Return the message written last in this session, and its place in the order, if there is one."""
        return self._last[1:] if self._last and self._last[0] == session else None

    def add(self, entry: Row) -> None:
        self._push(entry)
        self._last = [entry["session"], entry["stream"], entry["number"], entry["lamport"]]
        self.save()

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Keep only these; ``save`` makes it last."""
        self.all = [entry for entry in self.all if wanted(entry)]

    def save(self) -> None:
        if not self.ours:
            return
        entries = [to_wire(entry) for entry in self.all]
        kept = {"entries": entries} if self._last is None else {"last": self._last, "entries": entries}
        self.storage[OUTBOX + self.page] = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
        for name in self._taken:
            self.storage.pop(name, None)
        self._taken = []


def key_of(entry: Row) -> MessageKey:
    return entry["stream"], entry["number"]


def kept(storage: Storage) -> list[Row]:
    """Return the messages that all pages together have left in a storage, which stays as it is."""
    names = [name for name in storage if name == OLD_OUTBOX or name.startswith(OUTBOX)]
    outboxes = [parse(name, storage[name]) for name in names]
    return [entry for left in outboxes if left is not None for entry in left.entries]
