"""Signs: who is to be told once, outside of the page, that somebody is in their city; and who carries such a sign."""

from typing import Literal, Protocol

from msgspec import Struct

Carried = Literal["told", "gone", "again", "refused"]


class AskedSign(Struct, frozen=True):
    """A guest's wish for one sign. ``endpoint``: the secret address at a push service that leads to the browser;
    ``key``: the mark of the keys it was asked under; ``pool``: where the guest is; ``since`` and ``until``: when it was
    asked, and when it goes whatever happens (ms); ``hidden``: the page may be open, and is not looked at."""

    guest: str
    endpoint: str
    key: str
    pool: str
    since: int
    until: int
    hidden: bool = False


class SignStore(Protocol):
    """Store of wishes for a sign: one a guest, until it is taken to be sent, or until its end."""

    async def keep(self, sign: AskedSign) -> bool:
        """Keep it in place of the guest's earlier one; False when the site has as many as it may."""

    async def find(self, guest: str, now: int) -> AskedSign | None:
        """Return the guest's wish, if it goes on."""

    async def note(self, guest: str, pool: str, hidden: bool) -> None:
        """Note where a guest is by now, and whether the page is out of view."""

    async def drop(self, guest: str) -> None:
        """Forget the guest's wish."""

    async def take(self, sign: AskedSign) -> bool:
        """Delete that very wish, to send it: of all who try at once one has done it, and is told so."""

    async def waiting(self, key: str, now: int) -> list[AskedSign]:
        """Delete all that are over; return those asked under that key, the oldest first."""


class SignCarrier(Protocol):
    """Carrier of signs: the push services, as this server knows them."""

    @property
    def public_key(self) -> str:
        """Return the key that a browser wants to have, in base64url."""

    @property
    def mark(self) -> str:
        """Return what tells these keys from others."""

    def check(self, endpoint: str) -> None:
        """Raise BadPayload unless it is an address of a known push service."""

    async def carry(self, endpoint: str, lives_s: int) -> Carried:
        """Send the one sign, which has no content; the service forgets it after so long. ``again``: it may be tried
        once more; ``gone``, ``refused``: it never will be."""
