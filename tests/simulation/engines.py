"""The simulated world and its mailbox: the contract of ``ports``, in virtual time, with faults.

Shared state lives in ``World``; a process talks to it through its own ``SimBus``, ``SimMailbox``, ``SimHistory``, over
connections that keep order, take time and sometimes lose the answer, or the work with it.
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from citychat.model import Message, Unavailable
from citychat.ports import MARKER_S, WIDENED_BY, WIDEST, Mail
from citychat.rules import MAILBOX_MS
from tests.simulation.records import Records
from tests.simulation.store_clocks import OwnClock

if TYPE_CHECKING:
    from tests.simulation.bus import Subscription

CONFIRM_S = 3.0  # when a lost confirm is given up
SLOWEST_OPEN_S = 20.0  # of a broker that has much else to do
MAILBOX_MAX, PREFETCH = 500, 600  # protocol §2.7
MARKER, TIMERS = "marker", "timers"
SLOWER = 100  # a connection of the history's pool that waits for a lock, or for a packet that was lost


def is_marker(message: Message) -> bool:
    return message.kind == MARKER


class Wire:
    """One direction of a connection: in order, each 0.5 to 5 ms late, or as slow as it gets."""

    def __init__(self, world: "World", slowest_s: float = 0.005) -> None:
        self.world, self.slowest_s, self.last_s = world, slowest_s, 0.0

    def send(self, call: Callable[..., object], *args: object) -> None:
        late_s = self.world.random.uniform(0.0005, self.slowest_s)
        self.last_s = max(self.world.loop.time() + late_s, self.last_s + 1e-6)
        self.world.loop.call_at(self.last_s, call, *args)


@dataclass
class Consumer:
    machine: "Machine"
    guest: str
    mail: Callable[[Mail], None]
    wire: Wire
    closed: bool = False
    lost: bool = False  # its process's connection is; the broker may not know yet
    window: int = PREFETCH
    markers: dict[str, Callable[[bool], None]] = field(default_factory=dict)

    def take(self, mail: Mail) -> None:
        if not self.closed and not self.lost:
            self.machine.runs(lambda: self.mail(mail))

    def marked(self, name: str, yes: bool) -> None:
        """Answer for a marker, once."""
        if answer := self.markers.pop(name, None):
            answer(yes)

    def passes(self, marker: Message) -> None:
        """A marker has come out, of this opening or an older one."""
        if not self.closed and not self.lost:
            self.machine.runs(lambda: self.marked(marker.stream, True))


class Queued(NamedTuple):
    """What lies in a queue, in the order of ``place``, until ``until_ms`` by the broker's clock."""

    place: int
    until_ms: int
    message: Message


@dataclass
class Queue:
    ready: list[Queued] = field(default_factory=list)
    unacked: dict[int, Queued] = field(default_factory=dict)
    consumers: list[Consumer] = field(default_factory=list)


