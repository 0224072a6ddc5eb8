"""Rows of the history as a page gets them: the newest of a join answer, older ones by ``chat-history``."""

from collections.abc import Mapping, Sequence

from msgspec import to_builtins

from citychat.delivery.receiver import HELD_MAX
from citychat.model import Message, Session
from citychat.ports import History, Progress

NEWEST_ROWS = 50

PlaceInOrder = tuple[int, int, str, int]  # lamport, side, stream, number


def as_shown(message: Message) -> dict[str, object]:
    """Return a row as the page gets it: the fields of ``chat-message`` without the empty ones."""
    fields: dict[str, object] = to_builtins(message)
    return fields


async def newest_rows(history: History, session: Session, guest: str) -> list[Message]:
    """Return the rows that this guest's join answer shows, oldest first."""
    return await history.messages.page(session.id, None, NEWEST_ROWS, session.side(guest))


def seen_of(known: Progress, have: Mapping[str, int]) -> dict[str, int]:
    """Return how far a page has drawn each stream, by the history or (``have``) by itself. Nothing of those that the
    history has, while neither it nor the page has what they link to: an older page had drawn that, and its process died
    before it was kept."""
    seen = {stream: max(number, have.get(stream, 0)) for stream, number in known.seen.items()}
    reached = {**have, **seen}
    links = {stream: link for stream, link in known.links.items() if not have.get(stream)}
    while waiting := [stream for stream, link in links.items() if reached.get(link[0], 0) < link[1]]:
        for stream in waiting:  # another one may link to the end of this one
            seen[stream] = reached[stream] = 0
            del links[stream]
    return seen


async def rows_back_to(
    history: History, session: Session, guest: str, rows: Sequence[Message], streams: set[str]
) -> list[Message]:
    """Return all rows of these streams, oldest first, of which ``rows`` are the newest; as many as a page's streams may
    hold, before those that do not fit."""
    all_rows = list(rows)
    while streams - {row.stream for row in all_rows if row.number == 1} and 0 < len(all_rows) < HELD_MAX:
        older = await history.messages.page(session.id, all_rows[0].order, HELD_MAX, session.side(guest))
        if not older:
            break
        all_rows = older + all_rows
    return [row for row in all_rows if row.stream in streams]


async def older_rows(
    history: History, session: Session, guest: str, before: PlaceInOrder | None, limit: int
) -> dict[str, object]:
    """Return at most ``limit`` rows before a place in the order as this guest sees them, oldest first, and whether
    there are more."""
    rows = await history.messages.page(session.id, before, limit + 1, session.side(guest))
    return {"messages": [as_shown(row) for row in rows[-limit:]], "more": len(rows) > limit}
