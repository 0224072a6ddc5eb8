"""The scripts' Redis without a server answers as a real one: random commands, values and numbers, and both replies."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import msgpack
from redis import Redis as BlockingRedis
from redis.exceptions import ResponseError

from tests.support.lua_redis import LuaRedis
from tests.support.redis_store import COMMANDS, RedisError
from tests.support.services.running import REDIS, is_tested, redis_url

__test__ = is_tested(REDIS)

NOW_MS = 1_700_000_000_000
# Mostly of one kind each, by the first letter of the command, so that not all is refused. Names are only compared where
# all scores are equal: else the server leaves it open.
KEYS = {"H": "hash", "S": "set", "Z": "scores", "G": "text", "L": "equal scores"}
MEMBERS = ["", "anna", "ben", "carl", "Zoë"]
SCORES = [0, 1, -3, 2.5, 1e300, 17, 17, NOW_MS, NOW_MS + 600_000]
NUMBERS = [
    0,
    1,
    -1,
    7,
    0.5,
    -2.75,
    1e15,
    2**31,
    -(2**31),
    2**32 + 5,
    127,
    128,
    255,
    256,
    65_536,
    -32,
    -33,
    -129,
    NOW_MS,
]
# What fills oftener than what empties
DRAWN = [name.decode() for name in COMMANDS if name not in (b"TIME", b"PTTL")] + ["ZADD"] * 8 + ["HSET", "SADD"] * 2
UNORDERED = ("HKEYS", "SMEMBERS", "KEYS")
# Each command by pcall; what Lua has then, and its type.
PLAY = """
local replies = {}
for i, command in ipairs(cmsgpack.unpack(ARGV[1])) do
  local reply = redis.pcall(unpack(command))
  if type(reply) == 'table' and reply.err then reply = {err = reply.err} end
  replies[i] = {type(reply), reply}
