"""A whole process behind its door, on embedded engines and virtual time, and pages that knock."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any, cast

from citychat.adapters.memory import MemoryBus, MemoryLobby
from citychat.adapters.sqlite import Database, SqliteHistory, SqliteMailbox
from citychat.places import Gazetteer, Places
from citychat.ports import Engines, History, Lobby
from citychat.server.process import Policy, Process
from citychat.tasks import Tasks
from citychat.tokens import SigningKey, SigningKeys
from tests.unit.meeting import Clock, Line, Loop

GAZETTEER = Gazetteer()
POLICY = Policy(
    consent="7",
    contact="host@example.org",
    history_ms=30 * 86_400_000,
    message_burst=40,
    message_rate=5.0,
    guests_per_hour=100,
)


class Page:
    """One connection: what came to it, answers too, in order."""

    def __init__(self, house: "House", address: str = "127.0.0.1") -> None:
        self.house, self._address = house, address
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.closed = ""
        self.token = ""

    @property
    def open(self) -> bool:
        return not self.closed

    @property
    def address(self) -> str:
        return self._address

    def emit(self, event: str, payload: Mapping[str, object]) -> None:
        self.told.append((event, dict(payload)))

    def close(self, why: str) -> None:
        if not self.closed:
            self.closed = why
            self.house.process.joining.closed(self)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [payload for event, payload in self.told if event == name]

    def last(self, name: str) -> dict[str, Any]:
        return self.events(name)[-1]

    async def send(self, event: str, payload: object = None) -> None:
        """Without asking for an answer."""
        await self.house.process.door(self, event, payload, None)

    async def knock(self, event: str, payload: object = None) -> list[Mapping[str, Any]]:
        """The answers so far; they go on coming into this list."""
        answers: list[Mapping[str, Any]] = []

        def reply(answer: Mapping[str, object]) -> None:
            answers.append(answer)
            self.told.append((f"answer {event}", dict(answer)))

        await self.house.process.door(self, event, payload, reply)
        return answers

    async def ask(self, event: str, payload: object = None) -> Mapping[str, Any]:
        """The one answer."""
        answers = await self.knock(event, payload)
        await asyncio.sleep(1)
        assert len(answers) == 1, f"{event} was answered {len(answers)} times"
        return answers[0]

    async def join(self, **changes: object) -> Mapping[str, Any]:
        asked = {"v": 1, "consent": "7", "adult": True, "available": True, "visible": True, **changes}
        answer = await self.ask("user-join", asked)
        self.token = str(answer.get("token", ""))
        return answer


class House:
    def __init__(self, loop: Loop, database: Database, mailbox: SqliteMailbox, tasks: Tasks) -> None:
        clock, random = Clock(loop), Random(7)
        self.tasks, self.clock = tasks, clock
        self.history, self.lobby = Line(SqliteHistory(database)), Line(MemoryLobby(clock.wall_ms, random))
        history, lobby = cast(History, self.history), cast(Lobby, self.lobby)
        engines = Engines(MemoryBus(loop.call_soon), lobby, mailbox, history, clock, random)
        self.process = Process(
            "p",
            engines,
            tasks,
            keys=SigningKeys(SigningKey("k", bytes(range(32)))),
            places=Places(GAZETTEER, lambda address: None),
            gazetteer=GAZETTEER,
            policy=POLICY,
        )

    def page(self, address: str = "127.0.0.1") -> Page:
        return Page(self, address)

    async def joined(self) -> Page:
        page = self.page()
        assert (await page.join())["ok"]
        return page

    async def after(self, secs: float) -> None:
        await asyncio.sleep(secs)

    async def talking(self) -> tuple[Page, Page, str]:
        """Two pages in a chat; the first has asked."""
        anna, ben = await self.joined(), await self.joined()
        assert (await anna.ask("user-seek"))["state"] == "asking"
        offer = ben.last("user-offer")["offer"]
        assert (await ben.ask("user-match", {"offer": offer, "answer": "yes"}))["ok"]
        await self.after(0.5)
        s = anna.last("user-session")["session"]
        assert s == ben.last("user-session")["session"]
        return anna, ben, s


Scene = Callable[[House], Coroutine[Any, Any, None]]


def behind_the_door(scene: Scene) -> Callable[[Path], None]:
    """A test that is given a House."""

    def test(tmp_path: Path) -> None:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(_play(scene, tmp_path))

    test.__name__, test.__qualname__, test.__module__ = scene.__name__, scene.__qualname__, scene.__module__
    return test


async def _play(scene: Scene, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(Database(folder / "citychat.db"))
        loop.works = lambda: database._waiting > 0
        tasks = await stack.enter_async_context(Tasks(Clock(loop), Random(7)))
        mailbox = await stack.enter_async_context(SqliteMailbox(database, Clock(loop)))
        house = House(loop, database, mailbox, tasks)
        house.process.start()
        await asyncio.sleep(0.1)
        await scene(house)
