"""Events of the bus, from process to process: one a message, addressed to a guest's channel.

JSON with a tag, checked against these shapes and their bounds on arrival; anything else is dropped (never pickle). The
embedded bus sends the same bytes, so that it cannot accept what Redis would refuse.
"""

from collections.abc import Callable
from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from citychat.figures import Figures
from citychat.limits import bound
from citychat.model import WIRE_LETTERS, Id, Message, Number, Offer, Time, Words, sound
from citychat.ports.guests import Pause

RANGES_MAX = bound("outbox")  # of one stream: its sender's outbox holds no more messages
RECORD_MAX_BYTES = bound("record")


class NewMessage(Struct, frozen=True, tag="said"):
    """A message on the live route, to the receiver."""

    message: Message


class Receipt(Struct, frozen=True, tag="receipt", rename=WIRE_LETTERS):
    """A receipt to the sender: drawn by the partner's page and in the history, exactly these."""

    session: Id
    stream: Id
    ranges: Annotated[list[tuple[Number, Number]], Meta(max_length=RANGES_MAX)]


class PartnerHere(Struct, frozen=True, tag="here", rename=WIRE_LETTERS):
    """My page has joined, on whatever process: to the partner."""

    session: Id


class PartnerAway(Struct, frozen=True, tag="away", rename=WIRE_LETTERS):
    """My socket is closed: to the partner."""

    session: Id
    since: Time


class SessionEnded(Struct, frozen=True, tag="left", rename=WIRE_LETTERS):
    """The session has ended: to the partner."""

    session: Id
    at: Time


class PartnerTyping(Struct, frozen=True, tag="typing", rename=WIRE_LETTERS):
    """Typing goes on or has stopped: to the partner, never stored."""

    session: Id
    on: bool


class TextsErased(Struct, frozen=True, tag="erased", rename=WIRE_LETTERS):
    """Blank my texts in this session: to the partner."""

    session: Id


class NewerPage(Struct, frozen=True, tag="takeover"):
    """A newer page entered with this epoch: to the guest's own older page."""

    epoch: Time


class OfferMade(Struct, frozen=True, tag="offered"):
    """Somebody asks for you: to the candidate."""

    offer: Offer


class OfferEnded(Struct, frozen=True, tag="over"):
    """An offer has ended, to either side of it; the lobby knows what it became."""

    offer: Id


class SessionBegun(Struct, frozen=True, tag="met"):
    """This session has begun: to a member."""

    session: Id


class GuestPaused(Struct, frozen=True, tag="paused", omit_defaults=True):
    """A pause or ban: to the guest. As in Pause; what was said of it is in the history."""

    until: Time
    reason: Words
    rule: Words = ""
    reference: Words = ""

    @classmethod
    def of(cls, pause: Pause) -> Self:
        return cls(pause.until, pause.reason, pause.rule, pause.reference)

    @property
    def pause(self) -> Pause:
        return Pause(self.until, self.reason, self.rule, self.reference)


class FiguresAsked(Struct, frozen=True, tag="figures?"):
    """The question how it goes: from this process to all of them."""

    process: Id


class FiguresTold(Struct, frozen=True, tag="figures"):
    """The answer, how it goes here: to the process that has asked."""

    figures: Figures


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
    | FiguresAsked
    | FiguresTold
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
