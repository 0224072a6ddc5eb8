"""Sessions, which must not vanish before they expire."""

from typing import Protocol

from citychat.model import Session

SessionPlace = tuple[int, str]  # when it began, and its id


class SessionStore(Protocol):
    """The conversations of two guests, and who would talk again.

    A session is kept as pending, and confirmed once the lobby has let it begin: until then only ``find`` and
    ``confirm`` see it, and nobody comes in by it (M11).
    """

    async def begin(self, session: Session) -> bool:
        """Keep a new session as it is given, pending or not; durable when this returns. Idempotent. False, and nothing
        is kept, for a pending one of two who have had too many in a day (M16)."""

    async def confirm(self, session_id: str, history_ms: int) -> Session | None:
        """Let a pending session run, unless its two are kept apart (M5); durable when this returns. Idempotent.

        Return the session if it runs, else None: unknown, over, or of two who are kept apart. What is confirmed counts
        as begun after all other sessions of its members, whatever clock set their times, and is kept for ``history_ms``
        from then on.
        """

    async def end(self, session_id: str, at: int) -> None:
        """Mark as ended; the first time stays. A pending one is forgotten: nobody has heard of it."""

    async def find(self, session_id: str) -> Session | None:
        """Return the session with this id, pending or not."""

    async def of(self, guest: str) -> list[Session]:
        """Return all that are kept with this member, newest first: for who goes with all of them."""

    async def newest(self, guest: str, before: SessionPlace | None, limit: int) -> list[Session]:
        """Return the newest ``limit`` with this member that come after that place in their list, newest first."""

    async def idle(self, now: int) -> list[Session]:
        """Return the sessions not ended that are left alone now (M12), as far as the rows of their members tell."""

    async def wish(self, session_id: str, guest: str, at: int) -> int:
        """Note that ``guest`` would talk again. Return since when the partner has wished it too, if within 24 h: both
        wishes are then used up. Else 0."""

    async def keep_wish(self, session_id: str, guest: str, at: int) -> None:
        """Note again a wish of that time which ``wish`` has used up for nothing."""
