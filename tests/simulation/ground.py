"""What every simulated story stands on: processes with the real code, the world between them, people, and the record of
who held which message when."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any

from msgspec.structs import replace

from citychat.client.shapes import Row
from citychat.model import PENDING, Message, Place
from citychat.places import Gazetteer, Places, Position
from citychat.ports import Engines
from citychat.server.process import Policy, Process
from citychat.server.stopping import DRAIN_S
from citychat.tasks import Tasks, described
from citychat.tokens import SigningKey, SigningKeys, Tokens
from tests.simulation.bus import SimBus
from tests.simulation.engines import Machine, SimMailbox, World
from tests.simulation.history import SimHistory
from tests.simulation.lobbies import Embedded, MakeStand, SlowLobby
from tests.simulation.person import STORAGE_S, Person
from tests.simulation.store_clocks import Comparing, OwnClock, set_apart
from tests.simulation.wire import SimConnection, SimLink
from tests.support.virtual_time import START_MS, VirtualClock, VirtualLoop

GAZETTEER = Gazetteer()
KEYS = SigningKeys(SigningKey("k", bytes(range(32))))
CONSENT = "1"
TOWNS = "network", "south"  # each is near the other
LOOK_S, TOLD_S = 0.25, 1.0  # between two looks at who is joined; until a page that was replaced must know it
RESTART_S = 2.0  # of the service manager
DATES_MS = (2_000, 60_000, 3_600_000)
POLICY = Policy(consent=CONSENT, contact="", history_ms=30 * 86_400_000, message_burst=40, message_rate=5.0,
              connections_per_address=200, guests_per_hour=100)  # fmt: skip


class Wrong(AssertionError):
    """A promise was broken; the text says which, and of which message."""


class TwoTowns(Places):
    """Whoever has a position south of the equator is in the town nearby."""

    def place(
        self, address: str, *, position: Position | None = None, chosen: str | None = None, kept: Place | None = None
    ) -> Place | None:
        placed = super().place(address, position=position, chosen=chosen, kept=kept)
        south = placed is not None and position is not None and position.lat < 0
        return replace(placed, key=TOWNS[1], city="South") if placed is not None and south else placed

    def neighbours(self, key: str) -> tuple[str, ...]:
        return tuple(other for other in TOWNS if other != key)


class SimServer:
    """A process and the machine it runs on."""

    def __init__(self, ground: "Ground", name: str) -> None:
        world = ground.world
        self.name, self.world, self.machine = name, world, Machine(world.loop, world.random)
        world.machines.append(self.machine)
        self.connections: dict[SimConnection, None] = {}
        self.bus, self.mailbox = SimBus(world, self.machine), SimMailbox(world, self.machine)
        clock = self.clock = VirtualClock(world.loop, self.machine.times)
        self.lobby = SlowLobby(world, ground.stand.lobby, self.bus, clock)
        self.history = SimHistory(world, self.machine)
        engines = Engines(self.bus, self.lobby, self.mailbox, self.history, clock, world.random)
        self.tasks = Tasks(clock, world.random)
        if ground.served:
            Comparing(world, self.bus, clock, self.tasks, partial(world.loop.call_soon, ground.end_server, self))
        self.process = Process(
            name,
            engines,
            self.tasks,
            keys=KEYS,
            places=TwoTowns(GAZETTEER, lambda address: None),
            gazetteer=GAZETTEER,
            policy=POLICY,
        )
        self.process.start()

    async def door(
        self, page: SimConnection, event: str, payload: object, reply: Callable[[Mapping[str, object]], None] | None
    ) -> None:
        self.connections[page] = None
        if (rest := self.process.door(page, event, payload, reply)) is not None:
            await rest

    def closed(self, page: SimConnection) -> None:
        self.connections.pop(page, None)
        self.process.joining.closed(page)

    def spawn(self, coroutine: Any, name: str) -> asyncio.Task[None]:
        return self.tasks.spawn(coroutine, name)

    async def drain(self) -> None:
        """SIGTERM, and then the end of the process."""
        await self.process.drain(DRAIN_S)
        self.kill()

    def kill(self) -> None:
        """kill -9: the other side sees the sockets close, the broker too or as late as it may; nothing else happens any
        more."""
        self.machine.alive = False
        self.tasks.cancel()
        world = self.world
        for guest, here in world.subscriptions.items():
            world.subscriptions[guest] = [other for other in here if other.machine is not self.machine]
        for queue in list(world.queues.values()):
            for consumer in [other for other in queue.consumers if other.machine is self.machine]:
                if world.requeue_s:
                    world.loop.call_later(world.random.uniform(0, world.requeue_s), self.mailbox.requeue, consumer)
                else:
                    self.mailbox.requeue(consumer)
        for connection in self.connections:
            connection.process_died()


class Ground:
    """``seed`` decides everything. What goes wrong meanwhile is collected in ``wrong``. ``stand`` makes the lobby.
    ``stretch``: how many times longer than usual faults last."""

    stretch = 1.0
    served = False  # by engines in the network, each with a clock of its own
    late = False  # what has no tick yet may come after its gap

    def __init__(self, loop: VirtualLoop, seed: int, processes: int = 2, stand: MakeStand = Embedded) -> None:
        self.loop, self.random = loop, Random(seed)
        self.world = World(loop, Random(seed + 1))
        self.world.trace, self.world.noted = self.trace, self.noted
        self.world.settled, self.world.refused = self.check_settled, self.check_refused
        self.stand = stand(self.world.redis_clock.wall_ms, self.random)
        self.world.forgot = self.stand.forget
        self.servers: list[SimServer | None] = [None] * processes
        self.people: list[Person] = []
        self.lines: list[str] = []
        self.journeys: dict[tuple[str, int], list[tuple[float, str]]] = {}
        self.texts: dict[tuple[str, int], str] = {}
        self.acked: dict[tuple[str, str, int], str] = {}  # (session, stream, n) -> text, once it had a tick
        self.mended = False
        self.unkept: set[str] = set()  # streams, see outlived
        self.loose: set[str] = set()  # streams, see unlinked
        self.gone: set[str] = set()  # guests, see vanished
        self.faults: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.given_up: set[tuple[str, int]] = set()  # seen as a gap before its tick, and so by a reload until it comes
        self.lacking_s: dict[SimConnection, float] = {}  # since when a joined page has no state at its process
        self.started = 0
        loop.set_exception_handler(self._crashed)

    # -- the record ---------------------------------------------------------------------------------------------------

    def trace(self, *words: object) -> None:
        self.lines.append(f"{self.loop.now_s:9.3f}  " + " ".join(str(word) for word in words))

    def noted(self, stream: str, number: int, where: str) -> None:
        self.journeys.setdefault((stream, number), []).append((self.loop.now_s, where))

    def told(self) -> list[str]:
        """The trace, and below it the way of each message."""
        lines = [*self.lines, "", "Who held which message when:"]
        for (stream, number), steps in self.journeys.items():
            lines.append(f"{self.texts.get((stream, number), '?')} ({stream[:4]} {number})")
            lines.extend(f"{at_s:9.3f}  {where}" for at_s, where in steps)
        return lines

    def _crashed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error, task = context.get("exception"), context.get("task")
        if task is not None and task.cancelling():
            return  # it died with its process, in the middle of tidying up
        self.wrong.append(f"{context['message']}: {error!r}" + (described(error) if error else ""))

    # -- processes and people -----------------------------------------------------------------------------------------

    def pick(self) -> SimServer | None:
        alive = [server for server in self.servers if server is not None]
        return self.random.choice(alive) if alive else None

    def start_server(self, i: int) -> None:
        self.trace("process", i, "starts")
        self.started += 1
        self.servers[i] = SimServer(self, f"p{i}-{self.started}")

    def start_servers(self) -> None:
        if self.served:
            set_apart(self.world, self.random)
        for i in range(len(self.servers)):
            self.start_server(i)
        self.look_s = LOOK_S
        self._look()

    def kill_server(self, i: int, back_s: float) -> None:
        server, self.servers[i] = self.servers[i], None
        if server is not None:
            self.trace("process", i, "is killed")
            server.kill()
            self.loop.call_later(back_s, self.start_server, i)

    def end_server(self, server: SimServer) -> None:
        """It ends by itself, and is started again."""
        if server in self.servers:
            self.kill_server(self.servers.index(server), RESTART_S)

    def well(self) -> None:
        """Every fault is over."""
        self.mended = True
        world = self.world
        world.loss = world.rough = world.requeue_s = 0.0
        world.mailbox_up = world.history_up = world.reads_up = world.redis_up = True
        for clock in world.store_clocks:
            self.set_store_clock(clock, clock.usual_ms)
        for server in self.servers:
            if server is not None:
                server.machine.thaw()
                server.clock.ahead_ms = 0
                server.mailbox.reachable = True
                server.history.link.well()
                server.bus.unlucky.clear()
        for person in self.people:
            self.network(person, True)
            person.browser.room, person.slowest_storage_s, person.clock.ahead_ms = None, STORAGE_S, 0
            person.return_home()

    def set_store_clock(self, clock: OwnClock, ahead_ms: int) -> None:
        """Somebody sets the clock of a store."""
        self.trace("a store's clock is set by", ahead_ms - clock.ahead_ms)
        clock.ahead_ms = ahead_ms

    def gone_back(self) -> None:
        """The lobby holds what it held a while ago."""
        self.trace("the lobby goes back")

    def network(self, person: Person, there: bool) -> None:
        person.network = there
        for page in person.pages:
            assert isinstance(page.link, SimLink)
            page.link.allowed = there
            if not there and page.link.connection:
                page.link.connection.cut()

    def set_date(self, person: Person) -> None:
        """Somebody sets the clock of a person's machine, wrong or right: nothing is sent later, given up earlier or
        ordered otherwise for it (protocol §2.3, Time)."""
        person.clock.ahead_ms = self.random.choice((-1, 0, 1)) * self.random.choice(DATES_MS)

    def server_of(self, person: Person) -> SimServer | None:
        """The process that somebody's page is joined at."""
        page = person.page
        if page is None or not page.joined or not isinstance(page.link, SimLink) or page.link.connection is None:
            return None
        return next((each for each in self.servers if each is page.link.connection.server), None)

    def cut(self, person: Person) -> None:
        """The link is dead, and nobody is told."""
        if person.page and isinstance(person.page.link, SimLink) and person.page.link.connection:
            person.page.link.connection.cut()

    def end(self) -> None:
        """The world stops."""
        for person in self.people:
            person.close_pages()
        for server in self.servers:
            if server is not None:
                server.kill()

    def plan(self, secs: float, mean_s: float, call: Callable[[], object]) -> None:
        """Call it again and again, at random moments, for so long."""
        self._next(self.loop.now_s + secs, mean_s, call)

    def _next(self, until_s: float, mean_s: float, call: Callable[[], object]) -> None:
        at_s = self.loop.now_s + self.random.expovariate(1 / mean_s)
        if at_s < until_s:
            self.loop.call_at(at_s, self._planned, until_s, mean_s, call)

    def _planned(self, until_s: float, mean_s: float, call: Callable[[], object]) -> None:
        call()
        self._next(until_s, mean_s, call)

    async def until(self, true: Callable[[], bool], patience_s: float, otherwise: str) -> None:
        for _ in range(round(patience_s * 10)):
            if true():
                return
            await asyncio.sleep(0.1)
        raise Wrong(otherwise)

    def outlived(self, streams: Iterable[str]) -> None:
        """A page is gone whose browser has perhaps not kept the newest of these. What has no tick then may be lost
        (protocol §2.3, §2.7), and leaves a gap. What has a tick is held to all promises."""
        self.unkept.update(streams)
        self.unlinked(streams)

    def unlinked(self, streams: Iterable[str]) -> None:
        """The page that comes next may not know yet that these were written, so its first message links to none of
        them (protocol §2.1, §2.3). Each is in order, and none against another one."""
        self.loose.update(streams)

    def vanished(self, token: str) -> None:
        """A page is gone whose browser keeps nothing, and with it its guest: what waits for that one waits for nobody,
        and what it had said without a tick is lost."""
        if claims := Tokens(KEYS, self.now_ms).read(token):
            self.gone.add(claims.guest)

    def now_ms(self) -> int:
        return START_MS + round(self.loop.now_s * 1_000)

    # -- the checker --------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self.check_joined()
        self.loop.call_later(self.look_s, self._look)

    def check_joined(self) -> None:
        """A page that is joined, over a link that works, has all its state at its process (protocol §2.5.1). One that
        was replaced is told so at once."""
        links = [(person, page) for person in self.people for page in person.pages if page.joined]
        lacks = {}
        for person, page in links:
            assert isinstance(page.link, SimLink)
            connection = page.link.connection
            if connection and connection.works and (what := self._lacks(connection)):
                lacks[connection] = f"{person.name} is joined, and {what}"
        for connection, wrong in lacks.items():
            since_s = self.lacking_s.setdefault(connection, self.loop.now_s)
            if self.loop.now_s - since_s > TOLD_S:
                self.wrong.append(wrong)
        self.lacking_s = {connection: since for connection, since in self.lacking_s.items() if connection in lacks}

    def _lacks(self, connection: SimConnection) -> str:
        """What the process of a joined page does not have of it, "" when all is there."""
        server = next((one for one in self.servers if one is not None and one is connection.server), None)
        if server is None:
            return "its process is gone"
        registry = server.process.registry
        client = registry.by_page.get(connection)
        if client is None or not client.here or registry.find(client.guest) is not client:
            return "its process does not know it"
        if client.endpoint.closed:
            return "its endpoint is closed"
        return "" if client.subscription in server.bus.wanted else "nothing that is published reaches it"

    def check_drawn(self, person: Person, rows: list[Row], row: Row) -> None:
        """Nothing twice, nothing before what was said before it, no gap within a day."""
        name, text = person.name, row["text"]
        if row.get("kind") == "gap":
            places = [(row["stream"], n) for n in range(row["number"], (row.get("to") or row["number"]) + 1)]
            told = [place for place in places if (row["session"], *place) in self.acked]
            if lost := [place for place in told if place not in self.given_up]:
                self.wrong.append(f"{name} sees a gap over {lost}, which have a tick")
            self.given_up.update(place for place in places if place not in told)
            # What was on its way when the partner left comes back as not sent; a message behind it may have arrived.
            if self.world.sessions[row["session"]].ended is None and not self._may_be_late(row):
                self.wrong.append(f"{name} sees a gap instead of {row['stream']} {row['number']}")
            return
        if not text or (self.late and row.get("kind") == "late"):
            return
        texts = [other["text"] for other in rows if other["text"] and other["session"] == row["session"]]
        if texts.count(text) > 1:
            self.wrong.append(f"{name} sees {text} twice")
        if row["stream"] in self.loose:
            texts = [other["text"] for other in rows if other["text"] and other["stream"] == row["stream"]]
        theirs = [int(x[1:]) for x in texts if x[0] == text[0]]
        if text[0] != name and theirs[-2:-1] > [int(text[1:])]:
            self.wrong.append(f"{name} sees {text} after {text[0]}{theirs[-2]}")

    def _may_be_late(self, row: Row) -> bool:
        return self.late or row["stream"] in self.unkept

    def check_mark(self, person: Person, session: str, stream: str, number: int, state: str) -> None:
        """A tick never lies, at the moment it is shown."""
        row = self.world.row(session, stream, number)
        if state == "delivered" and (row is None or row.kind == "gap"):
            self.wrong.append(f"{person.name} sees {stream} {number} delivered, and the history does not hold it")
        if state == "delivered":
            self.check_told(person, session, stream, number)
        if state == "stored" and row is None and (stream, number) not in self.waiting_mail():
            self.wrong.append(f"{person.name} sees {stream} {number} stored, and neither mailbox nor history holds it")
        if state in ("stored", "delivered"):
            self.acked[session, stream, number] = self.texts[stream, number]

    def check_told(self, person: Person, session: str, stream: str, number: int) -> None:
        """After the end nobody learns that the other one has read (protocol §2.2)."""
        if any((session, side, stream, number) in self.world.after_end for side in (0, 1)):
            self.wrong.append(f"{person.name} sees {stream} {number} delivered, which was read after the end")

    def check_settled(self, message: Message) -> None:
        """The mailbox lets go of nothing that the history does not have: a gap in its place is not it."""
        row = self.world.row(message.session, *message.key)
        if row is None or row.kind == "gap":
            self.wrong.append(f"{message.text} was acked in the mailbox, and the history does not hold it")

    def check_refused(self, session: str, process: str) -> None:
        """A message is refused for good only where its chat is over: in one of the stores, or by a member's word that
        is on its way there."""
        row = self.world.sessions.get(session)
        in_lobby = session in {visitor.session for visitor in self.stand.books.people.values()}
        in_history = row is not None and row.ended is None and not self.world.apart(row.members)
        if in_lobby and in_history and session not in self.world.given_up:
            self.wrong.append(f"{process} refuses what is said in a chat that runs in both stores")

    def check_met(self, session: str) -> None:
        """A page is told of a chat that both stores have agreed on."""
        row = self.world.sessions.get(session)
        if row is None or row.ended == PENDING:
            self.wrong.append("M11: a page is told of a session that the history has not confirmed")

    def waiting_mail(self, for_the_gone: bool = True) -> set[tuple[str, int]]:
        """What the mailboxes hold. Mail of a session that came to nothing stays there for its 24 hours."""
        queues = [queue for guest, queue in self.world.queues.items() if for_the_gone or guest not in self.gone]
        entries = (entry for queue in queues for entry in (*queue.ready, *queue.unacked.values()))
        return {entry.message.key for entry in entries if entry.message.session in self.world.sessions}

    def _is_with_gone(self, session: str) -> bool:
        row = self.world.sessions.get(session)
        return row is not None and not self.gone.isdisjoint(row.members)

    def check_kept(self) -> None:
        """At the end: nobody is stuck, no mail is left behind, nothing with a tick is lost."""
        for person in self.people:
            page = person.page
            if page is None or not page.joined:
                raise Wrong(f"{person.name} is not joined at the end")
            entries, running = page.outbox.entries, page.outbox.running
            awaits = running and not self._is_with_gone(running)
            stuck = [entry for entry in entries.in_state("stored") if awaits and entry["session"] == running]
            stuck += entries.in_state("waiting")
            if stuck:
                raise Wrong(f"{person.name} is stuck with {[entry['text'] for entry in stuck]}")
        if left := self.waiting_mail(for_the_gone=False):
            raise Wrong(f"mail is left behind: {sorted(left)}")
        waiting = {self.texts[key] for key in self.waiting_mail()}
        for s in self.world.sessions:
            kept = {row.text for row in self.world.rows(s)} | waiting
            lost = {text for key, text in self.acked.items() if key[0] == s} - kept
            if lost:
                raise Wrong(f"there were ticks for {sorted(lost)}, and they are lost")
