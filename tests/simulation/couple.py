"""Two people, two processes and everything that can go wrong; and the checker that must find nothing.

The processes run the real delivery, matching, joining and handlers; the people are ``citychat.client``. What is
simulated is the world between them: engines, wires, time.
"""

import asyncio
from collections.abc import Sequence

from citychat.client.entries import key_of
from citychat.model import PENDING
from tests.simulation.ground import CONSENT, Ground, SimServer, Wrong
from tests.simulation.lobbies import Embedded, MakeStand
from tests.simulation.outages import AWAY_S, OUTAGES, STRETCH, rough_up
from tests.simulation.person import STORAGE_S, Person
from tests.support.virtual_time import VirtualLoop

KINDS = (
    "kill", "kill", "cut", "cut", "reload", "reload", "reloads", "tab", "away", "offline", "mailbox", "history", "long",
    "full", "slow storage", "crash", "date",
)  # fmt: skip
SLOW_STORAGE_S = 2.0  # of a browser whose windows are busy
TAKEOVERS = 12
RETURNS = 5
LATES = 6
PATIENCE_S = 60.0  # for a hole (protocol §2.5.2)
SETTLE_S = 240.0  # after the last fault: the longest backoff and mailbox retry are 30 s each


class Couple(Ground):
    """One run; ``kinds`` are the faults to choose from, the more often named the more often chosen; ``stretch``: how
    many times longer everything lasts, what is said and what goes wrong being as much."""

    def __init__(
        self,
        loop: VirtualLoop,
        seed: int,
        kinds: Sequence[str] = KINDS,
        stand: MakeStand = Embedded,
        stretch: float = 1.0,
    ) -> None:
        super().__init__(loop, seed, stand=stand)
        self.kinds, self.stretch = kinds, stretch
        self.served = bool(set(kinds) & set(OUTAGES))
        self.left = False
        self.people = [Person(self, "A", CONSENT), Person(self, "B", CONSENT)]

    # -- faults -------------------------------------------------------------------------------------------------------

    def fault(self) -> None:
        kind, person = self.random.choice(self.kinds), self.random.choice(self.people)
        self.faults[kind] += 1
        self.trace("FAULT", kind, person.name)
        if kind in OUTAGES:
            OUTAGES[kind](self)
        else:
            getattr(self, f"_{kind.replace(' ', '_')}")(person)

    def _kill(self, person: Person) -> None:
        self.kill_server(self.random.randrange(2), self.random.uniform(0.5, 5) * self.stretch)

    def _cut(self, person: Person) -> None:
        self.cut(person)

    def _reload(self, person: Person) -> None:
        if person.pages:
            person.close_pages()
            self.loop.call_later(0.2, person.open_page)

    def _reloads(self, person: Person) -> None:
        if person.pages:
            person.reload(self.random.randint(2, 5))

    def _tab(self, person: Person) -> None:
        if person.pages:
            person.open_page()

    def _away(self, person: Person, least_s: float = 1, most_s: float = 20) -> None:
        person.close_pages()
        self.loop.call_later(self.random.uniform(least_s, most_s) * self.stretch, person.return_home)

    def _long(self, person: Person) -> None:
        self._away(person, 60, 300)

    def _offline(self, person: Person) -> None:
        self.network(person, False)
        self.loop.call_later(self.random.uniform(1, 30) * self.stretch, self.network, person, True)

    def _date(self, person: Person) -> None:
        self.set_date(person)

    def _full(self, person: Person) -> None:
        """The browser's storage takes nothing that is longer than what it has, for a while (protocol §2.3)."""
        person.browser.fill()
        self.loop.call_later(self.random.uniform(1, 30) * self.stretch, setattr, person.browser, "room", None)

    def _slow_storage(self, person: Person) -> None:
        """Windows see what others have written seconds later: nothing that was written comes back, or is lost."""
        person.slowest_storage_s = SLOW_STORAGE_S
        self.loop.call_later(self.random.uniform(1, 30), setattr, person, "slowest_storage_s", STORAGE_S)

    def _crash(self, person: Person) -> None:
        """The browser is killed between two writes, or in one: the page that comes next goes on with what is whole."""
        person.say()
        self.loop.call_later(self.random.uniform(0, STORAGE_S), person.crash)
        self.loop.call_later(self.random.uniform(0.1, 5), person.return_home)

    def _mailbox(self, person: Person) -> None:
        self.world.mailbox_up = False
        self.loop.call_later(self._outage_s(), setattr, self.world, "mailbox_up", True)

    def _history(self, person: Person) -> None:
        self.world.history_up = False
        self.loop.call_later(self._outage_s(), setattr, self.world, "history_up", True)

    def _outage_s(self) -> float:
        return self.random.uniform(0.5, AWAY_S) * self.stretch

    # -- the run ------------------------------------------------------------------------------------------------------

    async def run(self, secs: float, faults_a_second: float, leaves: bool) -> None:
        await self.meet()
        if self.served:
            rough_up(self)
        self.world.loss = self.random.choice([0, 0.01, 0.05])
        secs *= self.stretch
        self.plan(secs, 0.5 * self.stretch, lambda: self.random.choice(self.people).say())
        self.plan(secs, self.stretch / faults_a_second, self.fault)
        if leaves:
            self.loop.call_later(self.random.uniform(secs / 4, secs), self._leave)
        await asyncio.sleep(secs)
        await self.settle()
        self.check_end()

    async def meet(self) -> None:
        """Both come, look for each other and talk."""
        self.start_servers()
        for person in self.people:
            person.looking = True
            person.open_page()
        await self.until(lambda: all(person.talks for person in self.people), 60, "the two never met")

    def _leave(self) -> None:
        """One leaves in mid-flight; both look again, and go on talking in a new chat."""
        person = self.random.choice(self.people)
        if person.page:
            self.trace(person.name, "LEAVES")
            self.left = True
            person.page.leave()
            for other in self.people:
                self.loop.call_later(self.random.uniform(1, 10), other.find_someone)

    async def settle(self) -> None:
        """Everything works again; then both load their page afresh, so that what they see is what was kept."""
        self.well()
        await asyncio.sleep(SETTLE_S + 60)
        for person in self.people:
            self.check_page(person)
        for person in self.people:
            person.close_pages()
            person.open_page()
        await asyncio.sleep(SETTLE_S)

    # -- the checker --------------------------------------------------------------------------------------------------

    def check_page(self, person: Person) -> None:
        """The page has drawn what the history holds of the partner's words, without a reload."""
        page = person.page
        if page is None or not page.joined:
            raise Wrong(f"{person.name} is not joined")
        side = page.outbox.side_in(page.outbox.running)
        for row in self.world.rows(page.outbox.running):
            if side is not None and row.side != side and row.number > page.outbox.drawn.last(row.stream):
                raise Wrong(f"{person.name}'s page never got {row.text}, and the history holds it")

    def check_end(self) -> None:
        """Nobody is stuck, nothing acknowledged is missing, and what both see is what the history holds."""
        self.check_kept()
        if not self.left and any(row.ended not in (None, PENDING) for row in self.world.sessions.values()):
            raise Wrong("M12: a chat has ended, and nobody has left it")
        if self.world.sessions:
            self.check_transcripts(list(self.world.sessions)[-1])  # begun last; its date is of some process's clock
        if self.wrong:
            raise Wrong(self.wrong.pop())

    def check_transcripts(self, s: str) -> None:
        """Of the chat on screen: both transcripts equal, and equal to the history; what is marked as not sent, or
        was read after the end, aside."""
        for person in self.people:
            states, side = person.screen.states, person.here.outbox.side_in(s)
            texts = [row.text for row in self.world.rows(s, side)][-50:]
            untold = {(s, side, *key) for key in states} & self.world.after_end
            rows = [row for row in person.shown() if row["session"] == s and (s, side, *key_of(row)) not in untold]
            shown = [row["text"] for row in rows if states.get(key_of(row), "stored") in ("stored", "delivered")]
            if texts and shown[-len(texts) :] != texts:
                raise Wrong(f"{person.name} sees {shown}, the history has {texts}")


