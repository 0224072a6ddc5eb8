"""The seams: what CityChat needs of a bus, a lobby, a mailbox, a history, a page and a clock.

Every adapter is an async context manager. Async methods raise Unavailable when their service is away, with the
driver's error as its cause. The methods on the message path are synchronous and return nothing: their answers come back
as calls, never before the method has returned (a task per message would cost more than everything else together).
"""

from citychat.ports.bus import Bus
from citychat.ports.bus_events import (
    RANGES_MAX,
    RECORD_MAX_BYTES,
    BusEvent,
    FiguresAsked,
    FiguresTold,
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
from citychat.ports.cases import Case, CaseState, CaseStore, Sanction
from citychat.ports.clock import Clock, SteadyTime, Timer
from citychat.ports.engines import Engines, always
from citychat.ports.guests import Dossier, GuestStore, Lifted, Pause
from citychat.ports.history import History
from citychat.ports.house import Closure, HouseStore
from citychat.ports.lobby import Entered, Entry, GuestStatus, Lobby, SeekResult
from citychat.ports.mailbox import MARKER_S, PREFETCH, READY_MAX, WIDENED_BY, WIDEST, Mail, Mailbox
from citychat.ports.messages import Committed, MessageStore, Progress
from citychat.ports.page import Page
from citychat.ports.relations import RelationStore
from citychat.ports.reports import Report, ReportStore, Untold
from citychat.ports.sessions import SessionPlace, SessionStore
from citychat.ports.signs import AskedSign, Carried, SignCarrier, SignStore

__all__ = [
    "MARKER_S",
    "PREFETCH",
    "RANGES_MAX",
    "READY_MAX",
    "RECORD_MAX_BYTES",
    "WIDENED_BY",
    "WIDEST",
    "AskedSign",
    "Bus",
    "BusEvent",
    "Carried",
    "Case",
    "CaseState",
    "CaseStore",
    "Clock",
    "Closure",
    "Committed",
    "Dossier",
    "Engines",
    "Entered",
    "Entry",
    "FiguresAsked",
    "FiguresTold",
    "GuestPaused",
    "GuestStatus",
    "GuestStore",
    "History",
    "HouseStore",
    "Lifted",
    "Lobby",
    "Mail",
    "Mailbox",
    "MessageStore",
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
    "RelationStore",
    "Report",
    "ReportStore",
    "Sanction",
    "SeekResult",
    "SessionBegun",
    "SessionEnded",
    "SessionPlace",
    "SessionStore",
    "SignCarrier",
    "SignStore",
    "SteadyTime",
    "TextsErased",
    "Timer",
    "Untold",
    "always",
    "decode",
    "encode",
]
