"""Chats in which one side wrote and the other never did: a letdown of that side (protocol §3)."""

from contextlib import suppress

from citychat.model import Session, Unavailable
from citychat.ports import History, Lobby
from citychat.rules import ANSWERED_WITHIN_MS


async def note_unanswered(lobby: Lobby, history: History, session: Session, wrote: frozenset[int]) -> None:
    """Note it of a chat that has just ended. ``wrote``: the sides of which that is known where it was ended; of the
    others the history knows, unless the page was away and the message still waits for it."""
    assert session.ended is not None
    if session.ended - session.started < ANSWERED_WITHIN_MS:
        return
    with suppress(Unavailable):  # a store that is away costs nobody anything
        unknown = [side for side in (0, 1) if side not in wrote]
        silent = [side for side in unknown if not await _has_written(history, session.id, side)]
        if len(silent) == 1:
            await lobby.let_down(session.members[silent[0]], session.members[1 - silent[0]])


async def _has_written(history: History, session_id: str, side: int) -> bool:
    kept = await history.messages.progress(session_id, side)
    return bool(kept.seen or kept.beyond)
