"""The house: while its host has closed it, or has quiet hours, nobody new is led together, and those who talk go on."""

from citychat.hours import Hours, Span
from citychat.matching.date_check import DateCheck
from citychat.model import HouseClosed
from citychat.ports import Closure, HouseStore
from citychat.registry import Client


class House:
    """The house as one process knows it."""

    def __init__(self, store: HouseStore, dates: DateCheck) -> None:
        self._store, self._dates = store, dates
        self._closure: Closure | None = None
        self._hours, self._quiet, self._looked_ms = Hours(), Span(0, 0), 0

    @property
    def text(self) -> str:
        """Return the host's word while the house is closed, else that there are quiet hours, else ""."""
        until = self._quiet_until
        return self.word or (f"Quiet hours until {self._hours.clock(until)} ({self._hours.called()})." if until else "")

    def keep(self, hours: Hours) -> None:
        """Keep these quiet hours from now on."""
        self._hours, self._quiet = hours, Span(0, 0)

    @property
    def _quiet_until(self) -> int:
        """Return when the quiet hours that run end, else 0. Asked for each page: the next ones are looked up once."""
        now = self._dates.likely_ms()
        if self._hours.quiet and not self._looked_ms <= now < self._quiet.end:
            self._quiet, self._looked_ms = self._hours.next_quiet(now), now
        return self._quiet.end if self._quiet.begin <= now < self._quiet.end else 0

    @property
    def word(self) -> str:
        """Return the host's word while the house is closed by command, else ""."""
        closure = self._closure
        return closure.text if closure is not None and closure.until > self._dates.likely_ms() else ""

    def check_open(self) -> None:
        """Raise HouseClosed while it is closed."""
        if self.text:
            raise HouseClosed(self.text)

    async def look(self) -> None:
        """Ask the history: a command of the host has no bus. Raises Unavailable."""
        self._closure = await self._store.closure(self._dates.likely_ms())

    def show(self, client: Client) -> None:
        """Tell a page, once for each change."""
        if client.match.closed != self.text:
            client.match.closed = self.text
            until = {"until": self._quiet_until} if client.match.closed and not self.word else {}
            client.page.emit("user-closed", {"text": client.match.closed, **until})
