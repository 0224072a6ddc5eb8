"""Registry of the clients of this process, by page and by guest, and the newest page of each guest."""

from collections.abc import Iterator

from citychat.model import NotJoined
from citychat.ports import Page
from citychat.registry.client import Client


class Registry:
    """The clients of one process. A guest has one of them: that of the newest page.

    ``by_page`` is read for every event of a page, without a call; nobody else writes to it.
    """

    def __init__(self) -> None:
        self.by_page: dict[Page, Client] = {}
        self._by_guest: dict[str, Client] = {}
        self._newest: dict[str, int] = {}  # the epoch of each guest's newest page here, joining ones too

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._by_guest.values()))

    def __len__(self) -> int:
        return len(self._by_guest)

    def find(self, guest: str) -> Client | None:
        """Return the guest's client, or None while none of the guest's pages has joined here."""
        return self._by_guest.get(guest)

    def take_over(self, guest: str, epoch: int) -> Client | None:
        """Note that a page has entered with this epoch; return the client it replaces, which is none any more.

        Raises NotJoined when a newer page was faster.
        """
        if self._newest.get(guest, 0) > epoch:
            raise NotJoined
        self._newest[guest] = epoch
        older = self._by_guest.get(guest)
        if older is not None:
            self._take_out(older)
        return older

    def has(self, guest: str) -> bool:
        """Tell whether any page of the guest is here, joining ones too."""
        return guest in self._newest

    def is_newest(self, guest: str, epoch: int) -> bool:
        """Tell whether no newer page of the guest has entered here."""
        return self._newest.get(guest) == epoch

    def add(self, client: Client) -> None:
        """Put a client in whose join is being answered: from now on its page's events and the bus reach it.

        Raises NotJoined when its page is gone or a newer one has entered: whoever is in the registry is here.
        """
        if not client.page.open or not self.is_newest(client.guest, client.epoch):
            raise NotJoined
        self.by_page[client.page] = self._by_guest[client.guest] = client

    def remove(self, guest: str, epoch: int) -> bool:
        """Forget a page that goes, joined or not; whether it was the guest's newest here."""
        if not self.is_newest(guest, epoch):
            return False
        del self._newest[guest]
        client = self._by_guest.get(guest)
        if client is not None:
            self._take_out(client)
        return True

    def _take_out(self, client: Client) -> None:
        client.here = False
        client.match.disarm()
        del self._by_guest[client.guest]
        self.by_page.pop(client.page, None)
