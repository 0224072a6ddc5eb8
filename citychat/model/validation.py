"""What of a message the bounds of its fields cannot say. Whatever takes one in from elsewhere asks here.

What is out of bounds must not get further: it could stop a database's batch for ever, or lock out a page whose answers
the door would refuse.
"""

from msgspec.structs import replace

from citychat.model.text import drawable
from citychat.model.values import Message


def sound(message: Message) -> Message | None:
    """A decoded message as it may be drawn, its text cleaned or voided as at the door (protocol §2.1); None with a
    ``p`` that no page sends."""
    if message.previous is not None and message.number != 1:
        return None
    text = drawable(message.text)
    return message if text == message.text else replace(message, text=text)
