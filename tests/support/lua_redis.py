"""Redis's scripts without Redis: the Lua of its version (5.1) in this process, over the commands of ``RedisStore``.

What a script may use is there as Redis has it: ``redis``, ``cmsgpack``, ``bit``, ``ARGV``, no global of its own.
``tests/contract/test_lua_redis.py`` holds it against a real server.
"""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from lupa import lua51  # not LuaJIT: its tables have another order in each run
from msgspec import msgpack

from citychat.adapters.redis.resp import Word
from tests.support.redis_store import RedisError, RedisStore, Status, written

# Redis's own error when a script uses a global that is not there, or makes one.
PROTECT = b"""
for _, name in ipairs({'io', 'os', 'print', 'python', 'require', 'module', 'package', 'dofile', 'loadfile'}) do
  _G[name] = nil
end
local function refuse(_, name) error('Script attempted to access nonexistent global variable ' .. tostring(name)) end
setmetatable(_G, {__index = refuse, __newindex = refuse})
return function(script, ...)
  rawset(_G, 'KEYS', {})
  rawset(_G, 'ARGV', {...})
  return script()
end
"""


PLAIN = frozenset((int, float, bool, type(None)))  # the same on both sides


class LuaRedis:
    """``now_ms`` is the server's clock. Texts are UTF-8."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.store = RedisStore(now_ms)
        self.flush = self.store.flush
        self._lua: Any = lua51.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        table, names = self._lua.table_from, self._lua.globals()
        names[b"redis"] = table({b"call": self._call, b"pcall": self._pcall})
        names[b"cmsgpack"] = table({b"pack": self._pack, b"unpack": self._unpack})
        names[b"bit"] = table({b"band": band, b"bor": bor, b"bnot": bnot})
        self._run = self._lua.execute(PROTECT)
        self._scripts: dict[str, Any] = {}

    def remember(self) -> Callable[[], None]:
        """What calling the answer makes the store hold again: all that it holds now."""
        data = {name: value for name, value in vars(self.store).items() if name != "_now_ms"}
        saved = deepcopy(data)
        return lambda: vars(self.store).update(deepcopy(saved))

    def eval(self, text: str, *args: Word) -> Any:
        """What the script with these ARGV replies: bytes, int, None or a list. Raises RedisError."""
        if text not in self._scripts:
            self._scripts[text] = self._lua.compile(text.encode())
        return self._replied(self._run(self._scripts[text], *map(written, args)))

    def _call(self, *words: Word) -> Any:
        return self._from_reply(self.store.command(*words))

    def _pcall(self, *words: Word) -> Any:
        try:
            return self._call(*words)
        except RedisError as error:
            return self._lua.table_from({b"err": str(error).encode()})

    def _pack(self, value: Any) -> bytes:
        return msgpack.encode(self._from_lua(value))

    def _unpack(self, raw: bytes) -> Any:
        return self._to_lua(msgpack.decode(raw))

    def _from_reply(self, reply: Any) -> Any:
        """In Lua nothing is false, and a status a table."""
        if reply is None:
            return False
        if isinstance(reply, Status):
            return self._lua.table_from({b"ok": bytes(reply)})
        return self._lua.table_from(reply) if isinstance(reply, list) else reply

    def _replied(self, value: Any) -> Any:
        """The other way: a number loses what is behind its point, a list ends with its first nil."""
        match value:
            case True:
                return 1
            case None | False:
                return None
            case int() | float():
                return int(value)
            case bytes():
                return value
        if value[b"err"] is not None:
            raise RedisError(value[b"err"].decode())
        return value[b"ok"] or [self._replied(entry) for entry in until_nil(value)]

    def _from_lua(self, value: Any) -> Any:
        kind = type(value)
        if kind is bytes:
            return value.decode()
        if kind in PLAIN:
            return value
        items = {name: self._from_lua(entry) for name, entry in value.items()}
        if all(name in items for name in range(1, len(items) + 1)):
            return [items[place] for place in range(1, len(items) + 1)]
        return {self._from_lua(name): entry for name, entry in items.items()}

    def _to_lua(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return value.encode()
        if kind in PLAIN:
            return value
        items = enumerate(value, 1) if kind is list else value.items()
        entries = {}
        for name, entry in items:
            if type(entry) is str:
                entry = entry.encode()
            elif type(entry) not in PLAIN:
                entry = self._to_lua(entry)
            elif entry is None:
                continue
            entries[name.encode() if type(name) is str else name] = entry
        return self._lua.table_from(entries)


def until_nil(table: Any) -> Iterable[Any]:
    place = 1
    while (entry := table[place]) is not None:
        yield entry
        place += 1


def signed(number: int) -> int:
    """The lowest 32 bits, of which the first is the sign."""
    return ((number & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


def band(a: Word, b: Word) -> int:
    return signed(int(a) & int(b))


def bor(a: Word, b: Word) -> int:
    return signed(int(a) | int(b))


def bnot(a: Word) -> int:
    return signed(~int(a))
