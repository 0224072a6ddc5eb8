"""The seams: what CityChat needs of a bus, a lobby, a mailbox, a history, a page and a clock.

Every adapter is an async context manager. Async methods raise Unavailable when their service is away, with the
driver's error as its cause. The methods on the message path are synchronous and return nothing: their answers come back
as calls, never before the method has returned (a task per message would cost more than everything else together).
"""

from citychat.ports.bus import Bus
from citychat.ports.bus_events import (
    RECORD_MAX_BYTES,
    BusEvent,
    GuestPaused,
    NewerPage,
    NewMessage,
    OfferEnded,
    OfferMade,
    PartnerAway,
    PartnerHere,
    PartnerTyping,
    Receipt,
    SessionBegun,
    SessionEnded,
    TextsErased,
    decode,
    encode,
)
from citychat.ports.clock import Clock, Timer
from citychat.ports.engines import Engines
from citychat.ports.history import Committed, History, Pause, Progress, Report
from citychat.ports.lobby import Entered, Entry, GuestStatus, Lobby, SeekResult
from citychat.ports.mailbox import Mail, Mailbox
from citychat.ports.page import Page

__all__ = [
    "RECORD_MAX_BYTES",
    "Bus",
    "BusEvent",
    "Clock",
    "Committed",
    "Engines",
    "Entered",
    "Entry",
    "GuestPaused",
    "GuestStatus",
    "History",
    "Lobby",
    "Mail",
    "Mailbox",
    "NewMessage",
    "NewerPage",
    "OfferEnded",
    "OfferMade",
    "Page",
    "PartnerAway",
    "PartnerHere",
    "PartnerTyping",
    "Pause",
    "Progress",
    "Receipt",
    "Report",
    "SeekResult",
    "SessionBegun",
    "SessionEnded",
    "TextsErased",
    "Timer",
    "decode",
    "encode",
]
