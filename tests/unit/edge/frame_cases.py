"""What a client may do with WebSocket frames, and what it may not: a table by the sections of RFC 6455.

A case is bytes of a client, the frames that an echo sends back, and the code that closes the connection. ``WELL``: the
client closes it at the end, and has its code back. Sizes that only a large limit lets through are in ``LARGE``.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
WELL = 1000
BROKEN, NOT_UTF8, TOO_BIG = 1002, 1007, 1009
MASK = b"\x37\xfa\x21\x3d"
LIMIT_BYTES = 1 << 20

Echoed = tuple[int, bytes]


class FrameCase(NamedTuple):
    name: str
    sent: bytes
    echoed: list[Echoed]
    code: int = WELL


def framed(payload: bytes, kind: int = TEXT, *, final: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """One frame of a client, any rule of which may be broken."""
    size = len(payload)
    bit = 0x80 if masked else 0
    head = bytes([(0x80 if final else 0) | reserved << 4 | kind])
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    return head + masked_with(payload) if masked else head + payload


def masked_with(payload: bytes) -> bytes:
    """The mask and what it makes of a payload."""
    whole = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")
    return MASK + number.to_bytes(len(payload), "big")


def closing(code: int, reason: bytes = b"") -> bytes:
    return framed(struct.pack("!H", code) + reason, CLOSE)


def pieces(payload: bytes, size: int, kind: int = TEXT, between: bytes = b"") -> bytes:
    """A message in fragments of that size, something between each two."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    frames = [
        framed(part, CONTINUATION if number else kind, final=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]
    return between.join(frames)


def framing() -> Iterator[FrameCase]:
    for kind, letter in ((TEXT, b"*"), (BINARY, b"\xfe")):
        for size in (0, 1, 125, 126, 127, 128, 4_096, 16_384):
            said = letter * size
            yield FrameCase(f"{kind} of {size} bytes", framed(said, kind), [(kind, said)])
    said = b"*" * 10
    yield FrameCase("a frame without a mask", framed(said, masked=False), [], BROKEN)
    yield FrameCase("a ping without a mask", framed(said, PING, masked=False), [], BROKEN)
    for name, head in (
        ("ten in two bytes", b"\x81\xfe\0\x0a"), ("ten in eight bytes", b"\x81\xff" + bytes(7) + b"\x0a"),
        ("a thousand in eight bytes", b"\x82\xff" + bytes(6) + b"\x03\xe8"),
        ("a length with its first bit", b"\x81\xff\x80" + bytes(7)),
    ):  # fmt: skip
        yield FrameCase(name, head + masked_with(said), [], BROKEN)
    many = [f"text {number}".encode() for number in range(100)]
    yield FrameCase("a hundred texts", b"".join(map(framed, many)), [(TEXT, said) for said in many])


def pings() -> Iterator[FrameCase]:
    for payload in (b"", b"Hello", b"\0\xff\xfe\xfd\xfc\xfb\0\xff", b"\xfe" * 125):
        yield FrameCase(f"a ping of {len(payload)} bytes", framed(payload, PING), [(PONG, payload)])
        yield FrameCase(f"a pong of {len(payload)} bytes that nobody asked for", framed(payload, PONG), [])
    yield FrameCase("a ping of 126 bytes", framed(b"\xfe" * 126, PING), [], BROKEN)
    yield FrameCase("a pong of 126 bytes", framed(b"\xfe" * 126, PONG), [], BROKEN)
    yield FrameCase("a pong and a ping", framed(b"odd", PONG) + framed(b"asked", PING), [(PONG, b"asked")])
    ten = [b"payload-%d" % number for number in range(10)]
    yield FrameCase("ten pings", b"".join(framed(each, PING) for each in ten), [(PONG, each) for each in ten])


def reserved_bits() -> Iterator[FrameCase]:
    for bits in range(1, 8):
        for kind in (TEXT, BINARY, CLOSE, PING, PONG):
            sent = framed(b"first") + framed(b"x", kind, reserved=bits) + framed(b"", PING)
            yield FrameCase(f"reserved bits {bits:03b} of {kind}", sent, [(TEXT, b"first")], BROKEN)
    sent = framed(b"a", final=False) + framed(b"b", CONTINUATION, reserved=4)
    yield FrameCase("the bit of compression in a fragment", sent, [], BROKEN)