end
return cmsgpack.pack(replies)
"""


class Real:
    """A server of which everything under a prefix belongs to the test."""

    def __init__(self, prefix: str) -> None:
        self.redis = BlockingRedis.from_url(redis_url())
        self.prefix = prefix

    def eval(self, text: str, *args: Any) -> Any:
        return self.redis.eval(text, 0, *args)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    opened = Real(f"{tmp_path}:")
    yield opened
    for key in opened.redis.scan_iter(f"{opened.prefix}*"):
        opened.redis.unlink(key)
    opened.redis.close()


def drawn(random: Random, prefix: str) -> list[Any]:
    """A command with arguments that the scripts might give it."""
    name = random.choice(DRAWN)
    kind = {"ZRANGEBYLEX": "L", "SET": "G", "UNLINK": "G"}.get(name, name[0])
    strange = name != "ZRANGEBYLEX" and (kind not in KEYS or random.random() < 0.1)
    key = random.choice(list(KEYS.values())) if strange else KEYS[kind]
    member, score = random.choice(MEMBERS), random.choice(SCORES)
    if name == "ZADD" and random.random() < 0.5:
        key = KEYS["L"]
    if key == KEYS["L"]:
        score = 0
    low, high = random.choice(["-inf", *SCORES]), random.choice(["+inf", *SCORES])
    limit = random.choice([[], ["LIMIT", random.choice([0, 1]), random.choice([-1, 0, 1, 3])]])
    arguments: Mapping[str, list[Any]] = {
        "KEYS": [],
        "UNLINK": [prefix + random.choice(list(KEYS.values()))] * random.choice([0, 0, 1]),
        "PEXPIRE": [random.choice([600_000, 600_000.0])],
        "SET": [member, *random.choice([[], [], ["PX", 3_600_000]])],
        "HGET": [member],
        "HSET": [member, random.choice([*MEMBERS, *NUMBERS])],
        "HDEL": [member],
        "HINCRBY": [member, random.choice([1, -1])],
        "SADD": [member],
        "SISMEMBER": [member],
        "ZADD": [score, member],
        "ZSCORE": [member],
        "ZREM": random.sample(MEMBERS, random.choice([1, 2])),
        "ZRANGE": [random.choice([0, 0, 1, -2, -9]), random.choice([-1, 0, 1, 32, -9])],
        "ZRANGEBYLEX": [random.choice(["-", f"({member}"]), "+", *limit],
        "ZRANGEBYSCORE": [low, high, *limit],
        "ZREMRANGEBYSCORE": [low, high],
    }
    return [name, f"{prefix}*" if name == "KEYS" else prefix + key, *arguments.get(name, [])]


def by_name(kind: object, reply: Any) -> Any:
    return kind, sorted(reply) if isinstance(reply, list) else reply


@pytest.mark.parametrize("seed", range(40))
def test_commands_and_what_lua_makes_of_their_replies(seed: int, real: Real) -> None:
    random, lua = Random(seed), LuaRedis(lambda: NOW_MS)
    for _ in range(25):
        commands = [drawn(random, real.prefix) for _ in range(20)]
        expected, replied = (msgpack.decode(each.eval(PLAY, msgpack.encode(commands))) for each in (real, lua))
        for command, there, here in zip(commands, expected, replied, strict=True):
            if command[0] in UNORDERED:
                there, here = by_name(*there), by_name(*here)
            assert here == there, (seed, commands)
    left = [len(each.eval("return redis.call('KEYS', ARGV[1])", f"{real.prefix}*")) for each in (real, lua)]
    assert left[0] == left[1]


def test_keys_expire(real: Real) -> None:
    now = NOW_MS
    lua = LuaRedis(lambda: now)
    text = """
    redis.call('SET', ARGV[1], 'x', 'PX', 500)
    redis.call('SADD', ARGV[2], 'x')
    redis.call('PEXPIRE', ARGV[2], 500)
    local ms = {redis.call('PTTL', ARGV[1]), redis.call('PTTL', ARGV[2])}
    redis.call('SET', ARGV[1], 'y')
    redis.call('SET', ARGV[3], 'y')
    ms[3], ms[4], ms[5] = redis.call('PTTL', ARGV[1]), redis.call('PTTL', ARGV[3]), redis.call('PTTL', ARGV[4])
    return ms
    """
    keys = [f"{real.prefix}{key}" for key in "abcd"]
    there, here = real.eval(text, *keys), lua.eval(text, *keys)
    assert here == [500, 500, -1, -1, -2] and there[2:] == here[2:]
    assert all(400 < left <= 500 for left in there[:2])
    now += 501
    for each in (real, lua):
        while each.eval("return redis.call('EXISTS', ARGV[1])", keys[1]):
            assert each is real
        assert each.eval("return redis.call('KEYS', ARGV[1])", keys[1]) == []
        assert each.eval("return redis.call('GET', ARGV[1])", keys[0]) == b"y"


def value(random: Random, depth: int = 2) -> Any:
    kinds = [*NUMBERS, *MEMBERS, True, False, None, "x" * random.choice([31, 32, 255, 256, 70_000])]
    if depth and random.random() < 0.4:
        several = [value(random, depth - 1) for _ in range(random.choice([0, 1, 3, 16]))]
        return several if random.random() < 0.5 else dict(zip("abcdefghijklmnop", several, strict=False))
    return random.choice(kinds)


@pytest.mark.parametrize("seed", range(100))
def test_values_on_their_way_in_and_out_of_lua(seed: int, real: Real) -> None:
    random, lua = Random(seed), LuaRedis(lambda: NOW_MS)
    packed = msgpack.encode(value(random))
    there, here = (each.eval("return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))", packed) for each in (real, lua))
    assert msgpack.decode(here) == msgpack.decode(there)
    listed = msgpack.encode([value(random) for _ in range(4)])
    there, here = (each.eval("return cmsgpack.unpack(ARGV[1])", listed) for each in (real, lua))
    assert here == there


def test_numbers_bits_and_the_clock(real: Real) -> None:
    lua = LuaRedis(lambda: NOW_MS + 7)
    text = """
    local a, b = tonumber(ARGV[1]), tonumber(ARGV[2])
    return {bit.band(a, b), bit.bor(a, b), bit.bnot(a), bit.band(ARGV[1], bit.bnot(b)), tostring(a), a .. ':' .. b}
    """
    whole = [number for number in NUMBERS if number == int(number)]
    for a in whole:
        for b in whole:
            assert lua.eval(text, a, b) == real.eval(text, a, b), (a, b)
    seconds, microseconds = lua.eval("return redis.call('TIME')")
    assert (seconds, microseconds) == (b"1700000000", b"7000")
    assert [type(part) for part in real.eval("return redis.call('TIME')")] == [bytes, bytes]


@pytest.mark.parametrize(
    "text",
    [
        "return redis.call('GET', 'x') or 'none'",
        "return redis.status_reply",
        "strange = 1",
        "return strange",
        "return io",
    ],
)
def test_what_is_not_there_and_what_must_not_be_made(text: str, real: Real) -> None:
    lua = LuaRedis(lambda: NOW_MS)
    outcomes = []
    for each in (real, lua):
        try:
            outcomes.append(each.eval(text))
        except Exception as error:
            assert "global variable" in str(error) or "readonly" in str(error), error
            outcomes.append("refused")
    assert outcomes[0] == outcomes[1]


def test_an_error_that_no_script_catches_is_the_answer(real: Real) -> None:
    lua = LuaRedis(lambda: NOW_MS)
    text = "redis.call('SADD', ARGV[1], 'x') return redis.call('GET', ARGV[1])"
    with pytest.raises(ResponseError, match=r"^WRONGTYPE Operation"):
        real.eval(text, f"{real.prefix}a")
    with pytest.raises(RedisError, match=r"^WRONGTYPE Operation"):
        lua.eval(text, f"{real.prefix}a")
