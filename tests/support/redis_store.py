"""The commands of Redis that our scripts call, over a store in memory: replies, errors and expiry as the server's.

``tests/contract/test_lua_redis.py`` holds them against a real server.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from citychat.adapters.redis.resp import Word


class RedisError(Exception):
    """An error reply: its text, which begins with the kind of error."""


class Status(bytes):
    """A status reply."""


class Hash(dict[bytes, bytes]): ...


class Members(dict[bytes, None]):
    """A set, in an order that is the same in every run."""


class Scores(dict[bytes, float]):
    """A sorted set: each member's score, and the members in order."""

    def __init__(self) -> None:
        super().__init__()
        self.ordered: list[tuple[float, bytes]] = []

    def put(self, member: bytes, score: float) -> bool:
        """Whether it is a new member."""
        new = not self.remove(member)
        self[member] = score
        insort(self.ordered, (score, member))
        return new

    def remove(self, member: bytes) -> bool:
        """Whether it was a member."""
        score = self.pop(member, None)
        if score is None:
            return False
        del self.ordered[bisect_left(self.ordered, (score, member))]
        return True

    def between(self, low: bytes, high: bytes) -> list[bytes]:
        """The members whose scores lie there, both ends included."""
        lowest, highest = float(low), float(high)
        return [member for score, member in self.ordered if lowest <= score <= highest]


Value = TypeVar("Value", bytes, Hash, Members, Scores)