class Windows(Couple):
    """One talks, the other opens window after window, over a disk that is slow to write and slow to read.

    What one window has drawn is committed while the next is joining and has read the history without it: there the
    fence matters. Each takeover is checked by itself, because the next one would heal it.
    """

    def __init__(self, loop: VirtualLoop, seed: int) -> None:
        super().__init__(loop, seed)
        self.world.commit_s, self.world.read_s = 2.0, 0.3  # a join reads some five times: 1 s

    async def take_over(self) -> None:
        await self.meet()
        reader, writer = self.random.sample(self.people, 2)
        for _ in range(TAKEOVERS):
            writer.say()
            await asyncio.sleep(self.random.uniform(0.1, 0.5))  # drawn and acked, by the window that is here
            self._tab(reader)
            await asyncio.sleep(8)  # the 3 s to the mailbox, and the slowest join
            self.check_page(reader)
        await self.settle()
        self.check_end()


class Lates(Couple):
    """One process alone does not reach the broker, and one message of a guest there never arrives over the bus. What
    follows it does, so its reader gives it up after a minute; around that moment it is stored, and has a tick. It must
    still be drawn, also by a page that was reloaded meanwhile, over a disk that is quick or takes seconds."""

    late = True

    def __init__(self, loop: VirtualLoop, seed: int) -> None:
        super().__init__(loop, seed)
        self.world.commit_s = self.random.choice([0.01, 8.0])

    async def come_late(self) -> None:
        await self.meet()
        for _ in range(LATES):
            reader, writer = self.random.sample(self.people, 2)
            server = await self._apart(reader, writer)
            server.mailbox.reachable = False
            server.bus.unlucky = {f"{writer.name}{len(writer.said)}"}
            writer.say()
            await asyncio.sleep(self.random.uniform(0, 5))
            writer.say()
            await asyncio.sleep(self.random.uniform(PATIENCE_S - 10, PATIENCE_S + 20))
            server.mailbox.reachable = True
            if self.random.random() < 0.3:
                self._reload(reader)
            await asyncio.sleep(60)  # what is tried again every 30 s, and a slow disk twice
            server.bus.unlucky.clear()
            self.check_page(reader)
            self._check_shown(reader, writer)
        await self.settle()
        self.check_end()

    async def _apart(self, reader: Person, writer: Person) -> SimServer:
        """The writer's process, which is not the reader's."""
        while (server := self.server_of(writer)) is None or server is self.server_of(reader):
            self._reload(writer)
            await asyncio.sleep(5)
        return server

    def _check_shown(self, reader: Person, writer: Person) -> None:
        texts = {row["text"] for row in reader.screen.rows}
        if missing := set(writer.said) - texts:
            raise Wrong(f"{reader.name}'s page does not show {sorted(missing)}")


class Returns(Couple):
    """One goes, the other has a tick for what it says meanwhile; then the broker is away, for up to two minutes, while
    the first one comes back and hears the next message over the bus: what has a tick must still come."""

    async def come_back(self) -> None:
        await self.meet()
        for _ in range(RETURNS):
            reader, writer = self.random.sample(self.people, 2)
            reader.close_pages()
            await asyncio.sleep(self.random.uniform(0.5, 20))
            writer.say()
            await asyncio.sleep(self.random.uniform(0.1, 8))
            OUTAGES["broker"](self)
            await asyncio.sleep(self.random.uniform(0, 5))
            reader.return_home()
            await asyncio.sleep(self.random.uniform(1, 10))
            writer.say()
            await asyncio.sleep(STRETCH * AWAY_S + 60)  # the longest outage, and what is tried again every 30 s
            self.check_page(reader)
        await self.settle()
        self.check_end()
