"""One wheel for the pings of all pages: no timer, task or coroutine for each."""

import asyncio
from typing import Protocol

_TICKS = 250  # of the longest wait: 80 ms of 20 s, and as much earlier a ping may come
_TICK_MIN_S = 0.01


class Waiting(Protocol):
    """Interface of what stands on a wheel. ``slot``: where, or None; the wheel's own."""

    slot: "set[Waiting] | None"

    def due(self) -> None:
        """Take it that the time has come."""


class PingWheel:
    """Calls many back, each after a wait of its own of up to ``longest_s``. It turns while somebody stands on it."""

    def __init__(self, longest_s: float) -> None:
        self._tick_s = max(_TICK_MIN_S, longest_s / _TICKS)
        self._slots: list[set[Waiting]] = [set() for _ in range(int(longest_s / self._tick_s) + 2)]
        self._at = 0
        self._standing = 0
        self._turned_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def put(self, one: Waiting, after_s: float) -> None:
        """Call it after so many seconds, a tick less at most, in place of what it waited for."""
        self.drop(one)
        ticks = max(1, int(after_s / self._tick_s))
        one.slot = self._slots[(self._at + ticks) % len(self._slots)]
        one.slot.add(one)
        self._standing += 1
        if self._timer is None:
            self._turned_s = asyncio.get_running_loop().time()
            self._wait()

    def drop(self, one: Waiting) -> None:
        """Do not call it; idempotent."""
        if one.slot is not None:
            one.slot.discard(one)
            one.slot = None
            self._standing -= 1

    def _wait(self) -> None:
        """Wait for the next tick. Ticks that a busy loop has missed are not made up for: nobody has less time."""
        loop = asyncio.get_running_loop()
        self._turned_s = max(self._turned_s + self._tick_s, loop.time())
        self._timer = loop.call_at(self._turned_s, self._turn)

    def _turn(self) -> None:
        self._at = (self._at + 1) % len(self._slots)
        for one in list(self._slots[self._at]):
            if one.slot is self._slots[self._at]:  # not dropped by one before it
                self.drop(one)
                one.due()
        self._timer = None
        if self._standing:
            self._wait()