class RedisStore:
    """``now_ms`` is the server's clock."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._values: dict[bytes, bytes | Hash | Members | Scores] = {}
        self._until: dict[bytes, int] = {}  # when keys expire

    def command(self, *words: Word) -> Any:
        """The reply: bytes, int, None, Status or a list. Raises RedisError."""
        name, *arguments = [word if type(word) is bytes else written(word) for word in words]
        return COMMANDS[name](self, *arguments)

    def flush(self) -> None:
        self._values.clear()
        self._until.clear()

    def _find(self, key: bytes, kind: type[Value]) -> Value | None:
        self._expire(key)
        value = self._values.get(key)
        if value is None or isinstance(value, kind):
            return value
        raise RedisError("WRONGTYPE Operation against a key holding the wrong kind of value")

    def _make(self, key: bytes, kind: type[Value]) -> Value:
        found = self._find(key, kind)
        if found is None:
            found = self._values[key] = kind()
        return found

    def _expire(self, key: bytes) -> None:
        if key in self._until and self._until[key] < self._now_ms():
            self._delete(key)

    def _delete(self, key: bytes) -> bool:
        self._until.pop(key, None)
        return self._values.pop(key, None) is not None

    def _delete_when_empty(self, key: bytes) -> None:
        if not self._values.get(key, True):
            self._delete(key)

    def _remove(self, key: bytes, members: Sequence[bytes]) -> int:
        scores = self._find(key, Scores) or Scores()
        removed = sum([scores.remove(member) for member in members])
        self._delete_when_empty(key)
        return removed

    # -- the commands -------------------------------------------------------------------------------------------------

    def time(self) -> list[bytes]:
        seconds, ms = divmod(self._now_ms(), 1_000)
        return [b"%d" % seconds, b"%d" % (ms * 1_000)]

    def keys(self, pattern: bytes) -> list[bytes]:
        """Of those with a prefix."""
        for key in list(self._until):
            self._expire(key)
        return [key for key in self._values if key.startswith(pattern.removesuffix(b"*"))]

    def exists(self, key: bytes) -> int:
        self._expire(key)
        return int(key in self._values)

    def unlink(self, *keys: bytes) -> int:
        return sum([self._delete(key) for key in keys if self.exists(key)])

    def pexpire(self, key: bytes, ms: bytes) -> int:
        if not self.exists(key):
            return 0
        self._until[key] = self._now_ms() + int(ms)
        return 1

    def pttl(self, key: bytes) -> int:
        return self._until.get(key, -1 + self._now_ms()) - self._now_ms() if self.exists(key) else -2

    def get(self, key: bytes) -> bytes | None:
        return self._find(key, bytes)

    def set(self, key: bytes, value: bytes, px: bytes = b"", ms: bytes = b"") -> Status:
        self._delete(key)
        self._values[key] = value
        if px:
            self.pexpire(key, ms)
        return Status(b"OK")

    def hget(self, key: bytes, field: bytes) -> bytes | None:
        return (self._find(key, Hash) or Hash()).get(field)

    def hset(self, key: bytes, field: bytes, value: bytes) -> int:
        fields = self._make(key, Hash)
        new = field not in fields
        fields[field] = value
        return int(new)

    def hdel(self, key: bytes, field: bytes) -> int:
        removed = (self._find(key, Hash) or Hash()).pop(field, None)
        self._delete_when_empty(key)
        return int(removed is not None)

    def hincrby(self, key: bytes, field: bytes, by: bytes) -> int:
        before = self.hget(key, field)
        if before is not None and not before.removeprefix(b"-").isdigit():
            raise RedisError("ERR hash value is not an integer")
        after = int(before or 0) + int(by)
        self.hset(key, field, b"%d" % after)
        return after

    def hkeys(self, key: bytes) -> list[bytes]:
        return list(self._find(key, Hash) or ())

    def sadd(self, key: bytes, member: bytes) -> int:
        members = self._make(key, Members)
        new = member not in members
        members[member] = None
        return int(new)

    def sismember(self, key: bytes, member: bytes) -> int:
        return int(member in (self._find(key, Members) or ()))

    def smembers(self, key: bytes) -> list[bytes]:
        return list(self._find(key, Members) or ())

    def zadd(self, key: bytes, score: bytes, member: bytes) -> int:
        return int(self._make(key, Scores).put(member, float(score)))

    def zcard(self, key: bytes) -> int:
        return len(self._find(key, Scores) or ())

    def zscore(self, key: bytes, member: bytes) -> bytes | None:
        score = (self._find(key, Scores) or Scores()).get(member)
        return None if score is None else written(score)

    def zrem(self, key: bytes, *members: bytes) -> int:
        return self._remove(key, members)

    def zpopmin(self, key: bytes) -> list[bytes]:
        scores = self._find(key, Scores)
        if not scores:
            return []
        score, member = scores.ordered[0]
        self._remove(key, [member])
        return [member, written(score)]

    def zrange(self, key: bytes, start: bytes, stop: bytes) -> list[bytes]:
        """By rank; a negative one counts from the end."""
        ordered = (self._find(key, Scores) or Scores()).ordered
        first, last = (int(rank) if int(rank) >= 0 else max(int(rank) + len(ordered), -1) for rank in (start, stop))
        return [member for _, member in ordered[max(first, 0) : last + 1]]

    def zrangebyscore(self, key: bytes, low: bytes, high: bytes, *limit: bytes) -> list[bytes]:
        return limited((self._find(key, Scores) or Scores()).between(low, high), limit)

    def zrangebylex(self, key: bytes, low: bytes, high: bytes, *limit: bytes) -> list[bytes]:
        """``low`` is "-" or a name that is not taken itself, ``high`` is "+"."""
        assert high == b"+"
        members = [member for _, member in (self._find(key, Scores) or Scores()).ordered]
        return limited([member for member in members if low == b"-" or member > low.removeprefix(b"(")], limit)

    def zremrangebyscore(self, key: bytes, low: bytes, high: bytes) -> int:
        return self._remove(key, (self._find(key, Scores) or Scores()).between(low, high))


def limited(found: list[bytes], limit: Sequence[bytes]) -> list[bytes]:
    """As ``LIMIT offset count`` says; all of the rest when the count is negative."""
    if not limit:
        return found
    offset, count = map(int, limit[1:])
    return found[offset : offset + count if count >= 0 else None]


def written(word: Word) -> bytes:
    """As the server writes it: a whole number without a point, whatever its type."""
    if isinstance(word, bytes | str):
        return word if isinstance(word, bytes) else word.encode()
    return b"%.17g" % word


COMMANDS: Mapping[bytes, Callable[..., Any]] = {
    name.upper().encode(): method
    for name, method in vars(RedisStore).items()
    if not name.startswith("_") and name not in ("command", "flush")
}
