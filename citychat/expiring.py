"""A mapping that forgets: what is too old, and the oldest when there is too much."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Expiring(Generic[K, V]):
    """A mapping of at most ``most`` entries, each for ``life`` after it was put; ``now`` tells the time, in the unit of
    ``life``.

    Putting an entry again makes it young, reading it does not: cachetools' TTLCache would keep what is read often, and
    these few lines need no dependency with stubs of its own.
    """

    def __init__(self, most: int, life: float, now: Callable[[], float]) -> None:
        self._most, self._life, self._now = most, life, now
        self._entries: dict[K, tuple[float, V]] = {}  # the oldest first

    def __setitem__(self, key: K, value: V) -> None:
        self.discard(key)
        self._expire()
        self._entries[key] = self._now(), value
        if len(self._entries) > self._most:
            del self._entries[next(iter(self._entries))]

    def __contains__(self, key: K) -> bool:
        self._expire()
        return key in self._entries

    def get(self, key: K) -> V | None:
        self._expire()
        _, value = self._entries.get(key, (0, None))
        return value

    def __iter__(self) -> Iterator[K]:
        self._expire()
        return iter(self._entries)

    def __len__(self) -> int:
        self._expire()
        return len(self._entries)

    def discard(self, key: K) -> None:
        self._entries.pop(key, None)

    def clear(self) -> None:
        self._entries.clear()

    def _expire(self) -> None:
        while self._entries:
            key, (at, _) = next(iter(self._entries.items()))
            if self._now() - at < self._life:
                return
            del self._entries[key]
