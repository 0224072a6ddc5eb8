"""The real clock, and the loop it runs on."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from citychat.ports import Timer


class SystemClock:
    """The Clock of a real process."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.monotonic_s = loop.time  # asked for each message and frame: a call less

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay_s, call)


def runner(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # no wheel for this system: slower, and otherwise the same
        asyncio.run(main)
    else:
        uvloop.run(main)
