"""The wire between simulated pages and simulated processes: in order, late, sometimes dead without a sign."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from citychat.client import HeadlessPage
from citychat.client.page import Answer
from citychat.edge import Bounds
from citychat.model import NoSession
from tests.simulation.engines import Machine, Wire, World

LAST_EVENTS_S = Bounds.last_events_s
PING_S = 40.0  # engine.io: a ping every 20 s and 20 s for its answer; then a half-open link is closed
REFUSED_S = 0.05
ENDS = ("user-leave", "user-block", "user-report")


class LinkedProcess(Protocol):
    """What a link needs of a process."""

    name: str
    machine: Machine

    def door(
        self, page: "SimConnection", event: str, payload: object, reply: Callable[[Mapping[str, object]], None] | None
    ) -> Coroutine[Any, Any, None]: ...

    def closed(self, page: "SimConnection") -> None: ...

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]": ...


Pick = Callable[[], LinkedProcess | None]


class SimConnection:
    """The server's end: a ``ports.Page``. As at the edge, events of one connection are handled one after the other,
    those that came before its end too, and 10 s after it they are waited for no longer."""

    address, source = "127.0.0.1", ""

    def __init__(self, world: World, server: LinkedProcess, link: "SimLink") -> None:
        self.world, self.server, self.link = world, server, link
        self.up, self.down = Wire(world), Wire(world)
        self.open = True
        self.half_open = self.told = self.given_up = False
        self.inbox: deque[tuple[str, Any, Answer | None]] = deque()
        self.worker: asyncio.Task[None] | None = None

    @property
    def works(self) -> bool:
        """Whether both ends are there and hear each other."""
        machine = self.server.machine
        return self.open and not self.half_open and machine.alive and not machine.frozen

    # -- what the process does ----------------------------------------------------------------------------------------

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        copy = json.loads(json.dumps(payload))
        if event == "chat-message":
            self.world.noted(copy["st"], copy["n"], f"out to {self.link.name}")
        if event == "chat-status" and copy.get("error") == NoSession.code:
            self.world.refused(copy["s"], self.server.name)
        self._to_page(lambda: self.link.page.event(event, copy))

    def ping(self) -> None:
        self._to_page(self.link.page.heard)

    def let_in(self) -> None:
        """Its frames have no bound here."""

    def turned_away(self) -> None:
        """Our pages close their link after one refusal."""

    def close(self, why: str) -> None:
        if self.open:
            self.world.trace("server closes", self.link.name, why)
            self.down.send(self.link.broken, self)
            self.inbox.clear()
            self._ended()

    def _ended(self) -> None:
        if self.open:
            self.open = False
            if self.worker is None:
                self._tell()
            else:
                self.world.loop.call_later(LAST_EVENTS_S, self.server.machine.runs, self._give_up)

    def _give_up(self) -> None:
        if self.worker is not None:
            self.given_up = True
            self.worker.cancel()

    def _tell(self) -> None:
        if not self.told:
            self.told = True
            self.world.loop.call_soon(self.server.machine.runs, lambda: self.server.closed(self))

    # -- what the page does -------------------------------------------------------------------------------------------

    def send(self, event: str, payload: Any, answer: Answer | None) -> None:
        if self.open and not self.half_open:
            self.up.send(self._arrived, event, json.loads(json.dumps(payload)), answer)

    def _arrived(self, event: str, payload: Any, answer: Answer | None) -> None:
        self.server.machine.runs(lambda: self._taken(event, payload, answer), self)

    def _taken(self, event: str, payload: Any, answer: Answer | None) -> None:
        if self.open and not self.half_open:
            if event == "chat-message" and isinstance(payload.get("n"), int):
                self.world.noted(payload.get("st", ""), payload["n"], f"at process {self.server.name}")
            if event in ENDS:
                self.world.given_up.add(payload.get("session", ""))
            self.inbox.append((event, payload, answer))
            if self.worker is None:
                self.worker = self.server.spawn(self._work(), "connection")

    def page_closed(self) -> None:
        """The page closed its socket; a half-open link does not tell."""
        if not self.half_open:
            self.up.send(self._ended)

    def cut(self) -> None:
        """From now on nothing arrives in either direction, and nobody is told."""
        if self.open and not self.half_open:
            self.half_open = True
            self.world.loop.call_later(PING_S, self._ended)

    def process_died(self) -> None:
        self.open = False
        if not self.half_open:
            self.down.send(self.link.broken, self)

    async def _work(self) -> None:
        try:
            while self.inbox:
                await self._serve(*self.inbox.popleft())
        finally:
            self.worker = None
            if not self.open:
                self._tell()

    async def _serve(self, event: str, payload: Any, answer: Answer | None) -> None:
        try:
            async with asyncio.timeout(0 if self.given_up else None):
                await self.server.door(self, event, payload, self._reply(answer) if answer else None)
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            if not self.given_up or not self.server.machine.alive:
                raise

    def _reply(self, answer: Answer) -> Callable[[Mapping[str, object]], None]:
        def reply(payload: Mapping[str, object]) -> None:
            copy = json.loads(json.dumps(payload))
            self._to_page(lambda: answer(copy))

        return reply

    def _to_page(self, call: Callable[[], None]) -> None:
        if self.open and not self.half_open:
            self.down.send(self._delivered, call)

    def _delivered(self, call: Callable[[], None]) -> None:
        if self.link.connection is self and not self.half_open:
            call()


class SimLink:
    """The page's end: a ``page.Link`` to whichever process answers."""

    def __init__(self, world: World, name: str, pick: Pick) -> None:
        self.world, self.name, self.pick = world, name, pick
        self.page: HeadlessPage
        self.connection: SimConnection | None = None
        self.allowed = True  # the network is there

    def open(self) -> None:
        self.close()
        server = self.pick() if self.allowed else None
        if server is None:
            self.world.loop.call_later(REFUSED_S, self._refused)
            return
        connection = SimConnection(self.world, server, self)
        connection.down.send(self._opened, connection)
        self.connection = connection

    def _refused(self) -> None:
        if self.connection is None and not self.page.stopped:
            self.page.closed()

    def _opened(self, connection: SimConnection) -> None:
        if self.connection is connection and connection.open:
            self.page.opened()

    def broken(self, connection: SimConnection) -> None:
        if self.connection is connection:
            self.connection = None
            if not self.page.stopped:
                self.page.closed()

    def emit(self, event: str, payload: dict[str, Any], answer: Answer | None = None) -> None:
        if self.connection is not None:
            self.connection.send(event, payload, answer)

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.page_closed()
