"""Messages as rows of the embedded store's tables."""

from citychat.adapters.sqlite.database import Row
from citychat.model import Message


def to_row(message: Message) -> Row:
    """The columns of a message, in the order of the tables and of every statement that reads whole messages; a gap of
    several has one more."""
    previous, m = message.previous or (None, None), message
    return m.session, m.side, m.stream, m.number, m.lamport, m.text, m.at, previous[0], previous[1], m.kind


def to_message(row: Row) -> Message:
    session, side, stream, number, lamport, text, at, previous_stream, previous_number, kind, *to = row
    previous = None if previous_stream is None else (previous_stream, previous_number)
    return Message(session, side, stream, number, lamport, text, at, previous, kind, *to)
