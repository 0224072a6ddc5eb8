"""Letdowns in the embedded lobby: who takes offers back or never answers in a chat is led to fewer (protocol §3)."""

from collections.abc import Callable
from typing import Literal

from citychat.expiring import Expiring
from citychat.rules import ALONE_AFTER, BEHIND_AFTER, BEHIND_MS, LETDOWN_MS, LETDOWNS_KEPT

Standing = Literal["", "behind", "alone"]


class Letdowns:
    """The letdowns of each guest, newest last: when, and who of; they outlive the guest's record. ``now``: in ms."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self.kept = Expiring[str, tuple[tuple[int, str], ...]](LETDOWNS_KEPT, LETDOWN_MS, now)

    def note(self, guest: str, by: str) -> bool:
        """Note one; whether it counts. By one network one an hour does, or a few pages that write a word and leave
        could silence a town; "" is nobody: an offer was taken back."""
        before, now = self.kept.get(guest) or (), self._now()
        if by and any(other == by and now - at < LETDOWN_MS for at, other in before):
            return False
        self.kept[guest] = (*before, (now, by))[-ALONE_AFTER:]
        return True

    def standing(self, guest: str) -> Standing:
        """Tell whether the guest ranks behind everybody, or is led to nobody."""
        times = [at for at, _ in self.kept.get(guest) or ()]
        if not times:
            return ""
        ago = self._now() - times[-1]
        if _within_an_hour(times, ALONE_AFTER):  # and the last is not older, or nothing would be kept
            return "alone"
        return "behind" if _within_an_hour(times, BEHIND_AFTER) and ago < BEHIND_MS else ""


def _within_an_hour(times: list[int], count: int) -> bool:
    return len(times) >= count and times[-1] - times[-count] < LETDOWN_MS
