"""The lobby of the simulated world: a real one on virtual time, a network away from each process.

It is held by a ``Stand``: the lobby itself, what the checker reads in its books, and the loss of everything in it.
"""

import asyncio
from collections.abc import Callable, Iterable
from copy import deepcopy
from random import Random
from typing import Any, Literal, Protocol

from citychat.adapters.memory import MemoryLobby
from citychat.adapters.memory.lobby_guest import LobbyGuest
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.model import Busy, Gone, Offer, Unavailable
from citychat.ports import Clock, Lobby, SteadyTime
from tests.simulation.bus import SimBus
from tests.simulation.engines import World

NowMs = Callable[[], int]


class Books(Protocol):
    """What a lobby has written down, as the checker reads it; a Register is one."""

    now: int
    people: dict[str, LobbyGuest]
    offers: dict[str, Offer]

    @property
    def index(self) -> Iterable[str]: ...

    def state(self, person: LobbyGuest) -> Literal["gone", "free", "asking", "asked", "chat"]: ...

    def rank(self, person: LobbyGuest) -> int: ...


class Stand(Protocol):
    @property
    def lobby(self) -> Lobby: ...

    @property
    def books(self) -> Books: ...

    @property
    def misfiled(self) -> Iterable[str]:
        """Who stands among the free where no record says so, or the other way round."""

    def forget(self) -> None:
        """All is lost."""

    def remember(self) -> Callable[[], None]:
        """What calling the answer makes it go back to: all that it holds now."""


MakeStand = Callable[[NowMs, Random], Stand]


class NeverBack:
    """What the scripts of the Redis lobby make of its server's clock."""

    def __init__(self, now_ms: NowMs) -> None:
        self._now_ms, self._seen_ms, self._ahead_ms = now_ms, now_ms(), 0

    def now_ms(self) -> int:
        wall_ms = self._now_ms()
        self._ahead_ms += max(0, self._seen_ms - wall_ms)
        self._seen_ms = wall_ms
        return wall_ms + self._ahead_ms


class Embedded:
    def __init__(self, now_ms: NowMs, random: Random) -> None:
        self._now_ms, self._random = NeverBack(now_ms).now_ms, random
        self.lobby = MemoryLobby(self._now_ms, random)
        self.misfiled: tuple[str, ...] = ()  # it has one record of who stands where

    @property
    def books(self) -> LobbyState:
        return self.lobby._state

    def forget(self) -> None:
        self.lobby._state = LobbyState(self._now_ms, self._random)

    def remember(self) -> Callable[[], None]:
        state = self.lobby._state
        data = {name: value for name, value in vars(state).items() if name != "_now_ms"}
        saved = deepcopy(data, {id(self._random): self._random})

        def go_back() -> None:
            vars(state).update(saved)
            self.lobby._state = state

        return go_back


class SlowLobby:
    """A lobby, a network away: every call takes its time, and the step happens in the middle. It shares the connection
    of its process's bus: when that is lost, nobody knows whether the step was taken. What a process knows of the
    lobby's time a renewal has told it."""

    def __init__(self, world: World, lobby: Lobby, line: SimBus, clock: Clock) -> None:
        self._world, self._lobby, self._line, self._clock = world, lobby, line, clock
        self.now_ms = SteadyTime(clock, clock.wall_ms()).now_ms
        self.loses_next = False  # the answer to the next step, and the connection with it

    def __getattr__(self, name: str) -> Any:
        step = getattr(self._lobby, name)
        world, line = self._world, self._line

        async def call(*args: Any) -> Any:
            life = line.life
            await asyncio.sleep(world.random.uniform(0.0005, 0.005))
            await self._asked(life)
            try:
                answer = await step(*args)
            except (Busy, Gone):
                await line.machine.awake()
                raise
            told = SteadyTime(self._clock, self._lobby.now_ms()) if name == "renew" else None
            world.stepped(name, args, answer)
            if self.loses_next:
                self.loses_next = False
                line.cut(world.random.uniform(0.1, 4))
            if name != "nearby":  # most calls; nothing depends on when its answer comes
                await asyncio.sleep(world.random.uniform(0.0005, 0.005))
            await line.machine.awake()
            if life != line.life:
                raise Unavailable
            if told is not None:
                self.now_ms = told.now_ms
            return answer

        return call

    async def _asked(self, life: int) -> None:
        """On the way there. Raises Unavailable."""
        line = self._line
        arrives = life != line.life and self._world.redis_up and self._world.random.random() < 0.5
        if not line.up and not arrives:
            await line.machine.awake()
            raise Unavailable
