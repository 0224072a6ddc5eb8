"""One page of one guest, as joining sees it."""

from citychat.delivery import Endpoint
from citychat.model import Guest, Place, Session
from citychat.ports import BusEvent, Page


class Visit:
    """One page of one guest, from its ``user-join`` to its close."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.row: Guest
        self.epoch = 0
        self.desk: Endpoint | None = None
        self.subscription: object | None = None
        self.early: list[BusEvent] | None = []  # heard before the join was answered
        self.closed = False
        self.replaced = False
        self.left = False
        self.unread = False  # joined without the history
        self.forgotten = False  # erased: the row must not come back

    @property
    def joined(self) -> bool:
        """Whether the page may be told something: its join was answered, and it is still the guest's page."""
        return self.early is None and not self.closed and not self.replaced

    @property
    def guest(self) -> str:
        return self.row.id

    @property
    def place(self) -> Place | None:
        return self.row.place

    @property
    def session(self) -> Session | None:
        """The living session."""
        return self.desk.living if self.desk else None
