"""The stage of the unit tests: whole processes over one lobby, one bus and one SQLite file, in virtual time.

Everything is the real thing, from the door on. ``Line`` stands between a process and each store and can be cut or held.
"""

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Concatenate, ParamSpec, cast

from citychat.adapters.memory import MemoryBus, MemoryLobby
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.model import PROTOCOL_VERSION, Message, Session
from citychat.places import Gazetteer, IpLocation, Places
from citychat.ports import Bus, Engines, History, Lobby, Mailbox, SignCarrier
from citychat.server.process import Policy, Process
from citychat.server.stopping import DRAIN_S
from citychat.tasks import Tasks
from citychat.tokens import Claims, SigningKey, SigningKeys, Tokens
from tests.support.door_page import DoorPage
from tests.support.lines import BusLine, Line
from tests.support.patience import PATIENCE_S
from tests.support.stage_lobbies import LOBBIES, LuaLobby, lose_all
from tests.support.virtual_time import VirtualClock, VirtualLoop

HISTORY_MS = 30 * 86_400_000
GAZETTEER = Gazetteer()
KEYS = SigningKeys(SigningKey("k", bytes(range(32))))
CONTACT = "host@example.org"
POLICY: Mapping[str, Any] = {
    "consent": "7", "contact": CONTACT, "history_ms": HISTORY_MS, "message_burst": 40, "message_rate": 5.0,
    "guests_per_hour": 100, "connections_per_address": 200,
}  # fmt: skip
LOOPBACK, NOWHERE = "127.0.0.1", "192.0.2.9"  # "This network"; an address that nobody can place
LYON, PARIS = {"lat": 45.764, "lon": 4.8357, "accuracy": 30}, {"lat": 48.8566, "lon": 2.3522, "accuracy": 30}
CITIES = {"203.0": IpLocation("FR", "Lyon", (45.764, 4.8357)), "198.51": IpLocation("FR", "Paris", (48.8566, 2.3522))}


def located(address: str) -> IpLocation | None:
    """The database of addresses: one network is in Lyon, one in Paris."""
    return CITIES.get(address.rsplit(".", 2)[0])


class Node:
    """One process, and its lines to bus, lobby, mailbox and history. ``calls``: the steps of all of them, in order.
    Seekers do not rest, and are told at once that they wait, unless ``rests_ms`` says so."""

    def __init__(
        self,
        stage: "Stage",
        name: str,
        rests_ms: tuple[int, int] = (0, 0),
        carrier: SignCarrier | None = None,
        **policy: object,
    ) -> None:
        self.stage, self.calls, self.tasks = stage, list[str](), Tasks(stage.clock, stage.random)
        self.bus, self.lobby = BusLine(stage.bus, self.calls), Line(stage.lobby, self.calls)
        self.mailbox, self.history = Line(stage.mailbox, self.calls), Line(stage.history, self.calls)
        self.engines = Engines(
            cast(Bus, self.bus),
            cast(Lobby, self.lobby),
            cast(Mailbox, self.mailbox),
            cast(History, self.history),
            stage.clock,
            stage.random,
        )
        self.process = Process(
            name,
            self.engines,
            self.tasks,
            keys=KEYS,
            places=Places(GAZETTEER, located),
            gazetteer=GAZETTEER,
            policy=Policy(**(dict(POLICY) | policy)),
            rests_ms=rests_ms,
            carrier=carrier,
        )
        self.matching, self.joining, self.registry = self.process.matching, self.process.joining, self.process.registry

    def page(self, guest: str = "", address: str = "") -> DoorPage:
        """A page that has not joined: of a new guest, or of one of this name. Addresses differ, and are in Lyon."""
        return DoorPage(self, guest, self.stage.token(guest) if guest else "", address or self.stage.address())

    async def join(self, guest: str = "", address: str = "", *, looking: bool = False, **changes: object) -> DoorPage:
        """A page that has joined; with ``looking`` it seeks at once."""
        page = self.page(guest, address)
        answer = await page.join(**changes)  # type: ignore[arg-type]
        assert answer["ok"], answer
        if looking:
            await page.seek()
        return page

    async def talking(self, a: str = "", b: str = "", other: "Node | None" = None) -> tuple[DoorPage, DoorPage, str]:
        """Two who talk, the first of whom has asked, and their session; with ``other`` the second one is there."""
        anna, ben = await self.join(a), await (other or self).join(b)
        return anna, ben, await self.stage.meet(anna, ben)

    async def left_behind(self, guest: str) -> list[str]:
        """Where traces of a guest without a page are."""
        stage, registry = self.stage, self.registry
        await stage.after(0.1)
        where = (await stage.lobby.status([guest]))[0]
        traces = {
            "lobby": where.state not in ("gone", "chat"),
            "index": isinstance(stage.lobby, MemoryLobby) and guest in stage.lobby._state.index,
            "bus": (await stage.bus.listeners([guest]))[0] > 0,
            "mailbox": guest in stage.mailbox._consumers,
            "registry": registry.has(guest) or registry.find(guest) is not None,
            "pages": any(client.guest == guest for client in registry.by_page.values()),
        }
        return [where for where, there in traces.items() if there]

    async def stop(self) -> None:
        """SIGTERM, and the end of the process."""
        await self.process.drain(DRAIN_S)
        await self.tasks.close()

    def die(self) -> None:
        """kill -9: nothing of it happens any more, and its sockets are gone."""
        self.tasks.cancel()
        self.bus.lost = lambda event: True
        self.lobby.away = self.history.away = self.mailbox.away = {"all"}
        for page, client in self.registry.by_page.items():
            client.match.disarm()
            cast(DoorPage, page).closed = "killed"
            self.stage.bus.unlisten(client.subscription)


