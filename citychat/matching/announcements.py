"""Events of the bus that no look at the lobby makes up for: published again when nobody can have heard them."""

from functools import partial

from citychat.limits import bound
from citychat.ports import Bus, BusEvent, Clock

KEPT_S = 600.0  # whoever joins later reads the history anyway
KEPT_MAX = bound("unheard")


class Announcements:
    """``announce`` publishes; what nobody was told, because the bus was away, is published once more when it is
    back. Its events may come twice."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._unheard: dict[tuple[str, BusEvent], float] = {}

    def announce(self, guest: str, event: BusEvent) -> None:
        self._bus.publish(guest, event, partial(self._published, guest, event))

    def _published(self, guest: str, event: BusEvent, listeners: int) -> None:
        if listeners == 0:  # the guest is not here, or the bus is not
            self._unheard[guest, event] = self._clock.monotonic_s()
            if len(self._unheard) > KEPT_MAX:
                del self._unheard[next(iter(self._unheard))]

    def repeat(self) -> None:
        """Publish again what was told to nobody in the last ten minutes (the bus is back)."""
        unheard, self._unheard = self._unheard, {}
        for (guest, event), at_s in unheard.items():
            if self._clock.monotonic_s() - at_s < KEPT_S:
                self.announce(guest, event)
