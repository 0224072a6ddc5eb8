"""Chats in which one side wrote and the other never did, or which one left at once without a word: a letdown of that
side (protocol §3)."""

from contextlib import suppress

from citychat.model import Session, Unavailable
from citychat.ports import History, Lobby
from citychat.rules import ANSWERED_WITHIN_MS


async def note_unanswered(
    lobby: Lobby, history: History, session: Session, wrote: frozenset[int], left_by: str = ""
) -> None:
    """Note it of a chat that has just ended. ``wrote``: the sides of which that is known where it was ended; of the
    others the history knows, unless the page was away and the message still waits for it. ``left_by``: who has left,
    "" where somebody was blocked or reported."""
    assert session.ended is not None
    with suppress(Unavailable):  # a store that is away costs nobody anything
        if session.ended - session.started < ANSWERED_WITHIN_MS:
            if left_by and session.side(left_by) not in wrote:
                await lobby.let_down(left_by, session.partner(left_by))
            return
        unknown = [side for side in (0, 1) if side not in wrote]
        silent = [side for side in unknown if not await _has_written(history, session.id, side)]
        if len(silent) == 1:
            await lobby.let_down(session.members[silent[0]], session.members[1 - silent[0]])


async def _has_written(history: History, session_id: str, side: int) -> bool:
    kept = await history.messages.progress(session_id, side)
    return bool(kept.seen or kept.beyond)
