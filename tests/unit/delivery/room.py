"""Delivery on two processes over the simulated engines, in virtual time, with pages that note what they are told."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from random import Random
from typing import Any, TypeVar

from citychat.adapters.memory import MemoryLobby
from citychat.delivery import Delivery, Endpoint
from citychat.model import Cell, Message, Session
from citychat.ports import (
    BusEvent,
    Engines,
    Entry,
    NewMessage,
    PartnerTyping,
    Receipt,
    SessionEnded,
    TextsErased,
)
from citychat.tasks import Tasks
from tests.simulation.bus import SimBus
from tests.simulation.engines import Machine, SimMailbox, World
from tests.simulation.history import SimHistory
from tests.support.virtual_time import START_MS, VirtualClock, VirtualLoop

S = "s"
MONTH_MS = 30 * 86_400_000
T = TypeVar("T")
HEARD: dict[type, Callable[[Endpoint, Any], None]] = {
    NewMessage: Endpoint.on_message,
    Receipt: Endpoint.on_receipt,
    PartnerTyping: Endpoint.on_typing,
    TextsErased: Endpoint.on_erased,
    SessionEnded: Endpoint.on_session_ended,
}


def session(s: str = S, members: tuple[str, str] = ("ann", "ben"), started: int = START_MS) -> Session:
    return Session(s, members, ("Amber Fox", "Teal Owl"), "Lyon", started, started + MONTH_MS)


def message(
    n: int, st: str = "st", *, s: str = S, side: int = 0, x: str = "", p: tuple[str, int] | None = None, k: str = ""
) -> Message:
    return Message(s, side, st, n, n, x or f"{st} {n}", START_MS + n, p, k or None)


class NotedPage:
    """A page that does nothing by itself."""

    address = "127.0.0.1"

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, object]]] = []
        self.closed: list[str] = []
        self.open = True

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        self.told.append((event, dict(payload)))

    def close(self, why: str) -> None:
        self.closed.append(why)

    def heard(self, event: str) -> list[Any]:
        return [payload for name, payload in self.told if name == event]

    def texts(self) -> list[str]:
        return [payload["x"] for payload in self.heard("chat-message")]

    def states(self, state: str) -> list[list[tuple[int, int]]]:
        return [payload["ranges"] for payload in self.heard("chat-status") if payload["state"] == state]


class Node:
    """A process's delivery. ``rate_s``: the seconds to wait by the rate limit."""

    def __init__(self, room: "Room") -> None:
        world, self.machine = room.world, Machine(room.world.loop)
        self.bus, self.mailbox = SimBus(world, self.machine), SimMailbox(world, self.machine)
        self.history = SimHistory(world, self.machine)
        clock = VirtualClock(world.loop, self.machine.runs)
        self.tasks, self.rate_s = Tasks(clock, world.random), 0.0
        engines = Engines(self.bus, room.lobby, self.mailbox, self.history, clock, world.random)
        self.delivery = Delivery(engines, self.tasks, lambda guest: self.rate_s)
        self.endpoints: dict[str, Endpoint] = {}
        room.run(self._start())

    async def _start(self) -> None:
        self.tasks.spawn(self.delivery.writer.run(), "history writer")

    def hear(self, guest: str, event: BusEvent) -> None:
        """What the bus has for the guest's newest page here."""
        HEARD[type(event)](self.endpoints[guest], event)

    async def reopen(self) -> None:
        for endpoint in self.endpoints.values():
            await endpoint.reopen_mailbox()


class Room:
    """``ann`` and ``ben`` have the session ``s``; whoever ``join``s does it on either node."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.world = World(self.loop, Random(7))
        self.world.commit_s = 0.005
        clock = VirtualClock(self.loop)
        self.lobby = MemoryLobby(clock.wall_ms, Random(7))
        self.nodes = [Node(self), Node(self)]
        self.world.sessions[S] = session()
        self.failures: list[str] = []
        self.loop.set_exception_handler(lambda loop, context: self.failures.append(str(context)))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(coroutine)

    def wait(self, secs: float) -> None:
        self.run(asyncio.sleep(secs))

    def end(self) -> None:
        for node in self.nodes:
            node.machine.alive = False
            node.tasks.cancel()
        self.run(asyncio.sleep(1))
        self.loop.close()
        assert self.failures == []

    def join(self, guest: str, node: int = 0, *, away_ms: int = 0, living: bool = True) -> tuple[Endpoint, NotedPage]:
        return self.run(self._join(guest, self.nodes[node], away_ms, living))

    async def _join(self, guest: str, node: Node, away_ms: int, living: bool) -> tuple[Endpoint, NotedPage]:
        """In the order of protocol §2.5.1."""
        page, mine = NotedPage(), [row for row in self.world.sessions.values() if guest in row.members]
        entered = await self.lobby.enter(entry(guest, mine[-1] if mine and living else None))
        endpoint = node.endpoints[guest] = Endpoint(guest, entered.epoch, page, node.delivery, away_ms)
        await node.bus.listen(guest, lambda event: node.hear(guest, event))
        await endpoint.open_mailbox()
        for row in mine:
            await endpoint.load(row, {})
            endpoint.session = row if living and row.ended is None else None
        endpoint.start()
        return endpoint, page

    def ack(self, guest: str, page: NotedPage, node: int = 0) -> None:
        """The page has drawn everything it was sent so far."""

        async def ack() -> None:
            for row in page.heard("chat-message"):
                self.nodes[node].endpoints[guest].drawn(row["s"], row["st"], row["n"])

        self.run(ack())

    def stored(self, guest: str = "ben") -> list[tuple[str, int]]:
        queue = self.world.queues.get(guest)
        return [entry[2].key for entry in (*queue.ready, *queue.unacked.values())] if queue else []

    def held(self, s: str = S) -> list[str]:
        return [row.text for row in self.world.rows(s)]

    def put(self, guest: str, messages: Iterable[Message]) -> None:
        """Mail that waits already."""
        self.nodes[0].mailbox.put(guest, list(messages), lambda stored: None)
        self.wait(0.1)


def entry(guest: str, row: Session | None = None, epoch: int = 0) -> Entry:
    return Entry(guest, "p", "lyon", Cell(0, 0), "Lyon", True, False, True, START_MS, epoch=epoch, session=row)
