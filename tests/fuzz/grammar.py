"""Values of a type of ours, and what becomes of them: parts that are wrong, bytes that are turned round.

Everything is drawn from the random that is passed in, so a seed makes the same frames on every machine.
"""

import string
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import msgspec
from msgspec import inspect

WORD = string.ascii_letters + string.digits + "_-"
EDGES = (0, 1, -1, 2**31, 2**52, 2**52 + 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63))
TEXTS = (
    "",
    " ",
    "a",
    "né \U0001f98a\n",
    "\u202e",
    "\x00",
    "\ufeff",
    "a:b",
    "$gt",
    "../x",
    "<b>",
    "\ud7ff",
    "e\u0301",
    "null",
)
SPOILED = 0.15  # of the parts of a value, when it is to be spoiled at all
SPECIAL = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b'"', b"\\", b"\\ud800", b"[" * 600, b"{", b"]", b"}", b",", b":", b"1e999",
    b"9" * 400, b"-0", b"NaN", b"\xf4\x90\x80\x80", b"null", b'"x"', b"0.1",
)  # fmt: skip
DEEP = 3  # of what stands where anything may

Make = Callable[[Random, bool], Any]


class Grammar:
    """Makes values. ``odd`` draws one of the atoms that this kind of carrier can have besides those of JSON."""

    def __init__(self, odd: Callable[[Random], Any] | None = None) -> None:
        self._odd = odd

    def value(self, random: Random, kind: object, spoil: bool = False) -> Any:
        """A value as it travels; ``spoil``: some of its parts are of no type that is asked for."""
        return self._made(random, _described(kind), spoil)

    def anything(self, random: Random, depth: int = 0) -> Any:
        """Any value at all."""
        match random.randrange(10 if depth < DEEP else 7):
            case 0:
                return None
            case 1:
                return random.random() < 0.5
            case 2:
                return random.choice(EDGES)
            case 3:
                return random.uniform(-1e9, 1e9)
            case 4 | 5:
                return random.choice(TEXTS) * random.choice((1, 1, 1, 50, 900))
            case 6:
                return self._odd(random) if self._odd else random.choice(TEXTS)
            case 7:
                return [self.anything(random, depth + 1) for _ in range(random.randrange(4))]
            case _:
                return {random.choice(TEXTS): self.anything(random, depth + 1) for _ in range(random.randrange(4))}

    def _made(self, random: Random, info: inspect.Type, spoil: bool) -> Any:
        if spoil and random.random() < SPOILED:
            return self.anything(random)
        match info:
            case inspect.IntType():
                return _number(random, info)
            case inspect.StrType():
                return _text(random, info)
            case inspect.BoolType():
                return random.random() < 0.5
            case inspect.FloatType():
                return random.uniform(-180, 180)
            case inspect.NoneType():
                return None
            case inspect.LiteralType(values=values):
                return random.choice(values)
            case inspect.UnionType(types=kinds):
                return self._made(random, random.choice(kinds), spoil)
            case inspect.TupleType(item_types=kinds):
                return [self._made(random, kind, spoil) for kind in kinds]
            case inspect.ListType() | inspect.VarTupleType():
                return [self._made(random, info.item_type, spoil) for _ in range(random.choice((0, 1, 2, 2, 7)))]
            case inspect.DictType():
                pairs = range(random.choice((0, 1, 2, 40)))
                return {self._key(random, info, spoil): self._made(random, info.value_type, spoil) for _ in pairs}
            case inspect.StructType():
                return self._fields(random, info, spoil)
        return self.anything(random)

    def _key(self, random: Random, info: inspect.DictType, spoil: bool) -> str:
        return str(self._made(random, info.key_type, spoil))

    def _fields(self, random: Random, info: inspect.StructType, spoil: bool) -> dict[str, Any]:
        made = {info.tag_field: info.tag} if info.tag_field else {}
        for field in info.fields:
            wanted = field.required or random.random() < 0.7
            if wanted and not (spoil and random.random() < SPOILED / 2):
                made[field.encode_name] = self._made(random, field.type, spoil)
        if spoil and random.random() < SPOILED:
            made[random.choice(TEXTS)] = self.anything(random)
        return made


@cache
def _described(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _number(random: Random, info: inspect.IntType) -> int:
    low, high = info.ge if info.ge is not None else 0, info.le if info.le is not None else 2**53
    return random.choice((int(low), int(low) + 1, random.randint(int(low), int(high)), random.randrange(40), int(high)))


def _text(random: Random, info: inspect.StrType) -> str:
    if info.pattern and "A-Za-z0-9" in info.pattern:
        return "".join(random.choices(WORD, k=random.choice((1, 11, 22, 43))))
    return random.choice(TEXTS) * random.choice((1, 1, 3, 60))


def turned(random: Random, raw: bytes) -> bytes:
    """The same bytes but for a few: cut, doubled, swapped, overwritten, or with something special put in."""
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        at, to = sorted((random.randrange(len(raw) + 1), random.randrange(len(raw) + 1)))
        match random.randrange(6):
            case 0:
                raw = raw[:at] + raw[to:]
            case 1:
                raw = raw[:to] + raw[at:to] + raw[to:]
            case 2:
                raw = raw[:at] + raw[to:] + raw[at:to]
            case 3:
                raw = raw[:at] + random.randbytes(min(3, to - at)) + raw[at + 3 :]
            case 4:
                raw = raw[:at] + random.choice(SPECIAL) + raw[at:]
            case _:
                raw = raw[:at]
    return raw


def as_json(value: Any) -> bytes:
    """Its JSON; what has none is told as text."""
    return msgspec.json.encode(value, enc_hook=repr)


def as_msgpack(value: Any) -> bytes:
    """Its MessagePack; a number too large for it is told as text."""
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        return msgspec.msgpack.encode(repr(value))
