"""The history as one thing to pass around: all that must not vanish."""

from typing import Protocol

from citychat.ports.guests import GuestStore
from citychat.ports.house import HouseStore
from citychat.ports.messages import MessageStore
from citychat.ports.relations import RelationStore
from citychat.ports.reports import ReportStore
from citychat.ports.sessions import SessionStore
from citychat.ports.signs import SignStore


class History(Protocol):
    """The stores of one database, each with the verbs of one noun: ``history.sessions.find(session_id)``."""

    @property
    def messages(self) -> MessageStore: ...

    @property
    def guests(self) -> GuestStore: ...

    @property
    def sessions(self) -> SessionStore: ...

    @property
    def relations(self) -> RelationStore: ...

    @property
    def reports(self) -> ReportStore: ...

    @property
    def house(self) -> HouseStore: ...

    @property
    def signs(self) -> SignStore: ...
