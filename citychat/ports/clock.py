"""Time, passed in."""

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Time passed in: the wall for what is shown and kept, timers that no jump of the wall can move."""

    def wall_ms(self) -> int: ...

    def monotonic_s(self) -> float: ...

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer: ...


class SteadyTime:
    """A time of day that goes on from ``start_ms`` by the monotonic clock: no step of the wall moves it."""

    def __init__(self, clock: Clock, start_ms: int) -> None:
        self._clock, self._start_ms, self._start_s = clock, start_ms, clock.monotonic_s()

    def now_ms(self) -> int:
        return self._start_ms + round((self._clock.monotonic_s() - self._start_s) * 1_000)
