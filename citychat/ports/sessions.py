"""Sessions, which must not vanish before they expire."""

from typing import Protocol

from citychat.model import Session


class SessionStore(Protocol):
    """The conversations of two guests, and who would talk again."""

    async def begin(self, session: Session) -> None:
        """Keep a new session; durable when this returns (M11, durable before told). Idempotent."""

    async def undo(self, session_id: str) -> None:
        """Forget a session that never began; harmless when it does not exist."""

    async def end(self, session_id: str, at: int) -> None:
        """Mark as ended; the first time stays."""

    async def find(self, session_id: str) -> Session | None:
        """Return the session with this id."""

    async def of(self, guest: str) -> list[Session]:
        """Return all that are kept with this member, newest first."""

    async def idle(self, before: int) -> list[Session]:
        """Return the sessions not ended whose members were all last seen before that time."""

    async def wish(self, session_id: str, guest: str, at: int) -> bool:
        """Note that ``guest`` would talk again. True when the partner has wished it too within 24 h: both wishes are
        then used up."""
