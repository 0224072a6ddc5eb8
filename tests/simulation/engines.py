"""Bus and mailbox of the simulated world: the contracts of ``ports``, in virtual time, with faults.

Shared state lives in ``World``; a process talks to it through its own ``SimBus``, ``SimMailbox``, ``SimHistory``, over
connections that keep order, take time and sometimes lose the answer, or the work with it.
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from citychat.model import MAILBOX_MS, Guest, Message, Session, Unavailable
from citychat.ports import Mail, Report
from citychat.records import Record, Said, decode, encode

CONFIRM_S = 3.0  # when a lost confirm is given up
MAILBOX_MAX, PREFETCH = 500, 600  # protocol §2.7
RowKey = tuple[str, int, str, int]


class Wire:
    """One direction of a connection: in order, each 0.5 to 5 ms late, or as slow as it gets."""

    def __init__(self, world: "World", slowest_s: float = 0.005) -> None:
        self.world, self.slowest_s, self.last_s = world, slowest_s, 0.0

    def send(self, call: Callable[..., object], *args: object) -> None:
        late_s = self.world.random.uniform(0.0005, self.slowest_s)
        self.last_s = max(self.world.loop.time() + late_s, self.last_s + 1e-6)
        self.world.loop.call_at(self.last_s, call, *args)


@dataclass
class Subscription:
    machine: "Machine"
    guest: str
    heard: Callable[[Record], None]
    wire: Wire


@dataclass
class Consumer:
    machine: "Machine"
    guest: str
    mail: Callable[[Mail], None]
    wire: Wire
    closed: bool = False

    def take(self, mail: Mail) -> None:
        if not self.closed:
            self.machine.runs(lambda: self.mail(mail))


@dataclass
class Queue:
    ready: list[tuple[int, float, Message]] = field(default_factory=list)
    unacked: dict[int, tuple[int, float, Message]] = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=list)


class Machine:
    """What runs a process: while ``alive`` is false nothing it planned happens."""

    def __init__(self) -> None:
        self.alive = True

    def runs(self, call: Callable[[], None]) -> None:
        if self.alive:
            call()


class World:
    """``loss``: the share of publishes, confirms and commits whose effect or answer is lost."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self.loop, self.random = loop, random
        self.loss = 0.0
        self.commit_s = random.choice([0.005, 0.3])  # a slow disk: pages come and go while it writes
        self.read_s = 0.01
        self.subscriptions: dict[str, list[Subscription]] = {}
        self.queues: dict[str, Queue] = {}
        self.numbers = 0
        self._mailbox_up = self.history_up = True
        self.chats: dict[str, dict[RowKey, Message]] = {}  # the rows of each session
        self.guests: dict[str, Guest] = {}
        self.sessions: dict[str, Session] = {}
        self.undone_s: dict[str, float] = {}  # sessions that never began, and when their row was taken back
        self.pairs: dict[tuple[str, str], int] = {}
        self.shuns: dict[str, list[tuple[str, int]]] = {}
        self.reports: dict[tuple[str, str], Report] = {}
        self.wishes: dict[tuple[str, str], int] = {}
        self.trace: Callable[..., None] = lambda *words: None
        self.stepped: Callable[[str, tuple[object, ...], object], None] = lambda *step: None  # of the lobby
        self.noted: Callable[[str, int, str], None] = lambda st, n, where: None  # where a message is now

    @property
    def mailbox_up(self) -> bool:
        return self._mailbox_up

    @mailbox_up.setter
    def mailbox_up(self, up: bool) -> None:
        """A broker that comes back hands on what went back into its queues meanwhile."""
        self._mailbox_up = up
        for guest in self.queues:
            self.push(guest)

    def push(self, guest: str) -> None:
        """Mail to the active consumer, as much as may be unacked."""
        queue = self.queues[guest]
        if not queue.consumers or not self.mailbox_up:
            return
        consumer = queue.consumers[0]
        self.expire(guest)
        taken = queue.ready[: max(0, PREFETCH - len(queue.unacked))]
        del queue.ready[: len(taken)]
        for entry in taken:
            tag = self.number()
            queue.unacked[tag] = entry
            consumer.wire.send(consumer.take, Mail(tag, entry[2]))

    def expire(self, guest: str) -> None:
        ready = self.queues[guest].ready
        while ready and self.loop.time() - ready[0][1] > MAILBOX_MS / 1000:
            self.held(ready.pop(0)[2], "the mailbox has forgotten it")

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def rows(self, s: str) -> list[Message]:
        """What history holds of a session, in the order of the transcript."""
        return sorted(self.chats.get(s, {}).values(), key=lambda row: row.order)

    def row(self, s: str, st: str, n: int) -> Message | None:
        held = self.chats.get(s, {})
        return held.get((s, 0, st, n)) or held.get((s, 1, st, n))

    def held(self, message: Message, where: str) -> None:
        self.noted(message.st, message.n, where)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


