"""Everything that reads what others have written, each with what it may make of it.

A layer reads one frame and says whether it took it. Whatever it raises besides its refusals is a find; so is a value
that does not survive being written and read again.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, get_args

import bson
import msgspec

from citychat.adapters.mongo import documents
from citychat.adapters.mongo.pauses import PausedDocument
from citychat.adapters.rabbitmq import consumers
from citychat.adapters.redis import lobby
from citychat.adapters.sqlite.guests import _to_guest
from citychat.adapters.sqlite.rows import to_message
from citychat.adapters.sqlite.sessions import to_session
from citychat.edge.frames import BrokenFrame, Frame, FrameReader
from citychat.edge.packets import Malformed, Packet
from citychat.handlers import ChatEvents, Namespace, UserEvents
from citychat.handlers.dispatcher import shaped
from citychat.model import BadPayload, Guest, Message, Session
from citychat.places import position
from citychat.ports import BusEvent, decode, encode
from citychat.tokens import Claims, SigningKey, SigningKeys, Tokens
from tests.fuzz.grammar import TEXTS, Grammar, as_json, as_msgpack, turned

NOW_MS = 1_700_000_000_000
KEYS = SigningKeys(SigningKey("k", bytes(range(32))))
TOKENS = Tokens(KEYS, lambda: NOW_MS)
JSON = Grammar()


@dataclass(frozen=True)
class Layer:
    """``make`` draws a frame; ``take`` reads it, and answers whether it is one; ``refusals`` are what it may raise."""

    name: str
    make: Callable[[Random], Any]
    take: Callable[[Any], bool]
    refusals: tuple[type[Exception], ...] = ()


def _mutated(random: Random, raw: bytes) -> bytes:
    return turned(random, raw) if random.random() < 0.5 else raw


def _spoil(random: Random) -> bool:
    return random.random() < 0.7


# -- what comes over a socket ------------------------------------------------------------------------------------------


def _frames(random: Random) -> bytes:
    """A few frames of a client, in most of which something is wrong."""
    made = b""
    for _ in range(random.randrange(1, 5)):
        payload = random.choice(TEXTS).encode("utf-8", "replace")[: random.choice((5, 125, 300))]
        kind = random.choice((1, 1, 1, 2, 0, 8, 9, 10, random.randrange(16)))
        head = random.choice((0x80, 0x80, 0x80, 0, random.randrange(16) << 4)) | kind
        size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        made += bytes((head,)) + size + bytes(4) + payload  # a mask of zeros leaves it as it is
    return _mutated(random, made)


def _read_in(pieces: list[bytes]) -> tuple[list[Frame], int]:
    """What is read, and the code of what was wrong."""
    reader, read = FrameReader(256), list[Frame]()
    try:
        for piece in pieces:
            frame = reader.next(piece)
            while frame is not None:
                read.append(frame)
                frame = reader.next()
    except BrokenFrame as error:
        return read, error.code
    return read, 0


def _take_frames(raw: bytes) -> bool:
    read, code = _read_in([raw])
    assert (read, code) == _read_in([raw[at : at + 1] for at in range(len(raw))]), "in pieces it is something else"
    return bool(read) and not code


# -- what pages send ---------------------------------------------------------------------------------------------------

EVENTS: dict[str, type[msgspec.Struct]] = {}


def _events() -> dict[str, type[msgspec.Struct]]:
    """The shape of every event's payload, by its name."""
    if not EVENTS:
        unbound: Any = type("Unbound", (), {"__getattr__": lambda self, name: self})()
        namespaces: tuple[Namespace, ...] = (UserEvents(unbound, unbound), ChatEvents())
        EVENTS.update({name: event.shape for each in namespaces for name, event in each.events.items()})
    return EVENTS


def event(random: Random) -> tuple[str, Any]:
    """The name of an event, and a payload for it that may be wrong."""
    name = random.choice(list(_events()))
    return name, JSON.value(random, _events()[name], _spoil(random))


def packet(random: Random, broken: float = 0.7) -> str:
    """A Socket.IO packet with an event; ``broken``: the share of those that no page would send."""
    name, payload = event(random)
    namespace = "/" + name.partition("-")[0]
    if random.random() >= broken:
        return f"2{namespace},{random.choice(('', '1', '7'))}" + as_json([name, payload]).decode("utf-8", "replace")
    namespace = random.choice((namespace, "/user", "/chat", "/other", ""))
    head = f"{random.choice('2222222013456')}{namespace},{random.choice(('', '1', str(10**15), '01'))}"
    raw = head.encode() + as_json([name, payload][: random.choice((2, 2, 2, 1))])
    return _mutated(random, raw).decode("utf-8", "replace")


def _position(random: Random) -> Any:
    """What a browser says of where it is, or anything."""
    parts = {
        name: random.choice((random.uniform(-200, 200), JSON.anything(random))) for name in ("lat", "lon", "accuracy")
    }
    return parts if random.random() < 0.8 else JSON.anything(random)


def _take_packet(text: str) -> bool:
    read = Packet(encoded_packet=text)
    if read.data is not None and not isinstance(read.data, list | dict):
        return True  # a bare number would be read as the id before it: no server sends one
    again = Packet(encoded_packet=read.encode())
    assert (again.packet_type, again.namespace or "/", again.id) == (read.packet_type, read.namespace or "/", read.id)
    return True


def _take_event(made: tuple[str, Any]) -> bool:
    name, payload = made
    shaped(payload, _events()[name])
    return True


def _token(random: Random) -> str:
    claims = Claims(**JSON.value(random, Claims)) if random.random() < 0.5 else Claims("g", "1", NOW_MS, adult=True)
    raw = TOKENS.issue(claims).encode()
    return (turned(random, raw) if random.random() < 0.8 else raw).decode("utf-8", "replace")


