"""Two processes over one lobby, one bus and one SQLite file, and pages that note what they are told; in virtual time.

Everything is the real thing. ``Line`` stands between a process and a store and can be cut, before or after the step.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from msgspec.structs import replace

from citychat.adapters.memory import MemoryBus, MemoryLobby
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.delivery import Delivery, Endpoint
from citychat.joining.bus_dispatch import BusDispatch, BusListener
from citychat.joining.presence import Presence
from citychat.matching import Matching
from citychat.model import Cell, Guest, Place, Session, Unavailable
from citychat.ports import Bus, BusEvent, Engines, Entry, GuestStatus, History, Lobby, Mailbox, Timer
from citychat.registry import Client, MatchState, Registry
from citychat.tasks import Tasks
from tests.support.patience import PATIENCE_S

START_MS = 1_700_000_000_000
LYON = Place("lyon", "Lyon", "FR", "chosen", Cell(2288, 242))
PARIS = Place("paris", "Paris", "FR", "chosen", Cell(2442, 117))
HISTORY_MS = 30 * 86_400_000


class _Select(selectors.SelectSelector):
    """Waits for the database when it works, else lets virtual time pass."""

    loop: "Loop"

    def select(self, timeout: float | None = None) -> list[Any]:
        # A scene that waits for ever spins through virtual time, where the suite's own timeout cannot stop it.
        assert time.monotonic() < self.loop.until_s, "the scene does not end"
        if timeout is None or (timeout > 0 and self.loop.works()):
            found = super().select(PATIENCE_S)
            assert found, "nothing left to do, and somebody still waits"
            return found
        if timeout > 0:
            self.loop.now_s += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _Select()
        selector.loop = self
        self.now_s = 0.0
        self.until_s = time.monotonic() + PATIENCE_S
        self.works: Callable[[], bool] = lambda: False
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


class Clock:
    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def wall_ms(self) -> int:
        return START_MS + round(self._loop.time() * 1000)

    def monotonic_s(self) -> float:
        return self._loop.time()

    def later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_later(delay_s, call)


class Line:
    """One process's way to a store. ``away``: the steps that fail; ``mute``: those that are done, but not answered.
    Those of a history are named with their store: ``sessions.begin``."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.away: set[str] = set()
        self.mute: set[str] = set()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return self.way(name, getattr(self._store, name))

    def way(self, name: str, step: Any) -> Any:
        """The way to a step, or to one of the stores of a history."""
        if asyncio.iscoroutinefunction(step):
            return partial(self.call, name, step)
        return step if callable(step) else _LineToStore(self, name, step)

    async def call(self, name: str, step: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        self.calls.append(name)
        if self.away & {name, "all"}:
            raise Unavailable
        answer = await step(*args)
        if name in self.mute:
            raise Unavailable
        return answer


class _LineToStore:
    def __init__(self, line: Line, name: str, store: object) -> None:
        self._line, self._name, self._store = line, name, store

    def __getattr__(self, name: str) -> Any:
        return self._line.way(f"{self._name}.{name}", getattr(self._store, name))


class LossyBus:
    """A process's bus; ``lost`` decides which of its records nobody gets."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus
        self.lost: Callable[[BusEvent], bool] = lambda record: False
        self.listen, self.unlisten, self.listeners = bus.listen, bus.unlisten, bus.listeners

    def publish(self, guest: str, record: BusEvent, published: Callable[[int], None] | None = None) -> None:
        if not self.lost(record):
            self._bus.publish(guest, record, published)


class Page:
    """What one page was told, in order."""

    address = "127.0.0.1"

    def __init__(self, town: "Town", process: "Process", guest: str) -> None:
        self.town, self.process, self.guest = town, process, guest
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.open, self.closed = True, ""
        self.epoch = 0
        self.subscription: object = None

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        self.told.append((event, dict(payload)))

    def close(self, why: str) -> None:
        self.closed = self.closed or why

    def events(self, name: str) -> list[dict[str, Any]]:
        return [payload for event, payload in self.told if event == name]

    def last(self, name: str) -> dict[str, Any]:
        return self.events(name)[-1]

    @property
    def client(self) -> Client:
        return self.process.client(self.guest)

    @property
    def matching(self) -> Matching:
        return self.process.matching

    async def seek(self) -> str:
        state, then = await self.matching.seek(self.client)
        then()
        return state

    async def yes(self, offer: str = "") -> None:
        (await self.matching.accept(self.client, offer or self.last("user-offer")["offer"]))()

    async def no(self, offer: str = "") -> None:
        await (await self.matching.decline(self.client, offer or self.last("user-offer")["offer"]))

    async def leave(self) -> None:
        task = await self.process.sessions.leave(self.client, self.session)
        if task is not None:
            await task

    @property
    def session(self) -> str:
        return str(self.last("user-session")["session"])

    async def leaves(self) -> None:
        """The socket closes."""
        self.open = False
        self.process.bus.unlisten(self.subscription)
        client = self.process.registry.by_page.get(self)
        if client is not None:
            self.process.registry.remove(self.guest, self.epoch)
            await client.delivery.close()
        await self.matching.left(self.guest, self.epoch)

    async def where(self) -> GuestStatus:
        return (await self.town.lobby.status([self.guest]))[0]


class Process:
    def __init__(self, town: "Town", name: str) -> None:
        self.town, self.name = town, name
        self.lobby, self.history = Line(town.lobby), Line(town.history)
        self.bus = LossyBus(town.bus)
        self.tasks = Tasks(town.clock, town.random)
        lobby, history, bus = cast(Lobby, self.lobby), cast(History, self.history), cast(Bus, self.bus)
        engines = self.engines = Engines(bus, lobby, cast(Mailbox, town.mailbox), history, town.clock, town.random)
        self.registry = Registry()
        self.delivery = Delivery(engines, self.tasks, lambda guest: 0.0)
        self.matching = Matching(name, engines, self.tasks, self.registry, HISTORY_MS)
        self.sessions, self.moderation = self.matching.sessions, self.matching.moderation
        presence = Presence(engines, self.registry)
        self.dispatch = BusDispatch(self.matching, presence, lambda client, event: None, lambda client, event: None)

    async def start(self) -> None:
        await self.matching.lease.renew()
        self.tasks.every(5.0, self.matching.lease.renew, "lease")
        self.tasks.every(15.0, self.matching.reconciler.check, "check")
        self.tasks.every(10.0, self.matching.reconciler.refresh, "nearby")

    def client(self, guest: str) -> Client:
        client = self.registry.find(guest)
        assert client is not None, f"{guest} is not here"
        return client

    async def join(self, guest: str, *, looking: bool = False, place: Place | None = LYON, **changes: Any) -> Page:
        """A page joins, as joining does it; with ``looking`` it seeks at once, as a page that looks does."""
        page = Page(self.town, self, guest)
        row = await self.town.history.guests.find(guest)
        now = self.town.clock.wall_ms()
        row = replace(row, seen=now) if row else Guest(guest, now, now, "1", now, place)
        row = replace(row, networks=changes.pop("networks", row.networks))
        await self.town.history.guests.keep(row)
        rows = await self.town.history.sessions.of(guest)
        entry = Entry(
            guest=guest,
            process=self.name,
            pool=place.key if place else None,
            cell=place.cell if place else Cell(0, 0),
            city=place.city if place else "",
            available=changes.pop("available", True),
            slow=changes.pop("slow", False),
            visible=changes.pop("visible", True),
            made=row.made,
            networks=row.networks,
            avoided_networks=await self.town.history.relations.avoided_networks(guest, now),
            blocked=tuple(await self.town.history.relations.blocked(guest)),
            session=next((session for session in rows if session.ended is None), None),
        )
        assert not changes
        entered = await self.town.lobby.enter(entry)
        page.epoch = entered.epoch
        if entered.ended:
            await self.town.history.sessions.end(entered.ended, now)
        self.registry.take_over(guest, entered.epoch)
        if entered.over is not None:
            self.moderation.tell_over(entered.over, but=guest)
        endpoint = Endpoint(guest, entered.epoch, page, self.delivery, 0)
        listener = BusListener(self.dispatch, entered.epoch)
        page.subscription = await self.town.bus.listen(guest, listener)
        running = next((session for session in rows if session.id == entered.session), None)
        if running is not None:
            await endpoint.load(running, {})
            endpoint.session = running
        client = Client(row, endpoint, MatchState(entry, page), page.subscription)
        self.registry.add(client)
        endpoint.start()
        self.matching.reconciler.soon(client)
        listener.start(client)
        if looking:
            await page.seek()
        return page

    def die(self) -> None:
        """kill -9: nothing of it happens any more, and its sockets are gone."""
        self.tasks.cancel()
        self.bus.lost = lambda record: True
        self.lobby.away = self.history.away = {"all"}
        for client in self.registry:
            client.match.disarm()
            cast(Page, client.page).emit = lambda event, payload: None  # type: ignore[method-assign]
            self.bus.unlisten(client.subscription)


class Town:
    """``p`` and ``q`` are processes."""

    def __init__(self, loop: Loop, database: Database) -> None:
        self.loop, self.clock, self.random = loop, Clock(loop), Random(7)
        self.bus = MemoryBus(loop.call_soon)
        self.lobby = MemoryLobby(self.clock.wall_ms, Random(7))
        self.database, self.history = database, SqliteHistory(database)
        self.mailbox = SqliteMailbox(database, self.clock)
        self.p, self.q = Process(self, "p"), Process(self, "q")

    async def session(self, s: str) -> Session | None:
        return await self.history.sessions.find(s)

    async def after(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def skip(self, ms: int) -> None:
        """So much time passes at once, as for a machine that slept."""
        self.loop.now_s += ms / 1000
        await self.after(6)

    async def meet(self, a: Page, b: Page) -> str:
        """They find each other, and ``b`` says yes."""
        assert await a.seek() == "asking"
        await self.after(0.1)
        await b.yes()
        await self.after(0.1)
        assert a.session == b.session
        return a.session

    def forget(self) -> None:
        """The lobby has lost everything."""
        self.lobby = MemoryLobby(self.clock.wall_ms, Random(9))
        for process in (self.p, self.q):
            process.lobby._store = self.lobby

    async def truth(self, *pages: Page) -> None:
        """M1, M2, and every page was told what the lobby says."""
        for page in pages:
            client, where = page.client, await page.where()
            told = client.match.offer
            assert not (where.offer and where.session), "M1"
            assert (client.session.id if client.session else None) == where.session
            assert (told.id if told else None) == (where.offer.id if where.offer else None)
            assert client.match.looking == where.looking
            if where.offer is not None:
                for side in (where.offer.seeker, where.offer.candidate):
                    assert (await self.lobby.status([side]))[0].offer == where.offer, "M2"


Scene = Callable[[Town], Coroutine[Any, Any, None]]


def meeting(scene: Scene) -> Callable[[Path], None]:
    """A test that is given a Town."""

    def test(tmp_path: Path) -> None:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(_play(scene, tmp_path))

    test.__name__, test.__qualname__, test.__module__, test.__doc__ = (
        scene.__name__,
        scene.__qualname__,
        scene.__module__,
        scene.__doc__,
    )
    return test


async def _play(scene: Scene, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(folder / "citychat.db"))
        loop.works = lambda: database._waiting > 0
        town = Town(loop, database)
        await stack.enter_async_context(town.mailbox)
        for process in (town.p, town.q):
            stack.push_async_callback(process.tasks.close)
            await process.start()
        await scene(town)


def kinds(page: Page) -> list[str]:
    """The events a page was told, without their payloads."""
    return [event for event, _ in page.told]