class Stage:
    """``p`` and ``q`` are processes that run; ``node`` makes others. The stores themselves are never away."""

    def __init__(self, loop: VirtualLoop, database: Database, folder: Path) -> None:
        self.folder = folder
        self.loop, self.clock, self.random, self.database = loop, VirtualClock(loop), Random(7), database
        self.bus = MemoryBus(loop.call_soon)
        self.lobby: MemoryLobby | LuaLobby = MemoryLobby(VirtualClock(loop).wall_ms, Random(7))
        self.history = SqliteHistory(database)
        self.mailbox = SqliteMailbox(database, self.clock)
        self.tokens = Tokens(KEYS, self.clock.wall_ms)
        self.nodes: list[Node] = []
        self._addresses = count(1)
        self.p, self.q = self.node("p"), self.node("q")

    def node(
        self,
        name: str,
        rests_ms: tuple[int, int] = (0, 0),
        carrier: SignCarrier | None = None,
        **policy: object,
    ) -> Node:
        """A process that does not run yet; ``carrier``: of signs; ``policy``: what differs from POLICY."""
        node = Node(self, name, rests_ms, carrier, **policy)
        self.nodes.append(node)
        return node

    async def close(self) -> None:
        for node in self.nodes:
            await node.tasks.close()

    # -- who comes ----------------------------------------------------------------------------------------------------

    def address(self, city: str = "203.0") -> str:
        """One that nobody has had yet."""
        n = next(self._addresses)
        return f"{city}.{n // 250}.{n % 250 + 1}"

    def token(self, guest: str) -> str:
        """What a guest of this name brings along."""
        return self.tokens.issue(Claims(guest, str(POLICY["consent"]), self.clock.wall_ms(), adult=True))

    def guest_of(self, token: str) -> str:
        claims = self.tokens.read(token)
        assert claims is not None, "no token of ours"
        return claims.guest

    def join_request(self, have: Mapping[str, int], token: str) -> dict[str, object]:
        """What a page says first."""
        asked = {"v": PROTOCOL_VERSION, "consent": POLICY["consent"], "adult": True, "available": True, "visible": True}
        return {**asked, "have": have} | ({"token": token} if token else {})

    async def meet(self, a: DoorPage, b: DoorPage) -> str:
        """``a`` finds ``b``, who says yes; their session."""
        assert await a.seek() == "asking"
        await self.after(0.1)
        assert await b.answer("yes") == "ok"
        await self.after(0.1)
        assert a.session == b.session
        return a.session

    async def asking(self, *, looking: bool = False) -> tuple[DoorPage, DoorPage]:
        """anna on p asks ben on q, who has not answered yet; with ``looking`` both look."""
        ben = await self.q.join("ben", available=not looking, looking=looking)
        anna = await self.p.join("anna", available=False)
        assert await anna.seek() == "asking"
        await self.after(0.1)
        assert ben.last("user-offer")["looking"] == looking
        return anna, ben

    async def talking(self, a: str = "anna", b: str = "ben") -> tuple[DoorPage, DoorPage]:
        """``a`` on p and ``b`` on q talk."""
        anna, ben, _ = await self.p.talking(a, b, self.q)
        return anna, ben

    # -- time ---------------------------------------------------------------------------------------------------------

    async def after(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def skip(self, ms: int) -> None:
        """So much time passes at once, as for a machine that slept."""
        self.loop.now_s += ms / 1000
        await self.after(6)

    # -- the stores ---------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """The lobby has lost everything."""
        lose_all(self.lobby, VirtualClock(self.loop).wall_ms)

    async def over(self, lobby: str) -> None:
        """Stand on this one of LOBBIES; nobody has come yet."""
        self.lobby = LOBBIES[lobby](VirtualClock(self.loop).wall_ms, Random(7))
        for node in self.nodes:
            node.lobby.store = self.lobby
            await node.matching.lease.renew()

    async def row(self, s: str) -> Session:
        """A session as it is kept."""
        session = await self.history.sessions.find(s)
        assert session is not None
        return session

    async def keep(self, *messages: Message) -> None:
        """These were delivered."""
        kept: asyncio.Future[object] = self.loop.create_future()
        self.history.messages.add(messages, kept.set_result)
        assert await kept is not None

    async def put(self, guest: str, *messages: Message) -> None:
        """These wait in the guest's mailbox."""
        stored: asyncio.Future[bool] = self.loop.create_future()
        self.mailbox.put(guest, messages, stored.set_result)
        assert await stored

    async def mail(self, guest: str) -> int:
        """How many messages the guest's mailbox keeps."""
        found = await self.database.run(lambda transaction: transaction.rows("mail_ready", guest, 0, 0))
        return int(found[0][0])

    async def truth(self, *pages: DoorPage) -> None:
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


Params = ParamSpec("Params")


def on_stage(scene: Callable[Concatenate[Stage, Params], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is given a Stage, and whatever else it names."""

    def test(tmp_path: Path, **given: Any) -> None:
        play(partial(cast(Any, scene), **given), tmp_path)

    _, *others = inspect.signature(scene).parameters.values()
    folder = inspect.Parameter("tmp_path", inspect.Parameter.KEYWORD_ONLY, annotation=Path)
    others = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in others]
    test.__signature__ = inspect.Signature([*others, folder])  # type: ignore[attr-defined]
    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(test, name, getattr(scene, name))
    return test


def play(scene: Callable[[Stage], Coroutine[Any, Any, None]], folder: Path) -> None:
    """Let it happen on a stage of its own, whose files are in ``folder``."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(_play(scene, folder))


async def _play(scene: Callable[[Stage], Coroutine[Any, Any, None]], folder: Path) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.until_s = time.monotonic() + PATIENCE_S
    async with AsyncExitStack() as stack:
        loop.works = lambda: True  # opens the file, and closes it
        database = await stack.enter_async_context(Database(folder / "citychat.db"))
        stack.callback(setattr, loop, "works", loop.works)
        loop.works = lambda: database._waiting > 0
        stage = Stage(loop, database, folder)
        await stack.enter_async_context(stage.mailbox)
        stack.push_async_callback(stage.close)
        for node in stage.nodes:
            node.process.start()
        await stage.after(0.1)
        await scene(stage)


@contextmanager
def logged(name: str) -> Iterator[list[str]]:
    """The lines that a logger writes."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
