"""Documents in MongoDB's collections, field by field, and the reader that takes nothing on trust.

| Collection | `_id` | Fields |
| --- | --- | --- |
| messages | s:side:st:n | those of a Message, ``after_end``; an erase empties ``x``, a gap gives way to its message |
| erased | of the message | s, x, since, gone: a text that was erased, kept for the evidence of a report |
| guests | the guest | those of a Guest |
| sessions | the session | those of a Session; ``erasing``: the last erase, until a prune has looked again; ``gaps`` |
| barred | a:b | pair, at; ``goes``: when it is looked at again, ``FOR_GOOD_MS`` while both guests are there |
| shuns | guest:network | guest, network, at, gone |
| wishes | s:guest | s, guest, at, gone |
| reports | s:reporter | those of a Report, evidence, state, ``told``; ``side``, ``counts`` and all else of a Case |
| trail | the number, in 12 digits | those of an Act; hash |
| pauses | the guest, or network:mark | until, reason, rule, gone; of a guest ``at``: when it was made, code, lifted |
| house | closed, turn:what:number | words, until, gone: the host's word, or who has a turn |
| signs | the guest | those of an AskedSign, gone |
| erased_guests | the guest | at, networks, gone: their token makes nobody again |

``gaps`` marks a session with gap rows, ``after_end`` a message kept when its session had ended. ``gone`` is a date, for
servers that delete by themselves. Ids of ours are base64url: a ":" parts them for sure.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct, field

from citychat.adapters.mongo.connection import Document, Mongo
from citychat.adapters.mongo.index import Index
from citychat.model import WIRE_LETTERS, Guest, Id, Message, Number, Session, sound

# Every find and every delete has one that serves it; _id is always there.
INDEXES = (
    Index("messages", ("s", "side", "st", "n")),
    Index("messages", ("s", "l", "side", "st", "n")),
    Index("erased", ("s",)),
    Index("erased", ("gone",), lapses=True),
    Index("guests", ("seen",)),
    Index("sessions", ("members", "started")),
    Index("sessions", ("ended", "started")),
    Index("sessions", ("expires",)),
    Index("sessions", ("erasing",)),
    Index("barred", ("pair",)),
    Index("barred", ("goes",)),
    Index("shuns", ("guest", "at")),
    Index("shuns", ("gone",), lapses=True),
    Index("wishes", ("s",)),
    Index("wishes", ("guest",)),
    Index("wishes", ("gone",), lapses=True),
    Index("reports", ("code",)),
    Index("reports", ("accused", "at")),
    Index("reports", ("reporter", "at")),
    Index("reports", ("networks", "at")),
    Index("reports", ("goes",)),
    Index("reports", ("objected",)),
    Index("reports", ("told", "at")),
    Index("trail", ("at",)),
    Index("house", ("gone",), lapses=True),
    Index("signs", ("gone",), lapses=True),
    Index("pauses", ("at",)),
    Index("pauses", ("gone",), lapses=True),
    Index("erased_guests", ("at",)),
    Index("erased_guests", ("gone",), lapses=True),
)
OBSOLETE = (("guests", "place.cell"),)  # the square of 2 km of versions 0.1.0 and 0.2.0
SLICE_ROWS = 500  # a step on them takes milliseconds: chats must not wait for an erase or a prune
PLACE = ("s", "side", "st", "n")
NEWEST_FIRST = (("l", -1), ("side", -1), ("st", -1), ("n", -1))

T = TypeVar("T")
log = logging.getLogger(__name__)


class MessageKeyDocument(Struct, frozen=True, rename=WIRE_LETTERS | {"id": "_id"}):
    """The place of a message; ``previous``, where it was asked for: what it links to."""

    id: str
    session: Id
    side: int
    stream: Id
    number: Number
    to: Number | None = None
    previous: tuple[Id, Number] | None = None

    @property
    def last(self) -> int:
        return self.number if self.to is None else self.to


class ErasedTextDocument(Struct, frozen=True):
    """An erased text."""

    id: str = field(name="_id")
    text: str = field(name="x")


class AvoidedNetworkDocument(Struct, frozen=True):
    network: str
    at: int


class WishDocument(Struct, frozen=True):
    guest: str
    at: int


class BlockedPairDocument(Struct, frozen=True):
    pair: tuple[str, str]


class ReportDocument(Struct, frozen=True):
    """The part of a report that the rule of three needs, and of which its reporter is told."""

    code: str
    reporter: str
    accused: str
    at: int
    networks: tuple[str, ...]
    state: Literal["received", "acted", "none"]
    counts: bool = True  # those of 0.2.0 do
    closed: int | None = None
    held: int = 0
    objected: int | None = None
    lifted: int | None = None


class ErasedGuestDocument(Struct, frozen=True):
    """The rest of a guest who was erased."""

    at: int
    networks: tuple[str, ...] = ()


class IdDocument(Struct, frozen=True):
    """The id of a document."""

    id: str = field(name="_id")


class SeenDocument(Struct, frozen=True):
    """The time when a guest was last seen."""

    id: str = field(name="_id")
    seen: int


class MembersDocument(Struct, frozen=True):
    members: tuple[str, ...]


class StartedDocument(Struct, frozen=True):
    id: str = field(name="_id")
    started: int


class MarkedSessionDocument(Struct, frozen=True):
    """The sides of a session whose texts are erased; ``erasing``: last done when, until a prune has looked again.
    ``gaps``: some of its rows may be gaps; ``ended``: as in Session."""

    id: str = field(name="_id")
    erased: tuple[int, ...] = ()
    gaps: bool = False
    erasing: int = 0
    ended: int | None = None

    def marks(self, message: Message) -> Document:
        """Return what the row of a message that is kept now has besides, or instead of, the message's own fields."""
        return ({"x": ""} if message.side in self.erased else {}) | ({"after_end": True} if self.ended else {})


