"""The house: while its host has closed it nobody new is led together, and those who talk go on."""

from citychat.matching.date_check import DateCheck
from citychat.model import HouseClosed
from citychat.ports import Closure, HouseStore
from citychat.registry import Client


class House:
    """The house as one process knows it."""

    def __init__(self, store: HouseStore, dates: DateCheck) -> None:
        self._store, self._dates = store, dates
        self._closure: Closure | None = None

    @property
    def text(self) -> str:
        """Return the host's word while the house is closed, else ""."""
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
            client.page.emit("user-closed", {"text": client.match.closed})
