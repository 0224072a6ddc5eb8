"""Packet codec: Socket.IO packets as text only, read strictly, written once."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from citychat.edge.library import packet

# A client's ack ids count from 0. Fifteen digits stay exact in a double, so every honest parser agrees on them; the
# library takes 100 digits and multiplies the cost of a frame.
_HEAD = re.compile(r"([0-6])(?:(/[^,\s]{0,63})(?:,|\Z))?([0-9]{1,15}(?![0-9]))?", re.ASCII)
_OF_CLIENTS = packet.CONNECT, packet.DISCONNECT, packet.EVENT, packet.ACK
_HALF = re.compile(r"[\ud800-\udfff]")
_decode = msgspec.json.Decoder().decode


class Malformed(Exception):
    """A frame that no honest client sends; the message says which rule it broke, never what was in it."""


class Packet(packet.Packet):  # type: ignore[misc]  # the library has no types
    """A Socket.IO packet without attachments (python-socketio's ``serializer=``).

    The library's own keeps a packet that announces attachments until they have come: one guest announcing 9,999,999,999
    of them grew the process by 180 MB in a second. Raises Malformed when decoding.
    """

    uses_binary_events = False

    def __init__(
        self,
        packet_type: int = packet.EVENT,
        data: Any = None,
        namespace: str | None = None,
        id: int | None = None,
        binary: bool | None = None,
        encoded_packet: str | None = None,
    ) -> None:
        self.packet_type = packet_type
        self.data = data
        self.namespace = namespace
        self.id = id
        self.attachment_count = 0
        if encoded_packet is not None:
            self.decode(encoded_packet)

    def encode(self) -> str:
        number = "" if self.id is None else str(self.id)
        data = "" if self.data is None else to_json(self.data).decode()
        return f"{self.packet_type}{_prefix(self.namespace)}{number}{data}"

    def decode(self, encoded_packet: str) -> int:
        self.packet_type, self.namespace, self.id, self.data = read(encoded_packet)
        return 0


def read(text: str) -> tuple[int, str | None, int | None, Any]:
    """A client's Socket.IO packet: type, namespace (None: the root), ack id and data, of an event a list that begins
    with its name. Raises Malformed."""
    head = _HEAD.match(text)
    if head is None:
        raise Malformed("no packet type")
    digit, namespace, number = head.groups()
    kind = int(digit)
    if kind not in _OF_CLIENTS:
        raise Malformed("a packet type that only servers or binary packets have")
    rest = text[head.end() :]
    data = from_json(rest) if rest else None
    if kind == packet.EVENT and not (isinstance(data, list) and data and isinstance(data[0], str)):
        raise Malformed("an event without a name")
    return kind, namespace, None if number is None else int(number), data


def _prefix(namespace: str | None) -> str:
    return "" if namespace is None or namespace == "/" else namespace + ","


def from_json(text: str) -> Any:
    """Untyped JSON. Half of a surrogate pair becomes U+FFFD: browsers escape it, and a page with one such character in
    its outbox would otherwise be closed, come back and send it again for ever. Raises Malformed."""
    try:
        try:
            return _decode(text)
        except msgspec.DecodeError:
            return _decode(_whole(text))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise Malformed("not JSON") from None


def _whole(text: str) -> str:
    """The same JSON without halves of surrogate pairs: read by the library that takes them, and no step for each
    escape, of which a frame may have 8,000."""
    return _HALF.sub("\ufffd", json.dumps(json.loads(text), ensure_ascii=False))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"cannot send a {type(value).__name__} to a page")


to_json = msgspec.json.Encoder(enc_hook=_plain).encode


def event_text(namespace: str, event: str, payload: Mapping[str, object]) -> bytes:
    """An Engine.IO message with a Socket.IO event."""
    return b"4%d%b,%b" % (packet.EVENT, namespace.encode(), to_json((event, payload)))


def ack_text(namespace: str, number: int, payload: Mapping[str, object]) -> bytes:
    """An Engine.IO message with the answer to event ``number``."""
    return b"4%d%b,%d%b" % (packet.ACK, namespace.encode(), number, to_json((payload,)))