class SimBus:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)

    def publish(self, guest: str, record: Record, published: Callable[[int], None] | None = None) -> None:
        if isinstance(record, Said):
            self.world.held(record.message, "on the bus")
        self.there.send(self._at_broker, guest, encode(record), published)

    def _at_broker(self, guest: str, raw: bytes, published: Callable[[int], None] | None) -> None:
        present = list(self.world.subscriptions.get(guest, ()))
        for subscription in present:
            if not self.world.lost():
                subscription.wire.send(self._deliver, subscription, raw)
        if published is not None:
            self.back.send(lambda: self.machine.runs(lambda: published(len(present))))

    def _deliver(self, subscription: Subscription, raw: bytes) -> None:
        record = decode(raw)
        listed = self.world.subscriptions.get(subscription.guest, ())
        if record is not None and subscription in listed:
            subscription.machine.runs(lambda: subscription.heard(record))

    async def listen(self, guest: str, heard: Callable[[Record], None]) -> object:
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        subscription = Subscription(self.machine, guest, heard, Wire(self.world))
        self.world.subscriptions.setdefault(guest, []).append(subscription)
        return subscription

    def unlisten(self, handle: object) -> None:
        assert isinstance(handle, Subscription)
        here = self.world.subscriptions.get(handle.guest, [])
        self.world.subscriptions[handle.guest] = [other for other in here if other is not handle]

    async def listeners(self, guests: Sequence[str]) -> list[int]:
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        return [len(self.world.subscriptions.get(guest, ())) for guest in guests]

    def watch(self, resumed: Callable[[], None]) -> None:
        """This bus loses records without a word, and whoever listens goes on without them."""


class SimMailbox:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        self.there.send(self._put, guest, list(messages), stored)

    def _put(self, guest: str, messages: list[Message], stored: Callable[[bool], None]) -> None:
        world, now = self.world, self.world.loop.time()
        queue = world.queues.setdefault(guest, Queue())
        world.expire(guest)
        fits = len(queue.ready) + len(messages) <= MAILBOX_MAX
        if world.mailbox_up and fits:
            for message in messages:
                world.held(message, "in the mailbox")
            queue.ready.extend((world.number(), now, message) for message in messages)
            world.push(guest)
        if not world.mailbox_up or world.lost():
            world.loop.call_later(CONFIRM_S, self.machine.runs, lambda: stored(False))
        else:
            self.back.send(lambda: self.machine.runs(lambda: stored(fits)))

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        if not self.world.mailbox_up:
            raise Unavailable
        consumer = Consumer(self.machine, guest, mail, Wire(self.world))
        self.world.queues.setdefault(guest, Queue()).consumers.append(consumer)
        self.world.push(guest)
        return consumer

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        assert isinstance(handle, Consumer)
        self.there.send(self._ack, handle, list(tags))

    def _ack(self, consumer: Consumer, tags: list[int]) -> None:
        if not consumer.closed:
            for tag in tags:
                self.world.queues[consumer.guest].unacked.pop(tag, None)
            self.world.push(consumer.guest)

    async def close(self, handle: object) -> None:
        """On the same connection as the acks, so after them."""
        assert isinstance(handle, Consumer)
        done = asyncio.Event()
        self.there.send(self.requeue, handle)
        self.there.send(done.set)
        await done.wait()

    def requeue(self, consumer: Consumer) -> None:
        """The consumer is gone: what it has not acked goes back to its place."""
        if consumer.closed:
            return
        consumer.closed = True
        queue = self.world.queues[consumer.guest]
        active = queue.consumers[0] is consumer
        queue.consumers.remove(consumer)
        if active:
            for entry in queue.unacked.values():
                insort(queue.ready, entry)
            queue.unacked.clear()
            self.world.push(consumer.guest)

    async def discard(self, guest: str) -> None:
        queue = self.world.queues.get(guest)
        if queue and not (queue.ready or queue.unacked or queue.consumers):
            del self.world.queues[guest]

    async def blank(self, guest: str, s: str, side: int) -> None:
        queue = self.world.queues.get(guest, Queue())
        queue.ready = [
            (number, at, replace(m, x="") if (m.s, m.side) == (s, side) else m) for number, at, m in queue.ready
        ]
