"""Events between processes."""

from collections.abc import Callable, Sequence
from typing import Protocol

from citychat.ports.bus_events import BusEvent


class Bus(Protocol):
    """Records between processes, addressed to guests. Not durable: only the listener count tells who was there."""

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        """Send to all listeners of ``guest``; records to one guest keep their order on one process. ``published`` is
        told how many listeners there were; 0 also when the bus failed."""

    async def listen(self, guest: str, heard: Callable[[BusEvent], None]) -> object:
        """Hear the guest's records from the moment this returns; the answer is the handle for ``unlisten``."""

    def unlisten(self, handle: object) -> None:
        """Stop that one subscription; idempotent. Others of the same guest on this process go on."""

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        """Count the subscriptions that each guest has now, over all processes."""

    def watch(self, resumed: Callable[[], None]) -> None:
        """Call ``resumed`` each time that records may have been missed and are heard again (protocol §2.8)."""