class Machine:
    """What runs a process. While it is frozen everything waits, in lines: its timers, and what lies in each socket.
    When ``alive`` is false nothing it planned happens."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        self.loop, self.random, self.alive = loop, random, True
        self._late: list[tuple[object, Callable[[], object]]] | None = None
        self._never: list[Callable[[], object]] = []  # held: a task that nobody holds any more would be told as a crash

    @property
    def frozen(self) -> bool:
        return self._late is not None

    def times(self, call: Callable[[], object]) -> None:
        """What a timer does."""
        self.runs(call, TIMERS)

    def runs(self, call: Callable[[], object], line: object = None) -> None:
        if self._late is not None:
            self._late.append((line, call))
        elif self.alive:
            call()
        else:
            self._never.append(call)

    def freeze(self) -> None:
        if self._late is None:
            self._late = []

    def thaw(self) -> None:
        """Go on. Each line keeps its order; which comes first is nobody's, and now and then all the timers do: the
        process must not take what is due for what has not come (protocol §2.5.2, §2.5.4)."""
        if not self.alive:
            return  # what waits for it waits on
        late, self._late = self._late or [], None
        for line, call in _mixed(late, self.random):
            self.loop.call_soon(self.runs, call, line)

    async def awake(self) -> None:
        """Before a process gets the answer of an engine: it hears nothing while it is frozen."""
        if self._late is not None:
            thawed: asyncio.Future[None] = self.loop.create_future()
            self.runs(partial(_settle, thawed))
            await thawed


def _mixed(
    late: Sequence[tuple[object, Callable[[], object]]], random: Random
) -> list[tuple[object, Callable[[], object]]]:
    """The lines in one: timers before all the others, or each in any place between the others."""
    if random.random() < 0.5:
        return sorted(late, key=lambda each: each[0] is not TIMERS)
    lines = [line for line, _ in late]
    random.shuffle(lines)
    waiting = {line: iter([call for other, call in late if other is line]) for line in dict.fromkeys(lines)}
    return [(line, next(waiting[line])) for line in lines]


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class World(Records):
    """``loss``: the share of publishes, confirms and commits whose effect or answer is lost. ``rough``: the share of
    steps in which a broker or a history does what only the real ones do: takes half, answers late, says no for nothing.
    ``requeue_s``: how long a broker may take to notice that a consumer is dead. ``uneven``: the share of steps of the
    history that go over a slow connection of its pool. ``redis_clock``, ``broker_clock``, ``history_clock``: those of
    the servers, each its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, random: Random) -> None:
        super().__init__()
        self.loop, self.random = loop, random
        self.loss = self.rough = self.requeue_s = self.uneven = 0.0
        self.redis_clock, self.broker_clock, self.history_clock = (OwnClock(loop) for _ in range(3))
        self.store_clocks = (self.redis_clock, self.broker_clock, self.history_clock)
        self.redis_up = self.reads_up = True
        self.forgot: Callable[[], None] = lambda: None  # all data of Redis is lost
        self.commit_s = random.choice([0.005, 0.3])  # a slow disk: pages come and go while it writes
        self.read_s = 0.01
        self.subscriptions: dict[str, list[Subscription]] = {}  # as Redis has them
        self.queues: dict[str, Queue] = {}
        self.numbers = 0
        self._mailbox_up = self.history_up = True
        self.machines: list[Machine] = []  # dead ones too: what waits for them to thaw waits on
        self.trace: Callable[..., None] = lambda *words: None
        self.stepped: Callable[[str, tuple[object, ...], object], None] = lambda *step: None  # of the lobby
        self.settled: Callable[[Message], None] = lambda message: None  # acked in the mailbox
        self.refused: Callable[[str, str], None] = lambda s, process: None  # a message: its page is told of no session
        self.given_up: set[str] = set()  # sessions that a member has asked to end
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
        taken = queue.ready[: max(0, consumer.window - len(queue.unacked))]
        del queue.ready[: len(taken)]
        for entry in taken:
            if is_marker(entry.message):
                consumer.wire.send(consumer.passes, entry.message)
                continue
            tag = self.number()
            queue.unacked[tag] = entry
            consumer.wire.send(consumer.take, Mail(tag, entry.message))

    def expire(self, guest: str) -> None:
        """The broker looks at what is in front: what is over behind it stays."""
        ready, now_ms = self.queues[guest].ready, self.broker_clock.wall_ms()
        while ready and ready[0].until_ms < now_ms:
            self.held(ready.pop(0).message, "the mailbox has forgotten it")

    def way_s(self) -> float:
        """How long it takes to the history: a hundred times as long over a slow connection."""
        secs = self.random.uniform(0.001, self.read_s)
        return secs * SLOWER if self.uneven > 0 and self.random.random() < self.uneven else secs

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def odd(self) -> bool:
        """Whether an engine shows its worse manners now. Worlds without them draw nothing."""
        return self.rough > 0 and self.random.random() < self.rough

    def held(self, message: Message, where: str) -> None:
        if not is_marker(message):
            self.noted(message.stream, message.number, where)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