def opcodes() -> Iterator[FrameCase]:
    for kind in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for payload in (b"", b"payload"):
            sent = framed(b"first") + framed(payload, kind) + framed(b"", PING)
            yield FrameCase(f"opcode {kind} with {len(payload)} bytes", sent, [(TEXT, b"first")], BROKEN)


def fragments() -> Iterator[FrameCase]:
    said = b"fragment1fragment2"
    first, last = framed(said[:9], final=False), framed(said[9:], CONTINUATION)
    lone, more = framed(b"fragment1", CONTINUATION), framed(b"fragment2", CONTINUATION, final=False)
    ping, pong = framed(b"between", PING), (PONG, b"between")
    hello, echoed = framed(b"Hello"), (TEXT, b"Hello")
    yield FrameCase("a ping in fragments", framed(b"a", PING, final=False) + framed(b"b", CONTINUATION), [], BROKEN)
    yield FrameCase("a pong in fragments", framed(b"a", PONG, final=False) + framed(b"b", CONTINUATION), [], BROKEN)
    yield FrameCase("a close in fragments", framed(b"\x03\xe8", CLOSE, final=False), [], BROKEN)
    yield FrameCase("text in two fragments", first + last, [(TEXT, said)])
    yield FrameCase("and a ping between", first + ping + last, [pong, (TEXT, said)])
    yield FrameCase("and a pong between", first + framed(b"", PONG) + last, [(TEXT, said)])
    for name, odd in (("a last fragment of nothing", lone), ("a first fragment of nothing", more)):
        yield FrameCase(name, odd + hello, [], BROKEN)
        yield FrameCase(f"{name} after a text", hello + odd + hello, [echoed], BROKEN)
        yield FrameCase(f"{name} after fragments", first + last + odd, [(TEXT, said)], BROKEN)
    yield FrameCase("a fragment of nothing, again and again", more * 3 + lone, [], BROKEN)
    yield FrameCase("a text within fragments", first + hello + last, [], BROKEN)
    yield FrameCase("a binary within fragments of text", first + framed(b"x", BINARY), [], BROKEN)
    yield FrameCase("fragments within fragments", first + first + last, [], BROKEN)
    five = pieces(b"fragment1fragment2fragment3fragment4fragment5", 9, between=ping)
    whole = b"fragment1fragment2fragment3fragment4fragment5"
    yield FrameCase("five fragments, a ping between each", five, [pong] * 4 + [(TEXT, whole)])
    yield FrameCase("text after fragments", first + last + hello, [(TEXT, said), echoed])
    empty = framed(b"", CONTINUATION, final=False)
    yield FrameCase(
        "fragments without content", framed(b"", final=False) + empty + framed(b"", CONTINUATION), [(TEXT, b"")]
    )
    middle = framed(b"", final=False) + framed(b"middle", CONTINUATION, final=False) + framed(b"", CONTINUATION)
    yield FrameCase("content in the middle alone", middle, [(TEXT, b"middle")])
    yield FrameCase("a thousand empty ones", first + empty * 1_000 + last, [(TEXT, said)])
    yield FrameCase("binary in three fragments", pieces(bytes(range(256)), 100, BINARY), [(BINARY, bytes(range(256)))])


VALID_TEXTS = [
    b"", b"Hello", "κόσμε".encode(), "Hello-µ@ßöäüàá-UTF-8!!".encode(), b"\0", b"\x7f", b"\xc2\x80", b"\xdf\xbf",
    b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xef\xbf\xbe", b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80", b"\xf0\x9f\xbf\xbf", b"\xf4\x8f\xbf\xbe", b"\xf4\x8f\xbf\xbf", "\ufeff\U0001f600é".encode(),
]  # fmt: skip
BROKEN_TEXTS = [
    b"\x80", b"\xbf", b"\x80\xbf\x80", b"\xc3", b"\xc3(", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xe0\x9f\xbf",
    b"\xe2\x82", b"\xe2(\xa1", b"\xe2\x82(", b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80", b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x98", b"\xf0(\x8c\xbc",
    b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xf9\x80\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xfe\xfe\xff\xff", "κόσμε".encode() + b"\xed\xa0\x80edited",
    "κόσμε".encode() + b"\xf4\x90\x80\x80",
]  # fmt: skip


