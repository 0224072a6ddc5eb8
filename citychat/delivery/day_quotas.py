"""Bytes that a guest and a network may have written down in a day (docs/limits.md).

Counted by each process for itself, in its memory: a message costs no trip for it, and a start begins anew. A day is one
of the process, which begins with its clock.
"""

from collections.abc import Callable

from citychat.limits import bound
from citychat.model import DayFull

DAY_S = 86_400.0
ROW_BYTES = 200  # what a message costs beside its text, in the store and its indexes
KEYS_MAX = bound("days counted")


class DayQuotas:
    """One per process."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._day = -1
        self._guests, self._networks = dict[str, int](), dict[str, int]()

    def charge(self, guest: str, network: str, text: str) -> None:
        """Count a message. Raises DayFull, with nothing counted, when guest or network ("": none) has no room."""
        day = int(self._now_s() // DAY_S)
        if day != self._day:
            self._day = day
            self._guests.clear()
            self._networks.clear()
        size = len(text.encode(errors="replace")) + ROW_BYTES
        charged = [(self._guests, guest, bound("guest's day"))]
        if network:
            charged.append((self._networks, network, bound("network's day")))
        if any(counts.get(key, 0) + size > most for counts, key, most in charged):
            raise DayFull
        for counts, key, _ in charged:
            counts[key] = counts.pop(key, 0) + size
            if len(counts) > KEYS_MAX:
                del counts[next(iter(counts))]
