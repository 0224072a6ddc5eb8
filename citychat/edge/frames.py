"""WebSocket frames: read out of whatever pieces a client's come in, and written (RFC 6455 §5 to §8, no extensions)."""

import codecs
import struct

# tornado 6.5–6.6, private: in C, and in Python where that was not built. Big integers take six times as long.
from tornado.util import _websocket_mask as _unmasked

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
PROTOCOL_ERROR, NOT_UTF8, TOO_BIG = 1002, 1007, 1009
_WHOLE_TEXT = 0x81
_RESERVED = 0x70
_MASKED = 0x80
_UTF8 = codecs.getincrementaldecoder("utf-8")

Frame = tuple[int, str | bytes]
"""Kind and payload: a message, under its kind, as str when it is text; a control frame; or CONTINUATION for a fragment
whose message is not whole yet, with no payload."""


class BrokenFrame(Exception):
    """A frame that no honest client sends. ``code`` closes its connection; the text says which rule it broke, never
    what was in it."""

    def __init__(self, code: int, rule: str) -> None:
        super().__init__(rule)
        self.code = code


def valid_close(code: int) -> bool:
    """Tell whether a client may send this close code: one of the standard and its registry, or of those set free."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000


class _Fragments:
    """A message of which fragments have come. Text is decoded piece by piece: wrong bytes are found at once."""

    __slots__ = ("_decoder", "_parts", "kind")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self._decoder = _UTF8() if kind == TEXT else None
        self._parts: list[str | bytes] = []

    def add(self, payload: bytes, last: bool) -> None:
        """Raises UnicodeDecodeError."""
        part = payload if self._decoder is None else self._decoder.decode(payload, last)
        if part:  # a million empty fragments are none
            self._parts.append(part)

    def whole(self) -> str | bytes:
        if self._decoder is None:
            return b"".join(self._parts)  # type: ignore[arg-type]  # of one kind all
        return "".join(self._parts)  # type: ignore[arg-type]


class FrameReader:
    """The bytes of one client, in pieces of any size; out come frames, in order. ``most_bytes``: of a message.

    ``ahead``: bytes that were not read yet, of whole frames or not.
    """

    __slots__ = ("_at", "_fragments", "_most_bytes", "_room_bytes", "ahead")

    def __init__(self, most_bytes: int, ahead: bytes = b"") -> None:
        self.ahead = ahead
        self._at = 0  # what stands before it is read
        self._most_bytes = self._room_bytes = most_bytes
        self._fragments: _Fragments | None = None

    def next(self, come: bytes = b"") -> Frame | None:
        """Read one frame of what is there and what has ``come``; None until more has. Raises BrokenFrame as soon as the
        bytes show it."""
        if come:
            self.ahead = self.ahead[self._at :] + come if self.ahead else come
            self._at = 0
        data, at = self.ahead, self._at
        if len(data) - at < 2:
            return None
        head, size = data[at], data[at + 1] ^ _MASKED
        if head != _WHOLE_TEXT or size > 127 or self._fragments is not None:
            self._check(head, size)
        start = at + 6
        if size > 125:
            width = 2 if size == 126 else 8
            if len(data) - at < 2 + width:
                return None
            size = _long_size(data[at + 2 : at + 2 + width])
            start += width
        if size > self._room_bytes and head & 0x0F < CLOSE:
            raise BrokenFrame(TOO_BIG, "a message over the limit")
        end = start + size
        if end > len(data):
            return None
        if end == len(data):  # an idle page keeps nothing of its last frame
            self.ahead, self._at = b"", 0
        else:
            self._at = end
        payload = _unmasked(data[start - 4 : start], data[start:end])
        try:
            if head == _WHOLE_TEXT:
                return TEXT, payload.decode()
            return self._other(head, payload)
        except UnicodeDecodeError:
            raise BrokenFrame(NOT_UTF8, "text that is not UTF-8") from None

    def _check(self, head: int, size: int) -> None:
        """Look at the first two bytes of a frame."""
        kind, final = head & 0x0F, head >= 0x80
        broken = ""
        if size > 127:
            broken = "a frame without a mask"
        elif head & _RESERVED:
            broken = "reserved bits"
        elif kind >= CLOSE:
            if kind > PONG:
                broken = "an unknown opcode"
            elif not final or size > 125:
                broken = "a control frame that is long or in fragments"
        elif kind > BINARY:
            broken = "an unknown opcode"
        elif (kind == CONTINUATION) != (self._fragments is not None):
            broken = "a fragment out of its order"
        if broken:
            raise BrokenFrame(PROTOCOL_ERROR, broken)

    def _other(self, head: int, payload: bytes) -> Frame:
        """Read what is no whole text. Raises UnicodeDecodeError too."""
        kind, final = head & 0x0F, head >= 0x80
        if kind >= CLOSE:
            if kind == CLOSE:
                _check_close(payload)
            return kind, payload
        if kind != CONTINUATION:
            if final:
                return kind, payload
            self._fragments = _Fragments(kind)
        fragments = self._fragments
        assert fragments is not None  # or _check has raised
        fragments.add(payload, final)
        self._room_bytes -= len(payload)
        if not final:
            return CONTINUATION, b""
        self._fragments, self._room_bytes = None, self._most_bytes
        return fragments.kind, fragments.whole()


def _long_size(given: bytes) -> int:
    """A length of two or eight bytes. Raises BrokenFrame for one that would fit into less."""
    size = int.from_bytes(given, "big")
    if size < (126 if len(given) == 2 else 65_536) or size >= 2**63:
        raise BrokenFrame(PROTOCOL_ERROR, "a length that is not written as it must be")
    return size


def _check_close(payload: bytes) -> None:
    """Raises BrokenFrame, and UnicodeDecodeError for its reason."""
    if len(payload) == 1 or (payload and not valid_close(int.from_bytes(payload[:2], "big"))):
        raise BrokenFrame(PROTOCOL_ERROR, "a close code that nobody may send")
    payload[2:].decode()


def text_frame(text: bytes) -> bytes:
    """One whole, unmasked text frame."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 65_536:
        return struct.pack("!BBH", _WHOLE_TEXT, 126, size) + text
    return struct.pack("!BBQ", _WHOLE_TEXT, 127, size) + text


def close_frame(code: int) -> bytes:
    """A close frame without a reason."""
    return struct.pack("!BBH", 0x80 | CLOSE, 2, code)


def answer_frame(kind: int, payload: bytes) -> bytes:
    """A control frame with what the client's had: its pong, or the answer to its close."""
    return b"%c%c%b" % (0x80 | kind, len(payload), payload)