class DocumentReader:
    """Makes values of documents. What is not one of ours is dropped, counted by collection and told once."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()

    def read(
        self, collection: str, documents: Iterable[Document], kind: type[T], ours: Callable[[T], bool] | None = None
    ) -> list[T]:
        """Read documents as values; what is not one of ours is dropped. ``ours``: a check beyond the types."""
        found = []
        for document in documents:
            try:
                value = msgspec.convert(document, kind)
                if _is_plain(document) and (ours is None or ours(value)):
                    found.append(value)
                    continue
            except (msgspec.ValidationError, RecursionError):
                pass
            self._drop(collection)
        return found

    def messages(self, documents: Iterable[Document]) -> list[Message]:
        """A message under an ``_id`` that is not its own may stand there twice: dropped as well."""
        found = []
        for document in documents:
            for message in self.read("messages", [document], Message):
                kept = sound(message)
                if kept is None or document.get("_id") != id_of(kept):
                    self._drop("messages")
                else:
                    found.append(kept)
        return found

    def places(self, documents: Iterable[Document]) -> list[MessageKeyDocument]:
        return self.read("messages", documents, MessageKeyDocument, _is_at_its_place)

    def sessions(self, documents: Iterable[Document]) -> list[Session]:
        renamed = ({**document, "id": document.get("_id")} for document in documents)
        found = self.read("sessions", renamed, Session, _is_session)
        return [msgspec.structs.replace(session, erased=tuple(sorted(session.erased))) for session in found]

    def guests(self, documents: Iterable[Document]) -> list[Guest]:
        return self.read("guests", ({**document, "id": document.get("_id")} for document in documents), Guest)

    def _drop(self, collection: str) -> None:
        if not self.dropped[collection]:
            log.warning("the collection %s holds what is not ours; it is passed over", collection)
        self.dropped[collection] += 1


def _is_plain(value: object) -> bool:
    """Tell whether there is no JavaScript in it: the driver gives that as texts that cannot be keys."""
    match value:
        case dict():
            return all(map(_is_plain, value.values()))
        case list():
            return all(map(_is_plain, value))
    return type(value) is str or not isinstance(value, str)


def _is_at_its_place(p: MessageKeyDocument) -> bool:
    return p.id == message_id(p.session, p.side, p.stream, p.number)


def _is_session(session: Session) -> bool:
    two = len(session.members) == len(set(session.members)) == len(session.aliases) == 2
    return two and all(side in (0, 1) for side in session.erased)


def text(value: str) -> str:
    """The value for a query. Raises TypeError for anything but a text: a dictionary would be an operator."""
    if not isinstance(value, str):
        raise TypeError(f"expected a text, not {type(value).__name__}")
    return value


def message_id(session_id: str, side: int, stream: str, number: int) -> str:
    return f"{session_id}:{side}:{stream}:{number}"


def id_of(m: Message) -> str:
    return message_id(m.session, m.side, m.stream, m.number)


def pair_id(a: str, b: str) -> str:
    """Return the ``_id`` of a blocked pair, in whichever order they are named."""
    return ":".join(sorted((text(a), text(b))))


def to_row(m: Message) -> Document:
    row: Document = {
        "_id": id_of(m), "s": m.session, "side": m.side, "st": m.stream, "n": m.number, "l": m.lamport, "x": m.text,
        "at": m.at}  # fmt: skip
    if m.previous is not None:
        row["p"] = m.previous
    if m.kind is not None:
        row["k"] = m.kind
    if m.to is not None:
        row["to"] = m.to
    return row


def to_session(session: Session) -> Document:
    fields: Document = {name: getattr(session, name) for name in ("members", "aliases", "city", "started", "expires")}
    return {
        "_id": session.id,
        **fields,
        "ended": session.ended,
        **({"erased": session.erased} if session.erased else {}),
    }


def to_guest(guest: Guest) -> Document:
    fields: Document = msgspec.to_builtins(guest)
    return {"_id": fields.pop("id"), **fields}


async def newest_messages(mongo: Mongo, reader: DocumentReader, where: Document, limit: int) -> list[Message]:
    """The newest ``limit`` messages that are ours, newest first; read on for each that is not."""
    found: list[Message] = []
    read, wanted = 0, limit
    while wanted > 0:
        documents = await mongo.find("messages", where, order=NEWEST_FIRST, skip=read, limit=wanted)
        found += reader.messages(documents)
        read += len(documents)
        wanted = limit - len(found) if len(documents) == wanted else 0
    return found


def earlier(order: tuple[int, int, str, int]) -> Document:
    """Return a filter for what comes before that place in the transcript. The range over ``l`` alone lets the index
    begin there."""
    lamport, side, stream, number = order
    return {
        "l": {"$lte": lamport},
        "$or": [
            {"l": {"$lt": lamport}},
            {"side": {"$lt": side}},
            {"side": side, "st": {"$lt": text(stream)}},
            {"side": side, "st": text(stream), "n": {"$lt": number}},
        ],
    }


def slices(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[i : i + size] for i in range(0, len(values), size))
