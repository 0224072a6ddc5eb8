"""Guests, and all that is kept about one of them."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from citychat.model import Guest, Session


class Pause(Struct, frozen=True):
    """A guest who may not use the server until then.

    ``rule``: the host's own that was broken, "" where the rule of three has paused. ``reference``: by which name guest
    and host speak of its case, "" of a network or where the case is gone. ``objection``: what the guest has said of it,
    ``answer``: what the host has said to that.
    """

    until: int
    reason: str
    rule: str = ""
    reference: str = ""
    objection: str = ""
    answer: str = ""


class Lifted(Struct, frozen=True):
    """A pause that the host has ended at that time, with what was said to the guest's objection; or a warning, for a
    broken ``rule`` ("": none)."""

    at: int
    answer: str = ""
    rule: str = ""
    reason: str = ""


class Dossier(Struct, frozen=True):
    """The file of one guest: all that a join asks.

    ``sessions``: the newest, at most as many as a join looks at, and older ones that run on; newest first.
    ``avoided_networks``: those still avoided, each with the time since when; ``met``: who is not kept away by them,
    empty when there are none. ``blocked``: who never meets this guest again. ``partner_seen``: when the partner of the
    newest session that has not ended was last seen (ms; 0: no such session, or nobody knows). ``erased``: within the
    life of a token; nobody is this guest any more. ``lifted``: a pause that would hold still, had the host not
    ended it.
    """

    row: Guest | None
    pause: Pause | None
    sessions: list[Session]
    avoided_networks: dict[str, int]
    blocked: list[str]
    partner_seen: int
    met: list[str] = []
    erased: bool = False
    lifted: Lifted | None = None


class GuestStore(Protocol):
    """Guests and what is kept of them between visits."""

    async def dossier(self, guest: str, now: int) -> Dossier:
        """Read everything a join asks about a guest, in one trip to the store."""

    async def find(self, guest: str) -> Guest | None:
        """Return the guest's row."""

    async def keep(self, row: Guest) -> None:
        """Insert or replace the row; none comes, or stays, of a guest who was erased."""

    async def is_erased(self, guest: str, now: int) -> bool:
        """Tell whether the guest was erased, within the life of a token."""

    async def pause(self, guest: str, now: int) -> Pause | None:
        """Return the pause that still holds."""

    async def keep_objection(self, guest: str, text: str, now: int) -> Pause | None:
        """Keep what a paused guest objects, with the case of the pause, which takes one; return the pause that still
        holds, with the objection that is kept."""

    async def networks(self, guest: str, now: int) -> tuple[str, ...]:
        """Return the marks of the network from which the guest came within a day, also of one who was erased since."""

    async def networks_paused(self, networks: Sequence[str], now: int) -> Pause | None:
        """Return the longest pause that holds for the new guests of one of these networks."""

    async def sanctions(self, since: int, now: int) -> list[tuple[str, Pause]]:
        """Return which guests were paused since then, by the host or by a rule, with the pauses that still hold."""

    async def erase(self, guest: str, at: int) -> list[Session]:
        """Forget the guest: blank their texts (kept 72 h for evidence), end and return their sessions, drop the row.

        Ids of messages, blocked pairs and sessions stay, so that a late copy meets a duplicate and a no stays a no.
        The guest's id stays for as long as a token lives, so that nobody is made from it again, and for a day the marks
        of the network, for a block or a report that comes after it.
        """

    async def newest_seen(self) -> int:
        """Return when any guest was last seen (ms); 0 when nobody is kept."""

    async def prune(self, now: int, history_ms: int) -> None:
        """Delete sessions that have expired, or began ``history_ms`` ago, with their messages, erased texts over 72 h,
        networks avoided for a day, guests unseen for ``history_ms``, and pairs that were kept apart of which one guest
        was forgotten for longer than a token holds."""
