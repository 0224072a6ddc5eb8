"""Redis's clock, asked for as long as a connection lasts."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from citychat.adapters.service_clock import COMPARE_S, ServiceClock
from citychat.model import Unavailable
from citychat.ports import Clock
from citychat.tasks import pause


async def compare(call: Callable[[str], Awaitable[object]], time: ServiceClock, clock: Clock) -> None:
    """Compare for ever, at once and every minute. ``call`` sends a command."""
    while True:
        asked = time.asked()
        with suppress(Unavailable):
            match await call("TIME"):
                case [bytes() as seconds, bytes() as micros]:
                    time.told(asked, int(seconds) * 1_000 + int(micros) // 1_000)
        await pause(clock, COMPARE_S)
