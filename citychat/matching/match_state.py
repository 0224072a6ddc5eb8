"""The guests whose pages are on this process: what each wishes, and what its page has been told."""

import asyncio
from collections.abc import Callable
from math import ceil

from msgspec.structs import replace

from citychat.model import Offer, Session
from citychat.ports import Clock, Entry, Page, Timer


class MatchState:
    """One guest's newest page here. ``entry``: how the lobby was told of it, kept up to date for entering again.

    ``lock`` is held over every step of matching and of sessions, so that steps of one guest never mix.
    """

    def __init__(self, entry: Entry, page: Page) -> None:
        self.entry, self.page = entry, page
        self.session: Session | None = None
        self.looking = False
        self.offer: Offer | None = None
        self.progress = ""  # the last user-seek state told
        self.nearby = ""  # the last user-nearby word told
        self.live = False  # the join was answered
        self.due = False  # somebody is about to ask the lobby about this guest
        self.stale = False  # the lobby missed what is in ``entry``
        self.lock = asyncio.Lock()
        self._timer: Timer | None = None

    @property
    def guest(self) -> str:
        return self.entry.guest

    @property
    def epoch(self) -> int:
        return self.entry.epoch

    def arm(self, clock: Clock, delay_s: float, call: Callable[[], None]) -> None:
        """One timer a seat: a later wish replaces an earlier one."""
        self.disarm()
        self._timer = clock.later(delay_s, call)

    def disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def rest(self) -> None:
        """Neither looking nor asked any more."""
        self.looking, self.offer, self.progress = False, None, ""
        self.disarm()

    def parted(self) -> Session | None:
        """The chat is over; until the page says otherwise its guest reads it and is not asked (protocol §3)."""
        session, self.session = self.session, None
        if session is not None:
            self.entry = replace(self.entry, available=False)
        return session

    # -- what the page is told ----------------------------------------------------------------------------------------

    def show_progress(self, state: str) -> None:
        if self.looking and self.progress != state:
            self.progress = state
            self.page.emit("user-seek", {"state": state})

    def show_offer(self, offer: Offer, now: int) -> None:
        """``seconds`` is what is left of it: the page may hear of an offer late."""
        left_s = min(max(ceil((offer.ends - now) / 1000), 1), offer.seconds)
        asked = {"offer": offer.id, "city": offer.city, "seconds": left_s, "looking": offer.looking}
        self.page.emit("user-offer", asked)

    def show_over(self, offer: Offer) -> None:
        self.page.emit("user-offer-end", {"offer": offer.id, "looking": self.looking})

    def show_session(self) -> None:
        """Both are here when a session begins; who goes later is told as it happens."""
        if self.session is not None:
            self.page.emit("user-session", {**self.session.shown(self.guest), "here": True})

    def show_nearby(self, word: str) -> None:
        if self.nearby != word:
            self.nearby = word
            self.page.emit("user-nearby", {"free_nearby": word})
