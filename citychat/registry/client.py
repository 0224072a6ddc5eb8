"""One connected guest: who it is, which page, and its state in delivery and matching."""

from citychat.delivery import Endpoint, who_wrote
from citychat.model import Guest, Place, Session
from citychat.registry.match_state import MatchState


class Client:
    """A guest whose page is here and whose join was answered. A page that has not joined is no Client yet
    (``joining.JoiningPage``), and one that another page of its guest has replaced is one no more.

    ``epoch`` is the lobby's number of this page: a newer page of the guest has a larger one. ``session`` is the chat
    the page may write to. Both are those of ``endpoint``. ``subscription`` is the bus's handle.
    """

    def __init__(self, row: Guest, endpoint: Endpoint, match: MatchState, subscription: object) -> None:
        self.row, self.endpoint, self.match, self.subscription = row, endpoint, match, subscription
        self.guest, self.page, self.epoch = row.id, endpoint.page, endpoint.epoch
        self.here = True  # False once the page has closed or was replaced
        self.forgotten = False  # erased: the row must not come back

    @property
    def session(self) -> Session | None:
        """The chat the page may write to."""
        return self.endpoint.session

    @property
    def place(self) -> Place | None:
        """Return the guest's place."""
        return self.row.place

    def wrote(self, session: Session) -> frozenset[int]:
        """Return the sides of which this page knows that they have written."""
        return who_wrote(self.endpoint, session)

    def show_session(self) -> None:
        """Open the chat of now on the page."""
        self.match.show_session(self.session)