class SimMailbox:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)
        self.reachable = True  # by this process

    @property
    def up(self) -> bool:
        return self.world.mailbox_up and self.reachable

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        self._send(guest, list(messages), stored, MAILBOX_MS)

    def _send(self, guest: str, messages: list[Message], stored: Callable[[bool], None], life_ms: int) -> None:
        self.machine.runs(partial(self.there.send, self._put, guest, messages, stored, life_ms))

    def _put(self, guest: str, messages: list[Message], stored: Callable[[bool], None], life_ms: int) -> None:
        world, until_ms = self.world, self.world.broker_clock.wall_ms() + life_ms
        queue = world.queues.setdefault(guest, Queue())
        world.expire(guest)
        fits = len(queue.ready) + len(messages) <= MAILBOX_MAX
        broken = self.up and world.odd()  # returned, or the channel closed in the middle of them
        kept = messages[: world.random.randint(0, len(messages))] if broken else messages
        if self.up and fits:
            for message in kept:
                world.held(message, "in the mailbox")
            queue.ready.extend(Queued(world.number(), until_ms, message) for message in kept)
            world.push(guest)
        if not self.up or world.lost():
            world.loop.call_later(CONFIRM_S, self.machine.runs, lambda: stored(False))
        else:
            self.back.send(self.machine.runs, lambda: stored(fits and not broken))

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        await asyncio.sleep(self.world.random.uniform(0.001, SLOWEST_OPEN_S if self.world.odd() else 0.01))
        if not self.up:
            raise Unavailable
        consumer = Consumer(self.machine, guest, mail, Wire(self.world))
        self.world.queues.setdefault(guest, Queue()).consumers.append(consumer)
        self.world.push(guest)
        await self.machine.awake()
        return consumer

    def mark(self, handle: object, read: Callable[[bool], None]) -> None:
        assert isinstance(handle, Consumer)
        if handle.lost:
            self.world.loop.call_soon(self.machine.runs, partial(read, False))
            return
        queue, name = self.world.queues.setdefault(handle.guest, Queue()), f"marker {self.world.number()}"
        if len(queue.unacked) >= handle.window:
            handle.window = min(WIDEST, handle.window + WIDENED_BY)
            self.world.push(handle.guest)
        handle.markers[name] = read
        self.world.loop.call_later(MARKER_S, self.machine.runs, partial(handle.marked, name, False))

        def stored(ok: bool) -> None:
            if not ok:
                handle.marked(name, False)

        self._send(handle.guest, [Message("", 0, name, 1, 1, "", 0, kind=MARKER)], stored, round(1_000 * MARKER_S))

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        assert isinstance(handle, Consumer)
        self.machine.runs(partial(self.there.send, self._ack, handle, list(tags)))

    def _ack(self, consumer: Consumer, tags: list[int]) -> None:
        if not consumer.closed and not consumer.lost:
            for tag in tags:
                if entry := self.world.queues[consumer.guest].unacked.pop(tag, None):
                    self.world.settled(entry.message)
            self.world.push(consumer.guest)

    async def close(self, handle: object) -> None:
        """On the same connection as the acks, so after them."""
        assert isinstance(handle, Consumer)
        done = asyncio.Event()
        self.there.send(self._close, handle)
        self.there.send(done.set)
        await done.wait()
        await self.machine.awake()

    def _close(self, consumer: Consumer) -> None:
        if not consumer.lost:  # else the broker notices by itself
            self.requeue(consumer)
        consumer.closed = True

    def requeue(self, consumer: Consumer) -> None:
        """The consumer is gone: what it has not acked goes back to its place."""
        queue = self.world.queues.get(consumer.guest, Queue())
        if consumer not in queue.consumers:
            return
        active = queue.consumers[0] is consumer
        queue.consumers.remove(consumer)
        if active:
            for entry in queue.unacked.values():
                insort(queue.ready, entry)
            queue.unacked.clear()
            self.world.push(consumer.guest)

    # -- the connection breaks ----------------------------------------------------------------------------------------

    def broken(self, noticed_s: float, back_s: float) -> None:
        """The connection of this process is lost; the broker notices after ``noticed_s``, and puts everything back. The
        adapter then reads on by itself: the handles stay, the tags do not."""
        everybody = [each for queue in self.world.queues.values() for each in queue.consumers]
        mine = [each for each in everybody if each.machine is self.machine and not each.lost]
        for consumer in mine:
            consumer.lost = True
            for name in [*consumer.markers]:
                self.machine.runs(partial(consumer.marked, name, False))
            self.world.loop.call_later(noticed_s, self.requeue, consumer)
        self.world.loop.call_later(max(noticed_s + 0.01, back_s), self.machine.runs, lambda: self._read_on(mine))

    def _read_on(self, consumers: list[Consumer]) -> None:
        if not self.world.mailbox_up:
            self.world.loop.call_later(1.0, self.machine.runs, lambda: self._read_on(consumers))
            return
        for consumer in consumers:
            if not consumer.closed:
                consumer.lost = False
                self.world.queues.setdefault(consumer.guest, Queue()).consumers.append(consumer)
                self.world.push(consumer.guest)

    async def discard(self, guest: str) -> None:
        queue = self.world.queues.get(guest)
        if queue and not (queue.ready or queue.unacked or queue.consumers):
            del self.world.queues[guest]

    async def blank(self, guest: str, s: str, side: int) -> None:
        queue = self.world.queues.get(guest, Queue())
        queue.ready = [
            each._replace(message=replace(m, text="")) if ((m := each.message).session, m.side) == (s, side) else each
            for each in queue.ready
        ]

    async def waiting(self) -> int:
        return sum(len(queue.ready) + len(queue.unacked) for queue in self.world.queues.values())
