"""The words of CityChat: guests, places, offers, sessions, messages, and the errors a guest can be told.

Everything here is a plain value. Times are milliseconds since 1970, UTC (``_ms`` is left out of field names that travel
on the wire, where `protocol §1` fixes the names). Ids of guests, sessions and offers are 128 random bits, streams 64,
base64url without padding.
"""

import re
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from random import Random
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

PROTOCOL_VERSION = 1
CELL_DEGREES = 0.02  # about 2 km: the finest position kept anywhere, against finding a stranger by three distances
TEXT_MAX_CHARS = 2_000
TEXT_MAX_BYTES = 4_096
LAMPORT_MAX = 2**52  # stays exact in the page's doubles
DAY_MS = 86_400_000
MAILBOX_MS = DAY_MS  # how long a message waits for somebody who is away

# Bounds that every decoder checks, whoever has written what it reads: those of the page's door, because a page must be
# able to say back what it was told.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,43}\Z")]
Number = Annotated[int, Meta(ge=1, le=LAMPORT_MAX)]
Time = Annotated[int, Meta(ge=0, le=2**53)]
HIDDEN = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069"  # controls, lone surrogates, bidi overrides
Words = Annotated[str, Meta(max_length=200, pattern=rf"^[^{HIDDEN}]*\Z")]
Key = tuple[str, int]  # (stream, n): names a message for ever
Ranges = list[tuple[int, int]]  # closed ranges of n
Source = Literal["position", "ip", "chosen", "home", "network"]


class Cell(NamedTuple):
    """A square of 0.02 degrees: ``floor(degrees / 0.02)`` of latitude and longitude."""

    lat: int
    lon: int


class Place(Struct, frozen=True):
    """Where a guest is: ``key`` names the pool, ``cell`` only ranks inside it and never leaves the server."""

    key: str
    city: str
    country: str
    source: Source
    cell: Cell

    def shown(self) -> dict[str, str]:
        """What the guest's own page learns (protocol §1, ``user-join``)."""
        return {"key": self.key, "city": self.city, "country": self.country, "source": self.source}


class Guest(Struct, frozen=True):
    """What is kept of a guest between visits. ``moves``: times of the place changes of the last day.

    ``networks`` are keyed hashes of the address (IPv4 or IPv6 /64) under keys rotated daily; ``seen`` is the last join
    or close.
    """

    id: str
    made: int
    seen: int
    consent: str
    consented: int
    place: Place | None = None
    moves: tuple[int, ...] = ()
    networks: tuple[str, ...] = ()


class Session(Struct, frozen=True, omit_defaults=True):
    """A conversation. ``members[0]`` asked; ``aliases[i]`` is what the others call member i.

    ``expires`` is fixed at the start: then the chat ends if it still runs, and is deleted with its messages.
    """

    id: str
    members: tuple[str, ...]
    aliases: tuple[str, ...]
    city: str
    started: int
    expires: int
    ended: int | None = None
    erased: tuple[int, ...] = ()

    def side(self, guest: str) -> int:
        """Index of ``guest`` in ``members``. Raises NoSession for anybody else."""
        if guest not in self.members:
            raise NoSession
        return self.members.index(guest)

    def partner(self, guest: str) -> str:
        return self.members[1 - self.side(guest)]

    def shown(self, guest: str) -> dict[str, object]:
        """The fields of ``user-session`` and ``user-chats`` that do not depend on who is here now."""
        side = self.side(guest)
        fields: dict[str, object] = {
            "session": self.id,
            "side": side,
            "alias": self.aliases[1 - side],
            "you": self.aliases[side],
            "city": self.city,
            "started": self.started,
            "expires": self.expires,
        }
        if self.ended is not None:
            fields["ended"] = self.ended
        return fields


class Message(Struct, frozen=True, omit_defaults=True):
    """One message as it travels, waits and is kept: the shape of ``chat-message`` (protocol §1, §2.1)."""

    s: Id
    side: Annotated[int, Meta(ge=0, le=1)]
    st: Id
    n: Number
    l: Number  # noqa: E741 - the name on the wire
    x: str
    at: Time
    p: tuple[Id, Number] | None = None
    k: Id | None = None

    @property
    def key(self) -> Key:
        return self.st, self.n

    @property
    def order(self) -> tuple[int, int, str, int]:
        return self.l, self.side, self.st, self.n

    @property
    def size_bytes(self) -> int:
        """Upper bound of what the body costs in memory: text plus about 200 bytes of fields."""
        return 4 * len(self.x) + 200


class Offer(Struct, frozen=True):
    """The question put to ``candidate`` on behalf of ``seeker``; ``looking``: the candidate looks too."""

    id: str
    seeker: str
    candidate: str
    city: str
    seconds: int
    looking: bool
    ends: int


class ChatError(Exception):
    """Something went wrong on the server. Please try again."""

    code = "internal"
    retry_ms: int | None = None

    def shown(self) -> dict[str, object]:
        """The failed ack (protocol §1): code, sentence, and what the code carries along."""
        sentence = str(self) or (type(self).__doc__ or "").splitlines()[0]
        failed: dict[str, object] = {"ok": False, "error": self.code, "message": sentence}
        if self.retry_ms is not None:
            failed["retry_ms"] = self.retry_ms
        return failed


