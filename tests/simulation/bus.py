"""Redis of the simulated world, as a process meets it: the bus, and the connection that its lobby shares with it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from citychat.model import Unavailable
from citychat.ports import BusEvent, NewMessage, decode, encode
from tests.simulation.engines import Machine, Wire, World

AGAIN_S = 4.0  # the adapter's longest wait between two attempts to connect


@dataclass(eq=False)
class Subscription:
    machine: Machine
    guest: str
    heard: Callable[[BusEvent], None]
    wire: Wire


class SimBus:
    """``up``: the connection is there; ``life``: how often it was lost."""

    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)
        self.up, self.life = True, 0
        self.unlucky: set[str] = set()  # texts that do not arrive, however often they are said
        self.wanted: dict[Subscription, None] = {}
        self._watchers: list[Callable[[], None]] = []

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        if isinstance(record, NewMessage):
            self.world.held(record.message, "on the bus")
        self.machine.runs(partial(self._publish, guest, encode(record), published))

    def _publish(self, guest: str, raw: bytes, published: Callable[[int], None] | None) -> None:
        if self.up:
            self.there.send(self._at_broker, guest, raw, published, self.life)
        elif published is not None:
            self.world.loop.call_soon(self.machine.runs, partial(published, 0))

    def _at_broker(self, guest: str, raw: bytes, published: Callable[[int], None] | None, life: int) -> None:
        """What was under way when the connection was lost has arrived or not; nobody is told."""
        arrives = life == self.life or (self.world.redis_up and self.world.random.random() < 0.5)
        present = list(self.world.subscriptions.get(guest, ())) if arrives else []
        for subscription in present:
            if not self.world.lost() and not self._is_unlucky(raw):
                subscription.wire.send(self._deliver, subscription, raw)
        if published is not None:
            count = len(present) if life == self.life else 0
            self.back.send(self.machine.runs, partial(published, count))

    def _is_unlucky(self, raw: bytes) -> bool:
        record = decode(raw) if self.unlucky else None
        return isinstance(record, NewMessage) and record.message.text in self.unlucky

    def _deliver(self, subscription: Subscription, raw: bytes) -> None:
        record = decode(raw)
        listed = self.world.subscriptions.get(subscription.guest, ())
        if record is not None and subscription in listed:
            subscription.machine.runs(lambda: subscription.heard(record), subscription)

    async def listen(self, guest: str, heard: Callable[[BusEvent], None]) -> object:
        life = self.life
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        if not self.up or life != self.life:
            raise Unavailable
        subscription = Subscription(self.machine, guest, heard, Wire(self.world))
        self.wanted[subscription] = None
        self.world.subscriptions.setdefault(guest, []).append(subscription)
        await self.machine.awake()
        return subscription

    def unlisten(self, handle: object) -> None:
        assert isinstance(handle, Subscription)
        self.wanted.pop(handle, None)
        self._unsubscribe(handle)

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        life = self.life
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        counts = [len(self.world.subscriptions.get(guest, ())) for guest in guests]
        await self.machine.awake()
        if not self.up or life != self.life:
            raise Unavailable
        return counts

    def watch(self, resumed: Callable[[], None]) -> None:
        self._watchers.append(resumed)

    # -- the connection -----------------------------------------------------------------------------------------------

    def cut(self, back_s: float) -> None:
        """The connection is lost, and made again after ``back_s`` if Redis is there."""
        for subscription in self.wanted:
            self._unsubscribe(subscription)
        self.life += 1
        if self.up:
            self.up = False
            self.world.loop.call_later(back_s, self.machine.runs, self._connect)

    def _connect(self) -> None:
        if not self.world.redis_up:
            again_s = self.world.random.uniform(0.1, AGAIN_S)
            self.world.loop.call_later(again_s, self.machine.runs, self._connect)
            return
        for subscription in self.wanted:
            self.world.subscriptions.setdefault(subscription.guest, []).append(subscription)
        self.up = True
        self.world.trace("process hears the bus again")
        for resumed in self._watchers:
            self.world.loop.call_soon(self.machine.runs, resumed)

    def _unsubscribe(self, subscription: Subscription) -> None:
        here = self.world.subscriptions.get(subscription.guest, [])
        self.world.subscriptions[subscription.guest] = [other for other in here if other is not subscription]
