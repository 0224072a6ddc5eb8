"""Rows of the history as a page gets them: the newest of a join answer, older ones by ``chat-history``."""

from msgspec import to_builtins

from citychat.model import Message, Session
from citychat.ports import History

NEWEST_ROWS = 50

PlaceInOrder = tuple[int, int, str, int]  # lamport, side, stream, number


def shown(message: Message) -> dict[str, object]:
    """Return a row as the page gets it: the fields of ``chat-message`` without the empty ones."""
    fields: dict[str, object] = to_builtins(message)
    return fields


async def newest_rows(history: History, session: Session, guest: str) -> list[dict[str, object]]:
    """Return the rows that this guest's join answer shows, oldest first."""
    return [shown(row) for row in await history.messages.page(session.id, None, NEWEST_ROWS, session.side(guest))]


async def older_rows(
    history: History, session: Session, guest: str, before: PlaceInOrder | None, limit: int
) -> dict[str, object]:
    """Return at most ``limit`` rows before a place in the order as this guest sees them, oldest first, and whether
    there are more."""
    rows = await history.messages.page(session.id, before, limit + 1, session.side(guest))
    return {"messages": [shown(row) for row in rows[-limit:]], "more": len(rows) > limit}
