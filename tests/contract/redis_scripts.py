"""The scripts of the Redis lobby as tests run them: in this process (``lua``), or in a server (``redis``).

Neither ever yields to the loop. The server's clock cannot be set, so there the block that reads the time reads a key.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from redis import Redis as BlockingRedis

from citychat.adapters.redis.resp import Word, scripts
from citychat.adapters.statements import statements
from tests.support.lua_redis import LuaRedis
from tests.support.services.running import redis_url

SET_CLOCK = "local function read_clock() return tonumber(redis.call('GET', ARGV[1] .. 'now')) end"


class Scripts(Protocol):
    """Everything under ``prefix`` belongs to it; ``set_time`` comes before the first step."""

    prefix: str

    def set_time(self, now_ms: int) -> None: ...

    async def run(self, script: str, args: Sequence[Word]) -> object: ...

    def command(self, *words: Word) -> Any:
        """The reply to a command, as the server gives it."""

    def names(self) -> list[str]:
        """Of all keys, without the prefix."""

    def lose_everything(self) -> None: ...

    def close(self) -> None: ...


def timed_scripts() -> Mapping[str, str]:
    """The text of each, by its name. They fail before ``<prefix>now`` is set, in ms."""
    return scripts(dict(statements("redis/lobby.lua")) | {"now": SET_CLOCK})


class LuaScripts:
    def __init__(self, prefix: str) -> None:
        self.prefix, self._now_ms = prefix, 0
        self._redis = LuaRedis(lambda: self._now_ms)
        self._texts = scripts(statements("redis/lobby.lua"))
        self.command = self._redis.store.command
        self.lose_everything = self._redis.flush

    def set_time(self, now_ms: int) -> None:
        self._now_ms = now_ms

    async def run(self, script: str, args: Sequence[Word]) -> object:
        return self._redis.eval(self._texts[script], *args)

    def names(self) -> list[str]:
        return sorted(key.decode().removeprefix(self.prefix) for key in self.command("KEYS", f"{self.prefix}*"))

    def close(self) -> None:
        """Nothing to close; there for the sake of the protocol."""


class ServerScripts:
    """Runs them over one connection."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._redis = BlockingRedis.from_url(redis_url())
        self._digests = {name: self._redis.script_load(text) for name, text in timed_scripts().items()}

    def set_time(self, now_ms: int) -> None:
        self._redis.set(f"{self.prefix}now", now_ms)

    async def run(self, script: str, args: Sequence[Word]) -> object:
        return self._redis.evalsha(self._digests[script], 0, *args)

    def command(self, *words: Word) -> Any:
        return self._redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def names(self) -> list[str]:
        """All but the clock's."""
        found = (key.decode() for key in self._redis.scan_iter(f"{self.prefix}*", count=10_000))
        return sorted(key.removeprefix(self.prefix) for key in found if key != f"{self.prefix}now")

    def lose_everything(self) -> None:
        names = [self.prefix + key for key in self.names()]
        if names:
            self._redis.unlink(*names)

    def close(self) -> None:
        self.lose_everything()
        self._redis.unlink(f"{self.prefix}now")
        self._redis.close()