class NotJoined(ChatError):
    """Join first."""

    code = "not-joined"


class BadPayload(ChatError):
    """The request was not understood."""

    code = "bad-payload"


class UnknownEvent(ChatError):
    """There is no such event."""

    code = "unknown-event"


class TooLong(ChatError):
    """The text is too long."""

    code = "too-long"


class NoPlace(ChatError):
    """Choose a city first."""

    code = "no-place"


class NoSession(ChatError):
    """There is no such chat."""

    code = "no-session"


class Gone(ChatError):
    """They are no longer waiting."""

    code = "gone"


class Reload(ChatError):
    """This page is older than the server. Please reload it."""

    code = "reload"


class Busy(ChatError):
    """Too fast. Please wait a moment."""

    code = "busy"

    def __init__(self, message: str = "", *, retry_ms: int) -> None:
        super().__init__(message)
        self.retry_ms = retry_ms


class Unavailable(ChatError):
    """A part of the server is away. Please try again in a moment."""

    code = "unavailable"
    retry_ms = 2_000


class RefusedConsent(ChatError):
    """Please accept the rules first."""

    code = "refused-consent"

    def __init__(self, consent: str) -> None:
        super().__init__()
        self.consent = consent

    def shown(self) -> dict[str, object]:
        return super().shown() | {"consent": self.consent}


class Banned(ChatError):
    """You cannot use this server for now."""

    code = "banned"

    def __init__(self, until: int, reason: str, contact: str) -> None:
        super().__init__()
        self.until, self.reason, self.contact = until, reason, contact

    def facts(self) -> dict[str, object]:
        return {"until": self.until, "reason": self.reason, "contact": self.contact}

    def shown(self) -> dict[str, object]:
        return super().shown() | self.facts()


def new_id(random: Random, bits: int = 128) -> str:
    return urlsafe_b64encode(random.randbytes(bits // 8)).rstrip(b"=").decode()


def to_ranges(numbers: Iterable[int]) -> Ranges:
    """The exact closed ranges that hold ``numbers``, ascending."""
    ranges: Ranges = []
    for n in sorted(set(numbers)):
        if ranges and ranges[-1][1] == n - 1:
            ranges[-1] = (ranges[-1][0], n)
        else:
            ranges.append((n, n))
    return ranges


_hidden = re.compile(rf"(?!\n)[{HIDDEN}]")


def clean_text(raw: str) -> str:
    """``raw`` as it may be drawn (protocol §2.1): NFC; no controls but newline, bidi overrides, lone surrogates."""
    if not raw.isprintable():  # most texts are
        raw = _hidden.sub("", raw.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", raw)


def fits(text: str) -> bool:
    """Whether a cleaned text may carry a number: not blank, at most 2,000 code points and 4 KiB."""
    return bool(text.strip()) and len(text) <= TEXT_MAX_CHARS and len(text.encode()) <= TEXT_MAX_BYTES


ALIAS_COLOURS = (
    "Amber", "Teal", "Violet", "Coral", "Indigo", "Olive", "Crimson", "Azure", "Copper", "Jade", "Plum", "Slate",
    "Ruby", "Cobalt", "Moss", "Rose", "Bronze", "Blue", "Green", "Scarlet", "Lilac", "Ochre", "Silver", "Maroon",
)  # fmt: skip
ALIAS_ANIMALS = (
    "Fox", "Heron", "Otter", "Wren", "Badger", "Lynx", "Hare", "Owl", "Swan", "Deer", "Falcon", "Seal", "Robin",
    "Marten", "Crane", "Finch", "Hedgehog", "Ibex", "Jackdaw", "Kestrel", "Lark", "Mole", "Newt", "Oriole", "Panda",
    "Quail", "Raven", "Stork", "Tern", "Vole", "Wolf", "Yak", "Zebra", "Beaver", "Dolphin", "Egret", "Gecko", "Koala",
    "Lemur", "Moose", "Puffin", "Squirrel", "Toad", "Walrus", "Bison", "Camel", "Dormouse", "Eagle", "Ferret", "Goose",
)  # fmt: skip


def new_aliases(random: Random) -> tuple[str, str]:
    """Two names made for one pair; neither colour nor animal is shared, so that nobody mixes them up."""
    colours, animals = random.sample(ALIAS_COLOURS, 2), random.sample(ALIAS_ANIMALS, 2)
    return f"{colours[0]} {animals[0]}", f"{colours[1]} {animals[1]}"


def by_stream(keys: Sequence[Key]) -> dict[str, Ranges]:
    """The exact ranges of every stream among ``keys``, streams in order of appearance."""
    numbers: dict[str, list[int]] = {}
    for st, n in keys:
        numbers.setdefault(st, []).append(n)
    return {st: to_ranges(ns) for st, ns in numbers.items()}
