"""Match state of one guest: wishes, and what the page has been told (protocol §3)."""

import asyncio
from collections.abc import Callable
from math import ceil

from citychat.model import Offer, Session
from citychat.ports import Clock, Entry, Page, Timer


class MatchState:
    """The match state of one client. ``entry``: how the lobby was told of the guest, kept up to date for entering
    again.

    ``lock`` is held over every step of matching and of sessions, so that steps of one guest never mix.
    """

    def __init__(self, entry: Entry, page: Page) -> None:
        self.entry, self.page = entry, page
        self.looking = False
        self.looks_since_s = 0.0  # by the clock that does not step
        self.offer: Offer | None = None
        self.progress = ""  # the last user-seek state told
        self.pretends_until_s = 0.0  # until when the page is told "asking" with nobody asked (matching.pretence)
        self.nearby = ""  # the last user-nearby word told
        self.closed = ""  # what the page was told last of the host's word
        self.due = False  # somebody is about to ask the lobby about this guest
        self.stale = False  # the lobby missed what is in ``entry``
        self.signed = False  # the guest waits for a sign (matching.signs)
        self.lock = asyncio.Lock()
        self._timer: Timer | None = None

    def arm(self, clock: Clock, delay_s: float, call: Callable[[], None]) -> None:
        """Call ``call`` then; one timer a guest: a later wish replaces an earlier one."""
        self.disarm()
        self._timer = clock.later(delay_s, call)

    def disarm(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def sides(self) -> tuple[str, ...]:
        """Return the two of the offer that the page knows of."""
        return (self.offer.seeker, self.offer.candidate) if self.offer else ()

    def rest(self) -> None:
        """Neither look nor be asked any more."""
        self.looking, self.offer, self.progress, self.pretends_until_s = False, None, "", 0.0
        self.disarm()

    # -- what the page is told ----------------------------------------------------------------------------------------

    def show_progress(self, state: str) -> None:
        """Tell a looker how it goes, once for each change."""
        if self.looking and self.progress != state:
            self.progress = state
            self.page.emit("user-seek", {"state": state})

    def show_offer(self, offer: Offer, now: int) -> None:
        """Ask the guest. ``seconds`` is what is left of the offer: the page may hear of it late."""
        left_s = min(max(ceil((offer.rings_until - now) / 1000), 1), offer.seconds)
        asked = {"offer": offer.id, "city": offer.city, "seconds": left_s, "looking": offer.looking}
        self.page.emit("user-offer", asked)

    def show_over(self, offer: Offer) -> None:
        """Tell the guest that the question is off."""
        self.page.emit("user-offer-end", {"offer": offer.id, "looking": self.looking})

    def show_session(self, session: Session | None) -> None:
        """Open the chat. Both are here when a session begins; who goes later is told as it happens."""
        if session is not None:
            self.page.emit("user-session", {**session.shown(self.entry.guest), "here": True})

    def show_nearby(self, word: str) -> None:
        """Tell how many are free, once for each change."""
        if self.nearby != word:
            self.nearby = word
            self.page.emit("user-nearby", {"free_nearby": word})
