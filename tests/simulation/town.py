"""A town of two people, two processes and everything that can go wrong; and the checker that must find nothing.

The processes run the real delivery, matching, joining and handlers; the people are ``citychat.page``. What is simulated
is the world between them: engines, wires, time.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from citychat.adapters.local import LocalLobby
from citychat.gazetteer import Gazetteer
from citychat.model import Message
from citychat.outbox import WRITER, Row
from citychat.page import Page
from citychat.places import Places
from citychat.process import Process, Rules
from citychat.tasks import Tasks, described
from citychat.tokens import Key, Keys
from tests.simulation.engines import Machine, SimBus, SimHistory, SimMailbox, SlowLobby, World
from tests.simulation.loop import SimClock, VirtualLoop
from tests.simulation.wire import SimConnection, SimLink

CONSENT = "1"
KINDS = ("kill", "kill", "cut", "cut", "reload", "reload", "tab", "away", "offline", "mailbox", "history", "long")
GAZETTEER = Gazetteer()
KEYS = Keys(Key("k", bytes(range(32))))
SETTLE_S = 240.0  # after the last fault: the longest backoff and mailbox retry are 30 s each
RULES = Rules(consent=CONSENT, contact="", history_ms=30 * 86_400_000, message_burst=40, message_rate=5.0,
              guests_per_hour=100)  # fmt: skip


class Wrong(AssertionError):
    """A promise was broken; the text says which, and of which message."""


class Server:
    """A process and the machine it runs on."""

    def __init__(self, town: "Town", name: str) -> None:
        world = town.world
        self.name, self.world, self.machine = name, world, Machine()
        self.connections: dict[SimConnection, None] = {}
        self.tasks = Tasks()
        clock = SimClock(world.loop, self.machine.runs)
        self.process = Process(
            name=name,
            bus=SimBus(world, self.machine),
            mailbox=SimMailbox(world, self.machine),
            history=SimHistory(world, self.machine),
            lobby=SlowLobby(world, town.lobby),
            clock=clock,
            random=world.random,
            tasks=self.tasks,
            keys=KEYS,
            places=Places(GAZETTEER, lambda address: None),
            gazetteer=GAZETTEER,
            rules=RULES,
        )
        self.process.start()

    async def door(
        self, page: SimConnection, event: str, payload: object, reply: Callable[[Mapping[str, object]], None] | None
    ) -> None:
        self.connections[page] = None
        await self.process.door(page, event, payload, reply)

    def closed(self, page: SimConnection) -> None:
        self.connections.pop(page, None)
        self.process.joining.closed(page)

    def spawn(self, coroutine: Any, name: str) -> object:
        return self.tasks.spawn(coroutine, name)

    def kill(self) -> None:
        """kill -9: the broker and the other side see the sockets close, nothing else happens any more."""
        self.machine.alive = False
        self.tasks.cancel()
        world = self.world
        for guest, here in world.subscriptions.items():
            world.subscriptions[guest] = [other for other in here if other.machine is not self.machine]
        for queue in world.queues.values():
            for consumer in [other for other in queue.consumers if other.machine is self.machine]:
                SimMailbox(world, self.machine).requeue(consumer)
        for connection in self.connections:
            connection.process_died()


class Screen:
    """What one page has shown, in the order it was shown."""

    def __init__(self, person: "Person") -> None:
        self.person = person
        self.rows: list[Row] = []
        self.states: dict[tuple[str, int], str] = {}

    def draw(self, row: Row, state: str) -> None:
        self.person.town.trace(self.person.name, "draws", row["st"][:4], row["n"], row["x"], state)
        self.rows.append(row)
        if state:
            self.states[row["st"], row["n"]] = state
        self.person.town.check_drawn(self, row)

    def mark(self, s: str, st: str, n: int, state: str, why: str) -> None:
        self.person.town.trace(self.person.name, "sees", st[:4], n, state, why)
        self.states[st, n] = state
        self.person.town.check_mark(self.person, s, st, n, state)

    def said(self, event: str, payload: Mapping[str, Any]) -> None:
        self.person.town.trace(self.person.name, "hears", event, payload.get("ok", ""), payload.get("error", ""))
        self.person.heard(event, payload)


class Person:
    """Somebody with one browser: a storage, pages that come and go, and things to say."""

    def __init__(self, town: "Town", name: str) -> None:
        self.town, self.name = town, name
        self.storage: dict[str, str] = {}
        self.said: list[str] = []
        self.looking = False
        self.network = True
        self.pages: list[Page] = []

    @property
    def page(self) -> Page | None:
        """The one that writes, else the newest: of two windows the one that was answered last has taken over."""
        pages = [page for page in self.pages if page.id == self.storage.get(WRITER)] or self.pages
        return pages[-1] if pages else None

    @property
    def screen(self) -> Screen:
        assert self.page is not None and isinstance(self.page.screen, Screen)
        return self.page.screen

    def open_page(self) -> None:
        """A new page (a reload, a second window, a return); it takes over."""
        link = SimLink(self.town.world, self.name, self.town.pick)
        link.allowed = self.network
        clock = SimClock(self.town.world.loop, lambda call: call())
        page = Page(link, Screen(self), self.storage, clock, self.town.random, consent=CONSENT)
        link.page = page
        page.looking = self.looking
        self.pages.append(page)
        page.start()

    def return_home(self) -> None:
        if not self.pages:
            self.open_page()

    def close_pages(self) -> None:
        for page in self.pages:
            page.stop()
        self.pages.clear()

    def heard(self, event: str, payload: Mapping[str, Any]) -> None:
        if event == "user-session":
            self.looking = False
        elif event == "user-offer" and not payload["looking"] and self.page:
            self.page.answer("yes")

    def find_someone(self) -> None:
        self.looking = True
        if self.page:
            self.page.seek()

    def say(self) -> None:
        page = self.page
        text = f"{self.name}{len(self.said)}"
        if page is not None and page.outbox.compose(text, page.now) == "":
            self.said.append(text)
            self.town.trace(self.name, "says", text)

    def shown(self) -> list[Row]:
        return sorted(self.screen.rows, key=lambda row: (row["s"], row["l"], row["side"], row["st"], row["n"]))


class Town:
    """One run; ``kinds`` are the faults to choose from, the more often named the more often chosen."""

    def __init__(self, loop: VirtualLoop, seed: int, kinds: Sequence[str] = KINDS) -> None:
        self.loop, self.random, self.kinds = loop, Random(seed), kinds
        self.world = World(loop, Random(seed + 1))
        self.lines: list[str] = []
        self.world.trace = self.trace
        self.lobby = LocalLobby(SimClock(loop, lambda call: call()).wall_ms, self.random)
        self.servers: list[Server | None] = [None, None]
        self.people = [Person(self, "A"), Person(self, "B")]
        self.faults: Counter[str] = Counter()
        self.acked: dict[tuple[str, str, int], str] = {}  # (session, stream, n) -> text, once it had a tick
        self.texts: dict[tuple[str, int], str] = {}
        self.wrong: list[str] = []
        loop.set_exception_handler(self._crashed)

    def trace(self, *words: object) -> None:
        self.lines.append(f"{self.loop.now_s:9.3f}  " + " ".join(str(word) for word in words))

    def _crashed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.wrong.append(f"{context['message']}: {error!r}" + (described(error) if error else ""))

    def pick(self) -> Server | None:
        alive = [server for server in self.servers if server is not None]
        return self.random.choice(alive) if alive else None

    def start_server(self, i: int) -> None:
        self.trace("process", i, "starts")
        self.servers[i] = Server(self, f"p{i}-{self.world.number()}")

    # -- faults -------------------------------------------------------------------------------------------------------

    def fault(self) -> None:
        kind, person = self.random.choice(self.kinds), self.random.choice(self.people)
        self.faults[kind] += 1
        self.trace("FAULT", kind, person.name)
        getattr(self, f"_{kind}")(person)

    def _kill(self, person: Person) -> None:
        i = self.random.randrange(2)
        server = self.servers[i]
        if server is not None:
            self.servers[i] = None
            server.kill()
            self.loop.call_later(self.random.uniform(0.5, 5), self.start_server, i)

    def _cut(self, person: Person) -> None:
        if person.page and isinstance(person.page.link, SimLink) and person.page.link.connection:
            person.page.link.connection.cut()

    def _reload(self, person: Person) -> None:
        if person.pages:
            person.close_pages()
            self.loop.call_later(0.2, person.open_page)

    def _tab(self, person: Person) -> None:
        if person.pages:
            person.open_page()

    def _away(self, person: Person, least_s: float = 1, most_s: float = 20) -> None:
        person.close_pages()
        self.loop.call_later(self.random.uniform(least_s, most_s), person.return_home)

    def _long(self, person: Person) -> None:
        self._away(person, 60, 300)

    def _offline(self, person: Person) -> None:
        self._network(person, False)
        self.loop.call_later(self.random.uniform(1, 30), self._network, person, True)

    def _network(self, person: Person, there: bool) -> None:
        person.network = there
        for page in person.pages:
            assert isinstance(page.link, SimLink)
            page.link.allowed = there
            if not there and page.link.connection:
                page.link.connection.cut()

    def _mailbox(self, person: Person) -> None:
        self.world.mailbox_up = False
        self.loop.call_later(self.random.uniform(0.5, 8), setattr, self.world, "mailbox_up", True)

    def _history(self, person: Person) -> None:
        self.world.history_up = False
        self.loop.call_later(self.random.uniform(0.5, 8), setattr, self.world, "history_up", True)

    def end(self) -> None:
        """The world stops."""
        for person in self.people:
            person.close_pages()
        for server in self.servers:
            if server is not None:
                server.kill()

    # -- the run ------------------------------------------------------------------------------------------------------

    async def run(self, secs: float, faults_a_second: float, leaves: bool) -> None:
        for i in range(2):
            self.start_server(i)
        for person in self.people:
            person.looking = True
            person.open_page()
        await self._until(lambda: all(p.page and p.page.outbox.living for p in self.people), 60, "the two never met")
        self.world.loss = self.random.choice([0, 0.01, 0.05])
        self._plan(secs, 0.5, lambda: self.random.choice(self.people).say())
        self._plan(secs, 1 / faults_a_second, self.fault)
        if leaves:
            self.loop.call_later(self.random.uniform(secs / 4, secs), self._leave)
        await asyncio.sleep(secs)
        await self._settle()
        if self.wrong:
            raise Wrong(self.wrong.pop())
        self.check_end()

    def _plan(self, secs: float, mean_s: float, call: Callable[[], None]) -> None:
        at_s = self.random.expovariate(1 / mean_s)
        while at_s < secs:
            self.loop.call_later(at_s, call)
            at_s += self.random.expovariate(1 / mean_s)

    def _leave(self) -> None:
        """One leaves in mid-flight; both look again, and go on talking in a new chat."""
        person = self.random.choice(self.people)
        if person.page:
            self.trace(person.name, "LEAVES")
            person.page.leave()
            for other in self.people:
                self.loop.call_later(self.random.uniform(1, 10), other.find_someone)

    async def _settle(self) -> None:
        """Everything works again; then both load their page afresh, so that what they see is what was kept."""
        self.world.loss, self.world.mailbox_up, self.world.history_up = 0.0, True, True
        for person in self.people:
            self._network(person, True)
        await asyncio.sleep(SETTLE_S + 60)
        for person in self.people:
            self.check_page(person)
        for person in self.people:
            person.close_pages()
            person.open_page()
        await asyncio.sleep(SETTLE_S)

    async def _until(self, true: Callable[[], bool], patience_s: float, otherwise: str) -> None:
        for _ in range(round(patience_s * 10)):
            if true():
                return
            await asyncio.sleep(0.1)
        raise Wrong(otherwise)

    # -- the checker --------------------------------------------------------------------------------------------------

    def check_drawn(self, screen: Screen, row: Row) -> None:
        """Nothing twice, nothing before what was said before it, no gap within a day."""
        name, text = screen.person.name, row["x"]
        self.texts[row["st"], row["n"]] = text
        if row.get("k") == "gap":
            # What was on its way when the partner left comes back as not sent; a message behind it may have arrived.
            if self.world.sessions[row["s"]].ended is None:
                self.wrong.append(f"{name} sees a gap instead of {row['st']} {row['n']}")
            return
        texts = [other["x"] for other in screen.rows if other.get("k") != "gap"]
        if texts.count(text) > 1:
            self.wrong.append(f"{name} sees {text} twice")
        theirs = [int(x[1:]) for x in texts if x[0] != name]
        if text[0] != name and theirs[-2:-1] > [int(text[1:])]:
            self.wrong.append(f"{name} sees {text} after {text[0]}{theirs[-2]}")

    def check_mark(self, person: Person, s: str, st: str, n: int, state: str) -> None:
        """A tick never lies, at the moment it is shown."""
        row = next((row for row in self.world.rows.values() if (row.s, row.st, row.n) == (s, st, n)), None)
        if state == "delivered" and row is None:
            self.wrong.append(f"{person.name} sees {st} {n} delivered, and the history does not hold it")
        if state == "stored" and row is None and (st, n) not in self._waiting_mail():
            self.wrong.append(f"{person.name} sees {st} {n} stored, and neither mailbox nor history holds it")
        if state in ("stored", "delivered"):
            self.acked[s, st, n] = self.texts[st, n]

    def check_page(self, person: Person) -> None:
        """The page has drawn what the history holds of the partner's words, without a reload."""
        page = person.page
        if page is None or not page.joined:
            raise Wrong(f"{person.name} is not joined")
        chat = page.outbox.chats.get(page.outbox.living)
        for row in self.world.rows.values():
            theirs = chat is not None and row.s == page.outbox.living and row.side != chat.side
            if theirs and row.n > page.outbox.seen.get(row.st, 0):
                raise Wrong(f"{person.name}'s page never got {row.x}, and the history holds it")

    def _waiting_mail(self) -> set[tuple[str, int]]:
        return {
            entry[2].key for queue in self.world.queues.values() for entry in (*queue.ready, *queue.unacked.values())
        }

    def check_end(self) -> None:
        a, b = self.people
        for person in self.people:
            page = person.page
            if page is None or not page.joined:
                raise Wrong(f"{person.name} is not joined at the end")
            stuck = [entry for entry in page.outbox.entries if entry["state"] in ("waiting", "stored")]
            if stuck:
                raise Wrong(f"{person.name} is stuck with {[entry['x'] for entry in stuck]}")
        if self._waiting_mail():
            raise Wrong(f"mail is left behind: {sorted(self._waiting_mail())}")
        for s in self.world.sessions:
            self._check_session(s, a, b)

    def _check_session(self, s: str, a: Person, b: Person) -> None:
        """Of the chat on screen: both transcripts equal and equal to the history; of any: nothing acked is missing."""
        kept = {row.x for row in self.world.rows.values() if row.s == s}
        lost = {text for key, text in self.acked.items() if key[0] == s} - kept
        if lost:
            raise Wrong(f"there were ticks for {sorted(lost)}, and they are lost")
        seen = [[row["x"] for row in person.shown() if row["s"] == s] for person in (a, b)]
        newest = max(self.world.sessions.values(), key=lambda session: session.started).id
        if s == newest:
            rows: list[Message] = sorted((r for r in self.world.rows.values() if r.s == s), key=lambda r: r.order)
            texts = [row.x for row in rows][-50:]
            for person, shown in zip((a, b), seen, strict=True):
                if shown[-len(texts) :] != texts and texts:
                    raise Wrong(f"{person.name} sees {shown}, the history has {texts}")
