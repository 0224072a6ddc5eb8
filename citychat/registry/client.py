"""One connected guest: who it is, which page, and its state in delivery and matching."""

from citychat.delivery import Endpoint, Voices, voices
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
        self.shut_out = False  # paused: no memory of this process lets the guest in again

    @property
    def session(self) -> Session | None:
        """The chat the page may write to."""
        return self.endpoint.session

    @property
    def place(self) -> Place | None:
        """Return the guest's place."""
        return self.row.place

    def voices(self, session: Session) -> Voices:
        """Return who has said what in the chat, as far as this page knows."""
        return voices(self.endpoint, session)

    def may_begin_chat(self) -> bool:
        """Count one more chat among what guest and network have had written down today; whether there is room."""
        return self.endpoint.shared.quotas.charge_chat(self.guest, self.page.source)

    def show_session(self) -> None:
        """Open the chat of now on the page."""
        self.match.show_session(self.session)
