"""The embedded bus: callbacks inside one process, with the manners of the real one."""

from collections.abc import Callable, Sequence
from typing import Self

from citychat.ports import BusEvent, decode, encode


class _MemorySubscription:
    def __init__(self, guest: str, heard: Callable[[BusEvent], None]) -> None:
        self.guest = guest
        self.heard = heard


class MemoryBus:
    """A Bus between the guests of one process.

    ``call_soon`` is the loop's: deliveries and answers run through it, in the order of the publishes. Records travel
    as bytes, so that nothing arrives here that another process would drop, and no two listeners share an object.
    """

    def __init__(self, call_soon: Callable[..., object]) -> None:
        self._call_soon = call_soon
        self._subscriptions: dict[str, dict[_MemorySubscription, None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._subscriptions.clear()

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        self._call_soon(self._deliver, guest, encode(record), published)

    async def listen(self, guest: str, heard: Callable[[BusEvent], None]) -> object:
        subscription = _MemorySubscription(guest, heard)
        self._subscriptions.setdefault(guest, {})[subscription] = None
        return subscription

    def unlisten(self, handle: object) -> None:
        if not isinstance(handle, _MemorySubscription):
            raise TypeError(f"unlisten wants what listen answered, not {type(handle).__name__}")
        here = self._subscriptions.get(handle.guest, {})
        here.pop(handle, None)
        if not here:
            self._subscriptions.pop(handle.guest, None)

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        return [len(self._subscriptions.get(guest, ())) for guest in guests]

    def watch(self, resumed: Callable[[], None]) -> None:
        """Do nothing: nothing is ever missed inside one process."""

    def _deliver(self, guest: str, raw: bytes, published: Callable[[int], None] | None) -> None:
        present = list(self._subscriptions.get(guest, ()))
        # The answer goes first, so that a listener that fails cannot keep the sender waiting.
        if published is not None:
            published(len(present))
        for subscription in present:
            record = decode(raw)
            # An earlier listener may have ended this one, which then must hear nothing more.
            if record is not None and subscription in self._subscriptions.get(guest, ()):
                subscription.heard(record)
