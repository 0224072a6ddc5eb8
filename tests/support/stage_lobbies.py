"""The lobbies that a stage can stand on, and a way back to an earlier moment of them."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from citychat.adapters.memory import MemoryLobby
from citychat.adapters.memory.lobby_state import LobbyState
from citychat.adapters.redis import RedisLobby
from citychat.adapters.redis.resp import scripts
from citychat.adapters.statements import statements
from tests.support.lua_redis import LuaRedis


class LuaLobby(RedisLobby):
    """The scripts of the Redis lobby, in this process."""

    def __init__(self, now_ms: Callable[[], int], random: Random) -> None:
        super().__init__(self._eval, random=random, now_ms=now_ms)
        self.redis, self._texts = LuaRedis(now_ms), scripts(statements("redis/lobby.lua"))

    async def _eval(self, script: str, args: Sequence[bytes | str | int]) -> object:
        return self.redis.eval(self._texts[script], *args)


LOBBIES: Mapping[str, Callable[[Callable[[], int], Random], MemoryLobby | LuaLobby]] = {
    "memory": MemoryLobby,
    "lua": LuaLobby,
}


def lose_all(lobby: MemoryLobby | LuaLobby, now_ms: Callable[[], int]) -> None:
    """Everything in the lobby is gone, also for who is on the way to it."""
    if isinstance(lobby, LuaLobby):
        lobby.redis.flush()
    else:
        lobby._state = LobbyState(now_ms, Random(9))


def way_back(lobby: MemoryLobby | LuaLobby) -> Callable[[], None]:
    """Remember everything that the lobby holds; calling the answer makes it hold that again, as a replica does that has
    not heard of the rest."""
    books: Any = lobby.redis.store if isinstance(lobby, LuaLobby) else lobby._state
    data = {name: value for name, value in vars(books).items() if name != "_now_ms"}
    saved = deepcopy(data)
    return lambda: vars(books).update(deepcopy(saved))
