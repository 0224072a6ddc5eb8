"""The clock of one service, compared with this process's: dates, offers and leases need both to tell the same time."""

from typing import NamedTuple

from citychat.adapters.service_status import ServiceStatus
from citychat.ports import Clock

COMPARE_S = 60.0  # between two comparisons while a link lasts


class Asked(NamedTuple):
    """The moment at which a service was asked for its time, by both clocks of this process."""

    wall_ms: int
    monotonic_s: float


class ServiceClock:
    """A service's clock beside this process's. ``status`` is told how far apart the two are, and says what then."""

    def __init__(self, status: ServiceStatus, clock: Clock) -> None:
        self._status, self._clock = status, clock

    def asked(self) -> Asked:
        """Note the moment; ``told`` wants it."""
        return Asked(self._clock.wall_ms(), self._clock.monotonic_s())

    def told(self, asked: Asked, there_ms: int) -> None:
        """Take the service's answer. It read its clock somewhere between the question and now: the middle is compared,
        and up to half of that time is not held against anybody. A slow answer is no wrong clock."""
        now_ms, took_ms = self._clock.wall_ms(), round((self._clock.monotonic_s() - asked.monotonic_s) * 1_000)
        unsure_ms = max(took_ms, abs(now_ms - asked.wall_ms)) // 2
        self._status.on_clock((asked.wall_ms + now_ms) // 2, there_ms, unsure_ms)