# -- what processes and stores hand on ---------------------------------------------------------------------------------


def _record(random: Random) -> bytes:
    kind = random.choice(get_args(BusEvent))
    return _mutated(random, as_json(JSON.value(random, kind, _spoil(random))))


def _take_record(raw: bytes) -> bool:
    record = decode(raw)
    assert record is None or decode(encode(record)) == record
    return record is not None


def _mail(random: Random) -> bytes:
    return _mutated(random, as_json(JSON.value(random, Message, _spoil(random))))


def _take_mail(raw: bytes) -> bool:
    message = consumers.decode(raw)
    assert message is None or consumers.decode(consumers.encode(message)) == message
    return message is not None


ANSWERS: tuple[msgspec.msgpack.Decoder[Any], ...] = (
    lobby.ENTERED, lobby.SOUGHT, lobby.OFFER, lobby.STATUS, lobby.WORDS, lobby.FLAG, lobby.NUMBER_OR_NOTHING,
)  # fmt: skip


def _lobby_reply(random: Random) -> tuple[Any, bytes]:
    decoder = random.choice(ANSWERS)
    return decoder, _mutated(random, as_msgpack(JSON.value(random, decoder.type, _spoil(random))))


def _take_lobby_reply(reply: tuple[Any, bytes]) -> bool:
    decoder, raw = reply
    decoder.decode(raw)
    return True


# -- what is stored ----------------------------------------------------------------------------------------------------


def _odd(random: Random) -> Any:
    """What only BSON has."""
    return random.choice(
        (
            bson.ObjectId(b"0" * 12), bson.Binary(b"\xff"), bson.Regex("("), bson.Int64(2**62), bson.MinKey(),
            datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31), float("nan"), float("inf"), bson.Code("x"),
            bson.Decimal128("NaN"), bson.Timestamp(1, 1), {"$gt": ""},
        )
    )  # fmt: skip


BSON = Grammar(_odd)
DOCUMENTS: dict[str, type] = {
    "messages": Message, "sessions": Session, "guests": Guest, "erased": documents.ErasedTextDocument,
    "shuns": documents.AvoidedNetworkDocument, "wishes": documents.WishDocument,
    "barred": documents.BlockedPairDocument,
    "reports": documents.ReportDocument, "pauses": PausedDocument, "places": documents.MessageKeyDocument,
    "erased sessions": documents.MarkedSessionDocument, "members": documents.MembersDocument,
}  # fmt: skip


def _document(random: Random) -> tuple[str, dict[str, Any]]:
    name = random.choice(list(DOCUMENTS))
    made = BSON.value(random, DOCUMENTS[name], _spoil(random))
    document = made if isinstance(made, dict) else {"_id": made}
    if name == "messages" and random.random() < 0.7:
        document["_id"] = ":".join(str(document.get(part)) for part in documents.PLACE)
    elif random.random() < 0.7:
        document.setdefault("_id", document.get("id", random.choice(TEXTS)))
    return name, document


def _take_document(made: tuple[str, dict[str, Any]]) -> bool:
    name, document = made
    reader = documents.DocumentReader()
    readers: dict[str, Callable[[list[dict[str, Any]]], list[Any]]] = {
        "messages": reader.messages, "sessions": reader.sessions, "guests": reader.guests, "places": reader.places,
    }  # fmt: skip
    found = readers[name]([document]) if name in readers else reader.read(name, [document], DOCUMENTS[name])
    assert bool(found) != bool(reader.dropped), "neither taken nor counted as dropped"
    return bool(found)


def _row(random: Random) -> tuple[str, tuple[Any, ...]]:
    """Columns of the types that STRICT tables hold, with any content; JSON in some."""
    made = JSON.value(random, random.choice((Message, Session, Guest)), _spoil(random))
    fields = made if isinstance(made, dict) else {}

    def number() -> int:
        return random.randrange(2**53)

    def text() -> str:
        return random.choice(TEXTS)

    row: tuple[Any, ...]
    listed = [
        _mutated(random, as_json(fields.get(name, made))).decode("utf-8", "replace") for name in ("members", "aliases")
    ]
    kind = random.choice(("message", "session", "guest"))
    match kind:
        case "message":
            previous, gap = random.choice((None, text())), random.choice((None, "gap"))
            row = (text(), number(), text(), number(), number(), text(), number(), previous, number(), gap)
            row += random.choice(((), (None,), (number(),)))
        case "session":
            row = (text(), *listed, text(), number(), number(), random.choice((None, number())), number())
        case _:
            row = (_mutated(random, as_json(made)).decode("utf-8", "replace"),)
    return kind, row


def _take_row(made: tuple[str, tuple[Any, ...]]) -> bool:
    kind, row = made
    readers: dict[str, Callable[[Any], Any]] = {
        "message": to_message, "session": to_session, "guest": lambda columns: _to_guest([columns])
    }  # fmt: skip
    return readers[kind](row) is not None


LAYERS = (
    Layer("WebSocket frames", _frames, _take_frames),
    Layer("packets", packet, _take_packet, (Malformed,)),
    Layer("event payloads", event, _take_event, (BadPayload,)),
    Layer("positions", _position, lambda raw: position(raw) is not None),
    Layer("tokens", _token, lambda token: TOKENS.read(token) is not None),
    Layer("bus records", _record, _take_record),
    Layer("mailbox messages", _mail, _take_mail),
    Layer("lobby replies", _lobby_reply, _take_lobby_reply, (msgspec.DecodeError,)),
    # Refused to whoever asked, with a line in the log
    Layer("SQLite rows", _row, _take_row, (msgspec.DecodeError, RecursionError)),
    Layer("MongoDB documents", _document, _take_document),
)
