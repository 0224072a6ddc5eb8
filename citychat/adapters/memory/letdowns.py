"""Letdowns in the embedded lobby: who takes offers back or never answers in a chat is led to fewer (protocol §3)."""

from collections.abc import Callable
from typing import Literal, NamedTuple

from citychat.expiring import Expiring
from citychat.rules import (
    ALONE_AFTER,
    BEHIND_AFTER,
    BEHIND_MS,
    COMPLAINTS,
    FIRST_WORD_MS,
    LETDOWN_MS,
    LETDOWNS_KEPT,
    LETDOWNS_OF_ONE,
)

Standing = Literal["", "behind", "alone"]


class Letdown(NamedTuple):
    """A letdown, or with fewer ``ms`` than FIRST_WORD_MS a part of one. ``by``: who complains of it, "" for nobody."""

    at: int
    by: str
    ms: int


class Letdowns:
    """The letdowns of each guest, newest last; they outlive the guest's record. ``complaints``: when those who complain
    (a network, or a guest without) last did. ``now``: in ms."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.kept = Expiring[str, tuple[Letdown, ...]](LETDOWNS_KEPT, LETDOWN_MS, now)
        self.complaints = Expiring[str, tuple[int, ...]](LETDOWNS_KEPT, LETDOWN_MS, now)

    def note(self, guest: str, by: str, ms: int) -> bool:
        """Note one; whether it counts. Of one guest a network complains once an hour, and of three guests: else a few
        pages that write a word and leave could silence a town."""
        before, now = self.kept.get(guest) or (), self._now()
        if by:
            complained = [at for at in self.complaints.get(by) or () if now - at < LETDOWN_MS]
            of_this_guest = any(each.by == by and now - each.at < LETDOWN_MS for each in before)
            if of_this_guest or len(complained) >= COMPLAINTS:
                return False
            self.complaints[by] = (*complained, now)
        self.kept[guest] = (*before, Letdown(now, by, ms))[-LETDOWNS_OF_ONE:]
        return True

    def standing(self, guest: str) -> Standing:
        """Tell whether the guest ranks behind everybody, or is led to nobody."""
        noted = self.kept.get(guest)
        if not noted:
            return ""
        last = noted[-1].at  # not older than an hour, or nothing would be kept
        weight = sum(each.ms for each in noted if last - each.at < LETDOWN_MS)
        if weight >= ALONE_AFTER * FIRST_WORD_MS:
            return "alone"
        return "behind" if weight >= BEHIND_AFTER * FIRST_WORD_MS and self._now() - last < BEHIND_MS else ""
