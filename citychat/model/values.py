"""Guests, places, offers, sessions, messages: the values that everything else passes around.

Everything here is a plain value. Times are milliseconds since 1970, UTC (``_ms`` is left out of field names that travel
on the wire, where `protocol §1` fixes the names). Ids of guests, sessions and offers are 128 random bits, streams 64,
base64url without padding.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from random import Random
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from citychat.limits import bound
from citychat.model.errors import NoSession
from citychat.model.text import HIDDEN

PROTOCOL_VERSION = 1
LAMPORT_MAX = 2**52  # stays exact in the page's doubles

# Bounds that every decoder checks, whoever has written what it reads: those of the page's door, because a page must be
# able to say back what it was told.
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,43}\Z")]
Number = Annotated[int, Meta(ge=1, le=LAMPORT_MAX)]
Time = Annotated[int, Meta(ge=0, le=2**53)]
Languages = Annotated[list[Annotated[str, Meta(pattern=r"^[a-z]{2,3}\Z")]], Meta(max_length=bound("languages"))]
Words = Annotated[str, Meta(max_length=200, pattern=rf"^[^{HIDDEN}]*\Z")]
MessageKey = tuple[str, int]  # (stream, number): names a message for ever
RowKey = tuple[str, int, str, int]  # (session, side, stream, number): names its row in the history
Ranges = list[tuple[int, int]]  # closed ranges of numbers
Source = Literal["position", "ip", "chosen", "home", "network"]


class District(NamedTuple):
    """All that is nearest to the towns of 15,000 people or more of one square of 10 km: the finest place there is. Its
    name is the square's middle, in hundredths of a degree."""

    lat: int
    lon: int


NOWHERE = District(0, 0)  # of a guest or a pool without a place


class Place(Struct, frozen=True):
    """The place of a guest: ``key`` names the pool, ``district`` only ranks inside it and never leaves the server; a
    place that an earlier version has kept comes without one."""

    key: str
    city: str
    country: str
    source: Source
    district: District = NOWHERE

    def shown(self) -> dict[str, str]:
        """Return what the guest's own page learns (protocol §1, ``user-join``)."""
        return {"key": self.key, "city": self.city, "country": self.country, "source": self.source}


class Guest(Struct, frozen=True):
    """A guest as kept between visits. ``moves``: times of the place changes of the last day.

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


PENDING = 0  # in place of the time of its end: not both stores have agreed on the session yet, and nobody is in it


class Session(Struct, frozen=True, omit_defaults=True):
    """A conversation. ``members[0]`` asked; ``aliases[i]`` is what the others call member i.

    ``expires`` is fixed at the start: then the chat ends if it still runs, and is deleted with its messages. ``ended``:
    None while it runs, PENDING before that.
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


WIRE_LETTERS = {
    "session": "s",
    "stream": "st",
    "number": "n",
    "lamport": "l",
    "text": "x",
    "previous": "p",
    "kind": "k",
}  # how fields of a message are called where they travel and are kept (protocol §1)


class Message(Struct, frozen=True, omit_defaults=True, rename=WIRE_LETTERS):
    """One message as it travels, waits and is kept: the shape of ``chat-message`` (protocol §1, §2.1).

    ``(stream, number)`` names it for ever; ``lamport`` orders the chat; ``previous`` is where the stream before this
    one had come to; ``kind`` is set on rows that stand for messages that never came ("gap"): for ``number`` alone, or
    for all up to ``to``.
    """

    session: Id
    side: Annotated[int, Meta(ge=0, le=1)]
    stream: Id
    number: Number
    lamport: Number
    text: str
    at: Time
    previous: tuple[Id, Number] | None = None
    kind: Id | None = None
    to: Number | None = None

    @property
    def last(self) -> int:
        """The last number it stands for: its own, but for a gap of several."""
        return self.number if self.to is None else self.to

    @property
    def key(self) -> MessageKey:
        return self.stream, self.number

    @property
    def row_key(self) -> RowKey:
        return self.session, self.side, self.stream, self.number

    @property
    def order(self) -> tuple[int, int, str, int]:
        return self.lamport, self.side, self.stream, self.number

    @property
    def size_bytes(self) -> int:
        """Upper bound of what the body costs in memory: text plus about 200 bytes of fields."""
        return 4 * len(self.text) + 200


class Offer(Struct, frozen=True, omit_defaults=True):
    """The question put to ``candidate`` on behalf of ``seeker``; ``looking``: the candidate looks too.

    ``ends``: when it is over for the seeker; ``rings_until``: for the candidate, who may have more time (``seconds`` in
    all) without the seeker knowing. ``wished``: the seeker wishes to talk again, and need not look. ``pool``: where the
    seeker was.
    """

    id: str
    seeker: str
    candidate: str
    city: str
    seconds: int
    looking: bool
    ends: int
    rings_until: int = 0  # in events of earlier processes
    wished: bool = False
    pool: str = ""

    def ends_for(self, guest: str) -> int:
        """Return when it is over for one of the two."""
        return self.ends if guest == self.seeker else self.rings_until


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


def merged(ranges: Ranges) -> Ranges:
    """The same numbers, each once, within what a page may number: it may ask for one range a thousand times."""
    found: Ranges = []
    for a, b in sorted((max(a, 1), min(b, LAMPORT_MAX)) for a, b in ranges):
        if a > b:
            continue
        if found and a <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(b, found[-1][1]))
        else:
            found.append((a, b))
    return found


def missing(first: int, last: int, known: Ranges) -> Ranges:
    """The numbers from ``first`` to ``last`` that are in none of the ranges."""
    left: Ranges = []
    for a, b in merged(known):
        if a > last:
            break
        if first < a:
            left.append((first, a - 1))
        first = max(first, b + 1)
    return [*left, (first, last)] if first <= last else left


def reach(known: Ranges) -> int:
    """The last number before the first hole."""
    first = merged(known)[:1]
    return first[0][1] if first and first[0][0] == 1 else 0


def by_stream(keys: Sequence[MessageKey]) -> dict[str, Ranges]:
    """The exact ranges of every stream among ``keys``, streams in order of appearance."""
    numbers: dict[str, list[int]] = {}
    for stream, number in keys:
        numbers.setdefault(stream, []).append(number)
    return {stream: to_ranges(found) for stream, found in numbers.items()}
