"""Chats in which one side wrote and the other never did, or which one left at once, before both had said a word: a
letdown of that side, or a part of one (protocol §3)."""

from contextlib import suppress

from citychat.model import Session, Unavailable
from citychat.ports import History, Lobby
from citychat.registry import Voices
from citychat.rules import ANSWERED_WITHIN_MS, FIRST_WORD_MS


async def note_unanswered(lobby: Lobby, history: History, session: Session, voices: Voices, left_by: str = "") -> None:
    """Note it of a chat that has just ended. ``voices``: as far as it is known where it was ended; of the others the
    history knows whether they wrote, unless the page was away and the message still waits for it. ``left_by``: who has
    left, "" where somebody was blocked or reported, or the other one had gone. The times in ``session`` may be of two
    machines: only where the page was loaded later they tell how long it was.

    How long the word stood there is how much it counts: who leaves after seconds has not waited for an answer.
    """
    assert session.ended is not None
    with suppress(Unavailable):  # a store that is away costs nobody anything
        lasted_ms = session.ended - session.started if voices.lasts_ms is None else voices.lasts_ms
        if lasted_ms < ANSWERED_WITHIN_MS:
            if left_by and len(voices.wrote) < 2:
                await lobby.let_down(left_by, session.partner(left_by), FIRST_WORD_MS)
            return
        unknown = [side for side in (0, 1) if side not in voices.wrote]
        silent = [side for side in unknown if not await _has_written(history, session.id, side)]
        if len(silent) == 1 and silent[0] not in voices.typed:
            stood_ms = min(voices.stands_ms[1 - silent[0]], FIRST_WORD_MS)
            if stood_ms >= ANSWERED_WITHIN_MS:
                await lobby.let_down(session.members[silent[0]], session.members[1 - silent[0]], stood_ms)


async def _has_written(history: History, session_id: str, side: int) -> bool:
    kept = await history.messages.progress(session_id, side)
    return bool(kept.seen or kept.beyond)
