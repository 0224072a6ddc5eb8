"""Checks that the types of a message's fields cannot express, for every message from outside this process.

What is out of bounds must not get further: it could stop a database's batch for ever, or lock out a page whose answers
the door would refuse.
"""

from msgspec import ValidationError, convert, to_builtins
from msgspec.structs import replace

from citychat.limits import bound
from citychat.model.text import drawable
from citychat.model.values import Message

LOST_MAX = bound("lost messages")


def sound(message: Message) -> Message | None:
    """Return a decoded message as it may be drawn, its text cleaned or voided as at the door (protocol §2.1); None with
    a ``p`` that no page sends, or a ``to`` that no gap has."""
    if (message.previous is not None and message.number != 1) or not _is_whole(message):
        return None
    text = drawable(message.text)
    return message if text == message.text else replace(message, text=text)


def is_storable(message: Message) -> bool:
    """Tell whether a store takes the message, however it was made. What it would never take stops the whole batch,
    again and again."""
    try:
        convert(to_builtins(message), Message)
        message.text.encode()
    except (ValidationError, UnicodeEncodeError):
        return False
    return _is_whole(message)


def _is_whole(message: Message) -> bool:
    """Tell whether only a gap stands for several numbers, and for no more than a session may lose."""
    return message.to is None or (message.kind == "gap" and 0 < message.to - message.number < LOST_MAX)
