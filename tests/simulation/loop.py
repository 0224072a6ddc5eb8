"""Virtual time: an asyncio loop whose clock jumps to the next timer, so that hours pass in a blink and every run of a
seed is the same run."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

from citychat.ports import Timer

START_MS = 1_700_000_000_000


class _NoSockets(selectors.SelectSelector):
    """Sleeping is moving the clock."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulated world has nothing left to do, and somebody still waits")
        if timeout > 0:
            self.loop.now_s += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _NoSockets()
        selector.loop = self
        self.now_s = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


class _Timer:
    def __init__(self, handle: asyncio.TimerHandle) -> None:
        self.cancel = handle.cancel


class SimClock:
    """A Clock of one machine: when the machine is dead or frozen its timers do not run."""

    def __init__(self, loop: asyncio.AbstractEventLoop, runs: Callable[[Callable[[], None]], None]) -> None:
        self.loop, self.runs = loop, runs

    def wall_ms(self) -> int:
        return START_MS + round(self.loop.time() * 1000)

    def monotonic_s(self) -> float:
        return self.loop.time()

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return _Timer(self.loop.call_later(delay_s, self.runs, call))
