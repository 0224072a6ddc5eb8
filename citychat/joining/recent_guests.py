"""Memory of guests who left in the middle of a chat, for when the history cannot tell.

A page whose link breaks while the history is away comes back to its chat with this (protocol §2.5.1). The lobby has the
last word on whether the chat still runs; a page that has drawn nothing yet waits for the history.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from citychat.expiring import Expiring
from citychat.limits import bound
from citychat.model import Guest, Session
from citychat.ports import Entry

KEPT_S = 600.0  # a page tries again every 30 s at the latest; who is away for longer may wait for the history
KEPT_MAX = bound("recent guests")  # then the one kept first is forgotten


class RecentGuest(Struct, frozen=True):
    """A guest's row, last entry at the lobby's door, and the chat it was in."""

    row: Guest
    entry: Entry
    session: Session


class RecentGuests:
    """The guests who left in the last ten minutes. ``now_s`` is monotonic."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._kept = Expiring[str, RecentGuest](KEPT_MAX, KEPT_S, now_s)

    def keep(self, known: RecentGuest) -> None:
        """Remember a guest, but for the languages: who comes back says them again."""
        self._kept[known.row.id] = replace(known, entry=replace(known.entry, languages=()))

    def of(self, guest: str) -> RecentGuest | None:
        return self._kept.get(guest)

    def forget(self, guest: str) -> None:
        self._kept.discard(guest)
