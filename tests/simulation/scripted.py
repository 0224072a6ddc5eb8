"""The scripts of the Redis lobby under the simulated world, on its time: over a real Redis, or in this process.

Each script runs within one turn of the loop, so a run stays what its seed says.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal, Protocol

import msgspec
from redis.connection import Connection

from citychat.adapters.memory.lobby_guest import LobbyGuest
from citychat.adapters.redis import RedisLobby
from citychat.adapters.redis.resp import Word, packed, scripts
from citychat.adapters.statements import statements
from citychat.model import District, Offer
from citychat.rules import UNASKED
from tests.simulation.lobbies import NowMs
from tests.support.lua_redis import LuaRedis
from tests.support.services.redis import RedisServer

READ_CLOCK = "local function read_clock() return tonumber(ARGV[4]) end"
# Everything there is, in one step. Only for tests: KEYS reads the whole database.
LOOK = """
local function all(kind, read)
  local found = {}
  for _, key in ipairs(redis.call('KEYS', kind .. '*')) do found[key:sub(#kind + 1)] = read(key) end
  return found
end
local function members(key) return redis.call('SMEMBERS', key) end
local function stand(key) return redis.call('ZRANGE', key, 0, -1) end
local function record(key) return cmsgpack.unpack(redis.call('GET', key)) end
return cmsgpack.pack({
  tonumber(redis.call('HGET', 'clock', 'ahead') or 0),
  all('v:', record), all('o:', record), all('b:', members), all('m:', members), all('c:', stand), all('t:', stand),
  stand('leases')
})
"""


@cache
def timed_scripts() -> Mapping[str, str]:
    return scripts(dict(statements("redis/lobby.lua")) | {"now": READ_CLOCK})


class Runs(Protocol):
    """What runs scripts."""

    def eval(self, text: str, *args: Word) -> Any: ...

    def flush(self) -> None:
        """Lose all data."""

    def remember(self) -> Callable[[], None]:
        """What calling the answer makes it hold again: all data that it has now."""


class PrivateRedis:
    """A server of its own. redis-py's client costs more than all the rest of a run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._digests: dict[str, bytes] = {}

    def eval(self, text: str, *args: Word) -> Any:
        if text not in self._digests:
            self._digests[text] = self._ask("SCRIPT", "LOAD", text)
        return self._ask("EVALSHA", self._digests[text], 0, *args)

    def flush(self) -> None:
        self._ask("FLUSHALL")

    def remember(self) -> Callable[[], None]:
        saved = [(name, self._ask("PTTL", name), self._ask("DUMP", name)) for name in self._ask("KEYS", "*")]

        def go_back() -> None:
            self.flush()
            for name, ttl_ms, data in saved:
                self._ask("RESTORE", name, max(0, ttl_ms), data)

        return go_back

    def _ask(self, *command: Word) -> Any:
        self._connection.send_packed_command([packed(command)], check_health=False)  # type: ignore[no-untyped-call]
        return self._connection.read_response()


@contextmanager
def private_redis() -> Iterator[PrivateRedis]:
    """Raises MissingServer."""
    with tempfile.TemporaryDirectory(prefix="citychat-simulation-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        connection = Connection("127.0.0.1", server.port)  # type: ignore[no-untyped-call]
        try:
            yield PrivateRedis(connection)
        finally:
            connection.disconnect()  # type: ignore[no-untyped-call]
            server.stop()


@dataclass
class Read:
    """The books in Redis as they were at ``now``."""

    now: int
    people: dict[str, LobbyGuest]
    offers: dict[str, Offer]
    index: list[str]
    leases: list[str]
    ranks: dict[str, int]
    misfiled: set[str] = field(default_factory=set)

    def rank(self, person: LobbyGuest) -> int:
        return self.ranks.get(person.id, UNASKED)

    def state(self, person: LobbyGuest) -> Literal["gone", "free", "asking", "asked", "chat"]:
        if person.session is not None:
            return "chat"
        if person.offer is not None:
            return "asking" if person.offer.seeker == person.id else "asked"
        return "free" if person.online and person.process in self.leases else "gone"


class Scripted:
    """The Redis lobby over ``redis``, which is emptied. Each script runs at once, within one turn of the loop, and
    reads the world's time out of its last argument."""

    def __init__(self, redis: Runs, now_ms: NowMs, random: Random) -> None:
        self._redis, self._now_ms = redis, now_ms
        self._read: Read | None = None
        self.lobby = RedisLobby(self._run, random=random, now_ms=now_ms, prefix="")
        self.forget()

    async def _run(self, script: str, args: Sequence[bytes | str | int]) -> object:
        self._read = None
        return self._redis.eval(timed_scripts()[script], *args, self._now_ms())

    def forget(self) -> None:
        self._read = None
        self._redis.flush()

    def remember(self) -> Callable[[], None]:
        go_back = self._redis.remember()

        def gone_back() -> None:
            self._read = None
            go_back()

        return gone_back

    @property
    def books(self) -> Read:
        if self._read is None:
            ahead_ms, records, *sets, leases = msgspec.msgpack.decode(self._redis.eval(LOOK))
            self._read = _read(self._now_ms() + ahead_ms, *map(dict, (records, *sets)), leases=leases)
        return self._read

    @property
    def misfiled(self) -> Iterable[str]:
        return self.books.misfiled


def in_lua(now_ms: NowMs, random: Random) -> Scripted:
    """Without a server."""
    return Scripted(LuaRedis(now_ms), now_ms, random)


def _read(
    now: int,
    records: Mapping[str, dict[str, Any]],
    offers: Mapping[str, dict[str, Any]],
    blocked: Mapping[str, Sequence[str]],
    met: Mapping[str, Sequence[str]],
    stands: Mapping[str, Sequence[str]],
    taken_back: Mapping[str, Sequence[str]],
    *,
    leases: Sequence[str],
) -> Read:
    opened = {offer: msgspec.convert(record, Offer) for offer, record in offers.items()}
    people, placed, in_towns = {}, Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for guest, record in sorted(records.items()):
        not_fields = ("lat", "lon", "place", "crowd", "town", "roam", "absent")
        fields = {name: value for name, value in record.items() if name not in not_fields}
        fields["offer"] = opened.get(record.get("offer", ""))
        fields["district"] = District(int(record["lat"]), int(record["lon"]))
        fields.setdefault("avoided_networks", {})
        fields["blocked"] = dict.fromkeys(blocked.get(guest, ()))
        fields["met"] = set(met.get(guest, ()))
        fields["taken_back"] = dict.fromkeys(taken_back.get(guest, ()), now + 1)  # perhaps over, and not cleared yet
        people[guest] = LobbyGuest(**fields)
        if place := record.get("place"):
            placed[guest, f"{place[1]:.0f}", place[0]] += 1
        if town := record.get("town"):
            in_towns[guest, f"{town[1]:.0f}", town[0]] += 1
    index = [guest for guest, _, _ in placed]
    standing = Counter((guest, *_rank_and_pool(where)) for where, guests in stands.items() for guest in guests)
    drawable = Counter(each for each in (placed + in_towns).elements() if each[1] != str(UNASKED))
    misfiled = {guest for guest, _, _ in (standing - drawable) + (drawable - standing)}
    ranks = {guest: int(rank) for guest, rank, _ in placed}
    return Read(now, people, opened, index, list(leases), ranks, misfiled)


def _rank_and_pool(stand: str) -> tuple[str, str]:
    """Of a key of the index; between the two is the district."""
    rank, _, pool = stand.split(":", 2)
    return rank, pool