def utf8() -> Iterator[FrameCase]:
    for said in VALID_TEXTS:
        yield FrameCase(f"valid {said!r}", framed(said), [(TEXT, said)])
        for size in (1, 2, 3):
            yield FrameCase(f"valid {said!r} by {size}", pieces(said, size), [(TEXT, said)])
    for said in BROKEN_TEXTS:
        yield FrameCase(f"broken {said!r}", framed(said), [], NOT_UTF8)
        for size in (1, 2):
            yield FrameCase(f"broken {said!r} by {size}", pieces(said, size), [], NOT_UTF8)
        yield FrameCase(f"binary {said!r}", framed(said, BINARY), [(BINARY, said)])
    started = framed("κόσμε".encode(), final=False)
    wrong = framed(b"\xed\xa0\x80", CONTINUATION, final=False)
    yield FrameCase("broken in a fragment, and the rest never comes", started + wrong, [], NOT_UTF8)
    yield FrameCase("half a character at the end", started + framed(b"\xe2\x82", CONTINUATION), [], NOT_UTF8)
    split = framed(b"\xf0\x9f", final=False) + framed(b"", PING) + framed(b"\x98\x80", CONTINUATION)
    yield FrameCase("a character split by a ping", split, [(PONG, b""), (TEXT, b"\xf0\x9f\x98\x80")])


def ends() -> Iterator[FrameCase]:
    hello, echoed = framed(b"Hello"), (TEXT, b"Hello")
    for name, behind in (("a close", closing(1000)), ("a ping", framed(b"", PING)), ("a text", hello)):
        yield FrameCase(f"{name} behind a close is not heard", hello + closing(1000) + behind, [echoed])
    yield FrameCase("a close within fragments", framed(b"a", final=False) + closing(1000) + framed(b"b", 0), [])
    yield FrameCase("a close without a code", framed(b"", CLOSE), [], 0)
    yield FrameCase("half a code", framed(b"\x03", CLOSE), [], BROKEN)
    yield FrameCase("a reason", closing(1000, b"Hello World!"), [])
    yield FrameCase("the longest reason", closing(1000, b"*" * 123), [])
    yield FrameCase("a longer reason", closing(1000, b"*" * 124), [], BROKEN)
    yield FrameCase("a reason that is not UTF-8", closing(1000, b"\xce\xba\xed\xa0\x80edited"), [], NOT_UTF8)
    for code in (*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999):
        yield FrameCase(f"code {code}", closing(code), [], code)
        yield FrameCase(f"code {code} with a reason", closing(code, "gründlich".encode()), [], code)
    for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield FrameCase(f"code {code} that nobody may send", closing(code), [], BROKEN)


def limits() -> Iterator[FrameCase]:
    limit = b"*" * LIMIT_BYTES
    yield FrameCase("a text of the limit", framed(limit), [(TEXT, limit)])
    yield FrameCase("a text over the limit", framed(limit + b"*"), [], TOO_BIG)
    yield FrameCase("a head over the limit", b"\x82\xff" + struct.pack("!Q", 1 << 40), [], TOO_BIG)
    yield FrameCase("fragments of the limit", pieces(limit, 65_536), [(TEXT, limit)])
    yield FrameCase("fragments over the limit", pieces(limit + b"*", 65_536), [], TOO_BIG)
    yield FrameCase("short ones over the limit", framed(limit[2:], final=False) + framed(b"***", 0), [], TOO_BIG)
    full = framed(limit, final=False) + framed(b"p", PING) + framed(b"", CONTINUATION) + framed(limit)
    yield FrameCase("a ping in a full message, and another", full, [(PONG, b"p"), (TEXT, limit), (TEXT, limit)])
    for kind in (TEXT, BINARY):
        for size in (65_535, 65_536, 1 << 18):
            said = b"\x55" * size
            yield FrameCase(f"{kind} of {size} bytes", framed(said, kind), [(kind, said)])
            for part in (1_024, 16_384, 65_536):
                yield FrameCase(f"{kind} of {size} bytes by {part}", pieces(said, part, kind), [(kind, said)])


SMALL = [
    case._replace(name=f"{section.__name__.replace('_', ' ')}: {case.name}")
    for section in (framing, pings, reserved_bits, opcodes, fragments, utf8, ends)
    for case in section()
]
LARGE = list(limits())
