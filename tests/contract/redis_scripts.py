"""The scripts of the Redis lobby under a clock that tests set: the block that reads the time reads a key instead."""

from collections.abc import Mapping, Sequence

from redis import Redis as BlockingRedis

from citychat.adapters.redis.resp import scripts
from citychat.adapters.statements import statements

SET_CLOCK = "local function read_clock() return tonumber(redis.call('GET', ARGV[1] .. 'now')) end"


def timed_scripts() -> Mapping[str, str]:
    """The text of each, by its name. They fail before ``<prefix>now`` is set, in ms."""
    return scripts(dict(statements("redis/lobby.lua")) | {"now": SET_CLOCK})


class BlockingScripts:
    """Runs them over one connection without ever yielding to the loop, as virtual time needs it.

    Everything under ``prefix`` belongs to it; ``set_time`` comes before the first step.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self.prefix = prefix
        self.redis = BlockingRedis.from_url(url)
        self._digests = {name: self.redis.script_load(text) for name, text in timed_scripts().items()}

    def set_time(self, now_ms: int) -> None:
        self.redis.set(f"{self.prefix}now", now_ms)

    async def run(self, script: str, args: Sequence[bytes | str | int]) -> object:
        return self.redis.evalsha(self._digests[script], 0, *args)

    def keys(self) -> list[str]:
        """All but the clock's."""
        found = (key.decode() for key in self.redis.scan_iter(f"{self.prefix}*", count=10_000))
        return sorted(key.removeprefix(self.prefix) for key in found if key != f"{self.prefix}now")

    def members(self, key: str) -> set[str]:
        return {str(raw, "utf-8") for raw in self.redis.smembers(self.prefix + key) if isinstance(raw, bytes)}

    def lose_everything(self) -> None:
        names = [self.prefix + key for key in self.keys()]
        if names:
            self.redis.unlink(*names)

    def close(self) -> None:
        self.lose_everything()
        self.redis.unlink(f"{self.prefix}now")
        self.redis.close()
