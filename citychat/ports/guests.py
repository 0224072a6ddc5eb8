"""Guests, and all that is kept about one of them."""

from typing import Protocol

from msgspec import Struct

from citychat.model import Guest, Session


class Pause(Struct, frozen=True):
    """A guest who may not use the server until then."""

    until: int
    reason: str


class Dossier(Struct, frozen=True):
    """The file of one guest: all that a join asks.

    ``sessions``: the newest, at most as many as a join looks at, and older ones that run on; newest first.
    ``avoided_networks``: those still avoided, each with the time since when. ``blocked``: who never meets this guest
    again. ``partner_seen``: when the partner of the newest session that has not ended was last seen (ms; 0: no such
    session, or nobody knows).
    """

    row: Guest | None
    pause: Pause | None
    sessions: list[Session]
    avoided_networks: dict[str, int]
    blocked: list[str]
    partner_seen: int


class GuestStore(Protocol):
    """Guests and what is kept of them between visits."""

    async def dossier(self, guest: str, now: int) -> Dossier:
        """Read everything a join asks about a guest, in one trip to the store."""

    async def find(self, guest: str) -> Guest | None:
        """Return the guest's row."""

    async def keep(self, row: Guest) -> None:
        """Insert or replace the row."""

    async def pause(self, guest: str, now: int) -> Pause | None:
        """Return the pause that still holds."""

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Forget the guest: blank their texts (kept 72 h for evidence), end and return their sessions, drop the row.

        Ids of messages, blocked pairs and sessions stay, so that a late copy meets a duplicate and a no stays a no.
        """

    async def newest_seen(self) -> int:
        """Return when any guest was last seen (ms); 0 when nobody is kept."""

    async def prune(self, now: int, history_ms: int) -> None:
        """Delete expired sessions with their messages, erased texts over 72 h, networks avoided for a day, guests
        unseen for ``history_ms``."""
