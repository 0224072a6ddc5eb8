"""Virtual time: an asyncio loop whose clock jumps to the next timer, so that hours pass in a blink and every run of a
seed is the same run."""

import asyncio
import selectors
import time
from collections.abc import Callable
from math import inf
from typing import Any

from citychat.ports import Timer
from tests.support.patience import PATIENCE_S

START_MS = 1_700_000_000_000


class _Jumps(selectors.SelectSelector):
    """Sleeping is moving the clock, but for the work of other threads, which is waited for."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        loop = self.loop
        # What waits for ever spins through virtual time, where the suite's own timeout cannot stop it.
        assert loop.until_s == inf or time.monotonic() < loop.until_s, "this does not end"
        if loop.works():
            waits = timeout is None or timeout > 0
            found = super().select(PATIENCE_S if waits else 0)
            assert found or not waits, "a thread works on and on"
            return found
        if timeout is None:
            raise RuntimeError("nothing is left to do, and somebody still waits")
        if timeout > 0:
            loop.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``works``: whether another thread works for it; ``until_s``: when to give up, by the real monotonic clock."""

    def __init__(self) -> None:
        selector = _Jumps()
        selector.loop = self
        self.now_s, self.until_s = 0.0, inf
        self.works: Callable[[], bool] = lambda: False
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


class _Timer:
    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self.cancel = handle.cancel


class VirtualClock:
    """A Clock of one machine. ``runs``: what its timers run through; when the machine is dead or frozen they do not.
    ``ahead_ms``: how far its wall is from the world's; a change of it is a step."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, runs: Callable[[Callable[[], None]], None] = lambda call: call()
    ) -> None:
        self.loop, self.runs, self.ahead_ms = loop, runs, 0

    def wall_ms(self) -> int:
        return START_MS + round(self.loop.time() * 1000) + self.ahead_ms

    def monotonic_s(self) -> float:
        return self.loop.time()

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return _Timer(self.loop.call_later(delay_s, self.runs, call))
