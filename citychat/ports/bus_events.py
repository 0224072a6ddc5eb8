"""What processes tell each other over the bus: one record a message, addressed to a guest's channel.

JSON with a tag, checked against these shapes and their bounds on arrival; anything else is dropped (never pickle). The
embedded bus sends the same bytes, so that it cannot accept what Redis would refuse.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from citychat.limits import bound
from citychat.model import WIRE_LETTERS, Id, Message, Number, Offer, Time, Words
from citychat.model.validation import sound

RANGES_MAX = bound("outbox")  # of one stream: its sender's outbox holds no more messages
RECORD_MAX_BYTES = 32 * 1024  # one text of 4 KiB may grow sixfold when JSON escapes it; the rest is small


class NewMessage(Struct, frozen=True, tag="said"):
    """To the receiver: a message on the live route."""

    message: Message


class Receipt(Struct, frozen=True, tag="receipt", rename=WIRE_LETTERS):
    """To the sender: drawn by the partner's page and in the history, exactly these."""

    session: Id
    stream: Id
    ranges: Annotated[list[tuple[Number, Number]], Meta(max_length=RANGES_MAX)]


class PartnerHere(Struct, frozen=True, tag="here", rename=WIRE_LETTERS):
    """To the partner: my page has joined, on whatever process."""

    session: Id


class PartnerAway(Struct, frozen=True, tag="away", rename=WIRE_LETTERS):
    """To the partner: my socket is closed."""

    session: Id
    since: Time


class SessionEnded(Struct, frozen=True, tag="left", rename=WIRE_LETTERS):
    """To the partner: the session has ended."""

    session: Id
    at: Time


class PartnerTyping(Struct, frozen=True, tag="typing", rename=WIRE_LETTERS):
    """To the partner, never stored."""

    session: Id
    on: bool


class TextsErased(Struct, frozen=True, tag="erased", rename=WIRE_LETTERS):
    """To the partner: blank my texts in this session."""

    session: Id


class NewerPage(Struct, frozen=True, tag="takeover"):
    """To the guest's own older page: a newer one entered with this epoch."""

    epoch: Time


class OfferMade(Struct, frozen=True, tag="offered"):
    """To the candidate: somebody asks for you."""

    offer: Offer


class OfferEnded(Struct, frozen=True, tag="over"):
    """To either side of an offer: it has ended; the lobby knows what it became."""

    offer: Id


class SessionBegun(Struct, frozen=True, tag="met"):
    """To a member: this session has begun."""

    session: Id


class GuestPaused(Struct, frozen=True, tag="paused"):
    """To a guest who was paused or banned."""

    until: Time
    reason: Words


BusEvent = (
    NewMessage
    | Receipt
    | PartnerHere
    | PartnerAway
    | SessionEnded
    | PartnerTyping
    | TextsErased
    | NewerPage
    | OfferMade
    | OfferEnded
    | SessionBegun
    | GuestPaused
)

_decoder: msgspec.json.Decoder[BusEvent] = msgspec.json.Decoder(BusEvent)


encode: Callable[[BusEvent], bytes] = msgspec.json.Encoder().encode


def decode(raw: bytes) -> BusEvent | None:
    """The record in ``raw``, or None when it is not one. A message's text comes as it may be drawn."""
    if len(raw) > RECORD_MAX_BYTES:
        return None
    try:
        record = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # an unknown field may nest deeply
        return None
    if not isinstance(record, NewMessage):
        return record
    message = sound(record.message)
    if message is record.message:
        return record
    return None if message is None else replace(record, message=message)
