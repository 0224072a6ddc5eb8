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
