"""Reports as their host handles them: cases, what was decided of them, and the trail of who has seen and done what."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from citychat.model import Act, Message, TrailRow

CaseState = Literal["received", "acted", "none"]


class Case(Struct, frozen=True):
    """A report with what its host has decided, and without its texts.

    ``side``: that of the accused in the chat, None where nobody knows any more; ``counts``: whether the rule of three
    may count it. ``rule``, ``words``: the host's, of the decision; ``held``: kept until then whatever was decided (0:
    not); ``goes``: when all of it is deleted, None while it is open. ``objection``: the accused's, once paused by this
    case, ``answer``: the host's to that; ``objected``, ``answered``, ``lifted``: when, None where it was not.
    """

    code: str
    session: str
    reporter: str
    accused: str
    reason: str
    note: str
    at: int
    side: int | None = None
    counts: bool = True
    state: CaseState = "received"
    rule: str = ""
    words: str = ""
    closed: int | None = None
    held: int = 0
    goes: int | None = None
    objection: str = ""
    objected: int | None = None
    answer: str = ""
    answered: int | None = None
    lifted: int | None = None

    @property
    def awaits_answer(self) -> bool:
        """Tell whether the accused has objected and heard nothing yet, neither in words nor by a lifted pause."""
        return self.objected is not None and self.answered is None and self.lifted is None


class Sanction(Struct, frozen=True):
    """A pause of a guest by the host, for a broken ``rule``. ``networks``: marks of which new guests are paused as
    well, until ``networks_until``."""

    guest: str
    until: int
    reason: str
    networks: tuple[str, ...] = ()
    networks_until: int = 0
    rule: str = ""


class CaseStore(Protocol):
    """Cases and the trail. A server keeps reports meanwhile; nothing of it is on the way of a message."""

    async def cases(self) -> list[Case]:
        """Return all of them, oldest first."""

    async def evidence(self, code: str) -> list[Message]:
        """Return the messages that a report has kept, oldest first; none for an unknown code."""

    async def record(self, acts: Sequence[Act], decided: Sequence[Case] = ()) -> None:
        """Add rows to the trail, then keep what was decided of these cases. Nothing is decided without its row; a case
        that is gone meanwhile stays so."""

    async def sanction(self, sanction: Sanction, act: Act) -> None:
        """Add a row to the trail, then pause a guest by the case of that row, in place of whatever pause there was.
        Running processes see it within seconds (``GuestStore.sanctions``)."""

    async def warn(self, warning: Sanction, act: Act) -> None:
        """Add a row to the trail, then have a guest who is not paused told at the next joins (``Dossier.lifted``)."""

    async def lift(self, guest: str, networks: Sequence[str], act: Act) -> None:
        """Add a row to the trail, then end the pause of a guest, and of the new guests of these networks. The guest is
        told (``Dossier.lifted``), and so are the reporters of its case and of the row's."""

    async def trail(self) -> list[TrailRow]:
        """Return the trail, oldest first."""

    async def prune(self, now: int) -> int:
        """Delete the cases whose day has come, and what is too old of the trail; return how many cases that were. The
        server does this by itself (``GuestStore.prune``)."""
