"""Bus, mailbox and history of the simulated world: the contracts of ``ports``, in virtual time, with faults.

Shared state lives in ``World``; a process talks to it through its own ``SimBus``, ``SimMailbox``, ``SimHistory``, over
connections that keep order, take time and sometimes lose the answer, or the work with it.
"""

import asyncio
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from msgspec.structs import replace

from citychat.model import DAY_MS, MAILBOX_MS, Guest, Message, Ranges, Session, Unavailable, to_ranges
from citychat.ports import Committed, Mail, Pause, Report, Standing
from citychat.records import Record, decode, encode
from tests.simulation.loop import START_MS, VirtualLoop

CONFIRM_S = 3.0  # when a lost confirm is given up
MAILBOX_MAX = 500
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

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop, self.random = loop, random
        self.loss = 0.0
        self.commit_s = random.choice([0.005, 0.3])  # a slow disk: pages come and go while it writes
        self.subscriptions: dict[str, list[Subscription]] = {}
        self.queues: dict[str, Queue] = {}
        self.numbers = 0
        self.mailbox_up = self.history_up = True
        self.rows: dict[RowKey, Message] = {}
        self.guests: dict[str, Guest] = {}
        self.sessions: dict[str, Session] = {}
        self.pairs: dict[tuple[str, str], int] = {}
        self.shuns: dict[str, dict[str, int]] = {}
        self.reports: dict[tuple[str, str], Report] = {}
        self.wishes: dict[tuple[str, str], int] = {}
        self.trace: Callable[..., None] = lambda *words: None

    def lost(self) -> bool:
        return self.random.random() < self.loss

    def number(self) -> int:
        self.numbers += 1
        return self.numbers


class SimBus:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)

    def publish(self, guest: str, record: Record, published: Callable[[int], None] | None = None) -> None:
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


class SimMailbox:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world), Wire(world)

    def put(self, guest: str, messages: Sequence[Message], stored: Callable[[bool], None]) -> None:
        self.there.send(self._put, guest, list(messages), stored)

    def _put(self, guest: str, messages: list[Message], stored: Callable[[bool], None]) -> None:
        world, now = self.world, self.world.loop.time()
        queue = world.queues.setdefault(guest, Queue())
        fits = len(queue.ready) + len(messages) <= MAILBOX_MAX
        if world.mailbox_up and fits:
            world.trace("mailbox", guest, "takes", [message.key for message in messages])
            queue.ready.extend((world.number(), now, message) for message in messages)
            self._push(guest)
        if not world.mailbox_up or world.lost():
            world.loop.call_later(CONFIRM_S, self.machine.runs, lambda: stored(False))
        else:
            self.back.send(lambda: self.machine.runs(lambda: stored(fits)))

    def _push(self, guest: str) -> None:
        world = self.world
        queue = world.queues[guest]
        if not queue.consumers or not world.mailbox_up:
            return
        consumer = queue.consumers[0]
        while queue.ready:
            entry = queue.ready.pop(0)
            if world.loop.time() - entry[1] > MAILBOX_MS / 1000:
                world.trace("mailbox", guest, "forgets", entry[2].key)
                continue
            tag = world.number()
            queue.unacked[tag] = entry
            consumer.wire.send(self._mail, consumer, Mail(tag, entry[2]))

    @staticmethod
    def _mail(consumer: Consumer, mail: Mail) -> None:
        if not consumer.closed:
            consumer.machine.runs(lambda: consumer.mail(mail))

    async def open(self, guest: str, mail: Callable[[Mail], None]) -> object:
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        if not self.world.mailbox_up:
            raise Unavailable
        consumer = Consumer(self.machine, guest, mail, Wire(self.world))
        self.world.queues.setdefault(guest, Queue()).consumers.append(consumer)
        self._push(guest)
        return consumer

    def ack(self, handle: object, tags: Sequence[int]) -> None:
        assert isinstance(handle, Consumer)
        self.there.send(self._ack, handle, list(tags))

    def _ack(self, consumer: Consumer, tags: list[int]) -> None:
        if not consumer.closed:
            for tag in tags:
                self.world.queues[consumer.guest].unacked.pop(tag, None)

    async def close(self, handle: object) -> None:
        assert isinstance(handle, Consumer)
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        self.requeue(handle)

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
            self._push(consumer.guest)

    async def discard(self, guest: str) -> None:
        queue = self.world.queues.get(guest)
        if queue and not (queue.ready or queue.unacked or queue.consumers):
            del self.world.queues[guest]

    async def blank(self, guest: str, s: str, side: int) -> None:
        queue = self.world.queues.get(guest, Queue())
        queue.ready = [
            (number, at, replace(m, x="") if (m.s, m.side) == (s, side) else m) for number, at, m in queue.ready
        ]


