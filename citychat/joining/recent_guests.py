"""What a process remembers of guests who left in the middle of a chat, for when the history cannot tell.

A page whose link breaks while the history is away comes back to its chat with this (protocol §2.5.1). The lobby has the
last word on whether the chat still runs; a page that has drawn nothing yet waits for the history.
"""

from collections.abc import Callable

from msgspec import Struct

from citychat.model import Guest, Session
from citychat.ports import Entry

KEPT_S = 600.0  # a page tries again every 30 s at the latest; who is away for longer may wait for the history
KEPT_MAX = 10_000  # of 1 kB each; the one kept first is forgotten


class RecentGuest(Struct, frozen=True):
    """A guest's row, last entry at the lobby's door, and the chat it was in."""

    row: Guest
    entry: Entry
    session: Session


class RecentGuests:
    """``now_s`` is monotonic."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: dict[str, tuple[float, RecentGuest]] = {}  # in the order in which they were kept

    def keep(self, known: RecentGuest) -> None:
        self._forget()
        self._kept.pop(known.row.id, None)
        self._kept[known.row.id] = self._now_s(), known
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]

    def of(self, guest: str) -> RecentGuest | None:
        self._forget()
        return self._kept[guest][1] if guest in self._kept else None

    def forget(self, guest: str) -> None:
        self._kept.pop(guest, None)

    def _forget(self) -> None:
        """What is too old."""
        while self._kept:
            guest, (kept_s, _) = next(iter(self._kept.items()))
            if self._now_s() - kept_s < KEPT_S:
                return
            del self._kept[guest]