class SimHistory:
    def __init__(self, world: World, machine: Machine) -> None:
        self.world, self.machine = world, machine
        self.there, self.back = Wire(world, world.commit_s), Wire(world)

    async def _asked(self) -> None:
        await asyncio.sleep(self.world.random.uniform(0.001, 0.01))
        if not self.world.history_up:
            raise Unavailable

    @property
    def now(self) -> int:
        return START_MS + round(self.world.loop.time() * 1000)

    def add(self, rows: Sequence[Message], done: Callable[[Committed | None], None]) -> None:
        self.there.send(self._add, list(rows), done)

    def _add(self, rows: list[Message], done: Callable[[Committed | None], None]) -> None:
        if not self.world.history_up:
            self.world.loop.call_later(1.0, self.machine.runs, lambda: done(None))
            return
        gaps = set()
        for row in rows:
            key = (row.s, row.side, row.st, row.n)
            if self.world.rows.setdefault(key, row).k == "gap":
                gaps.add(key)
        self.world.trace("history holds", [row.key for row in rows])
        committed = None if self.world.lost() else Committed(frozenset(gaps))
        self.back.send(lambda: self.machine.runs(lambda: done(committed)))

    async def page(self, s: str, before: tuple[int, int, str, int] | None, limit: int) -> list[Message]:
        await self._asked()
        rows = sorted((row for row in self.world.rows.values() if row.s == s), key=lambda row: row.order)
        return [row for row in rows if before is None or row.order < before][-limit:]

    async def standing(self, s: str, side: int) -> Standing:
        await self._asked()
        seen: dict[str, int] = {}
        beyond: list[Message] = []
        rows = [row for row in self.world.rows.values() if (row.s, row.side) == (s, side)]
        for row in sorted(rows, key=lambda row: row.key):
            if row.n == seen.setdefault(row.st, 0) + 1:
                seen[row.st] = row.n
            else:
                beyond.append(row)
        return Standing({st: n for st, n in seen.items() if n}, beyond)

    async def held(self, s: str, side: int, st: str, ranges: Ranges) -> Ranges:
        await self._asked()
        rows = [row for row in self.world.rows.values() if (row.s, row.side, row.st) == (s, side, st)]
        return to_ranges(row.n for row in rows if row.k != "gap" and any(a <= row.n <= b for a, b in ranges))

    async def guest(self, guest: str) -> Guest | None:
        await self._asked()
        return self.world.guests.get(guest)

    async def keep_guest(self, guest: Guest) -> None:
        await self._asked()
        self.world.guests[guest.id] = guest

    async def begin(self, session: Session) -> None:
        await self._asked()
        self.world.sessions.setdefault(session.id, session)

    async def undo(self, s: str) -> None:
        await self._asked()
        self.world.sessions.pop(s, None)

    async def end(self, s: str, at: int) -> None:
        await self._asked()
        session = self.world.sessions.get(s)
        if session is not None and session.ended is None:
            self.world.sessions[s] = replace(session, ended=at)

    async def session(self, s: str) -> Session | None:
        await self._asked()
        return self.world.sessions.get(s)

    async def sessions(self, guest: str) -> list[Session]:
        await self._asked()
        mine = [session for session in self.world.sessions.values() if guest in session.members]
        return sorted(mine, key=lambda session: -session.started)

    async def bar(self, a: str, b: str, at: int) -> None:
        await self._asked()
        self.world.pairs.setdefault((min(a, b), max(a, b)), at)

    async def barred(self, guest: str) -> list[str]:
        await self._asked()
        return [a if b == guest else b for a, b in self.world.pairs if guest in (a, b)]

    async def shun(self, guest: str, networks: Sequence[str], at: int) -> None:
        await self._asked()
        self.world.shuns.setdefault(guest, {}).update(dict.fromkeys(networks, at))

    async def shunned(self, guest: str, now: int) -> dict[str, int]:
        await self._asked()
        return {net: at for net, at in self.world.shuns.get(guest, {}).items() if now - at < DAY_MS}

    async def report(self, report: Report) -> str:
        await self._asked()
        return self.world.reports.setdefault((report.s, report.reporter), report).code

    async def case(self, code: str) -> Literal["received", "acted", "none"] | None:
        await self._asked()
        return "received" if any(report.code == code for report in self.world.reports.values()) else None

    async def pause(self, guest: str, now: int) -> Pause | None:
        await self._asked()
        return None

    async def wish(self, s: str, guest: str, at: int) -> bool:
        await self._asked()
        session = self.world.sessions[s]
        self.world.wishes[s, guest] = at
        both = all(at - self.world.wishes.get((s, member), -DAY_MS) < DAY_MS for member in session.members)
        if both:
            for member in session.members:
                del self.world.wishes[s, member]
        return both

    async def erase(self, guest: str, at: int) -> list[Session]:
        await self._asked()
        touched = []
        for session in await self.sessions(guest):
            side = session.side(guest)
            ended = session.ended if session.ended is not None else at
            touched.append(replace(session, ended=ended, erased=(*session.erased, side)))
            self.world.sessions[session.id] = touched[-1]
            for key, row in self.world.rows.items():
                if (row.s, row.side) == (session.id, side):
                    self.world.rows[key] = replace(row, x="")
        self.world.guests.pop(guest, None)
        return touched

    async def prune(self, now: int, history_ms: int) -> None:
        await self._asked()

    async def idle(self, before: int) -> list[Session]:
        await self._asked()
        return [
            session
            for session in self.world.sessions.values()
            if session.ended is None
            and all(self.world.guests[m].seen < before for m in session.members if m in self.world.guests)
        ]


class SlowLobby:
    """The real embedded lobby, a network away: every call takes its time, and the step happens in the middle."""

    def __init__(self, world: World, lobby: Any) -> None:
        self._world, self._lobby = world, lobby

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._lobby, name)

        async def call(*args: Any) -> Any:
            await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
            answer = await step(*args)
            await asyncio.sleep(self._world.random.uniform(0.0005, 0.005))
            return answer

        return call
