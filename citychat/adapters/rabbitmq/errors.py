"""Reasons for which the broker closes a channel of ours."""

import re

PRECONDITION_FAILED = 406  # a queue is there that is not as we declare it; or mail lay unacked for too long
OTHER_ARGUMENT = re.compile(r"inequivalent arg '([\w-]{1,40})'")


class ChannelClosed(Exception):
    """A channel is gone. ``code``: the broker's, 0 when the connection was lost or we closed it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.code, self.text = code, text  # the text names queues, which name guests: never logged

    @property
    def other_argument(self) -> str:
        """Return which argument of an existing queue is not as we declare it; "" when that is not the reason."""
        found = OTHER_ARGUMENT.search(self.text) if self.code == PRECONDITION_FAILED else None
        return found[1] if found else ""

    @property
    def is_overdue(self) -> bool:
        """Tell whether mail lay unacked for longer than the broker's ``consumer_timeout``, 30 min by default: it goes
        back. A page may wait for a missing message as long as that."""
        return self.code == PRECONDITION_FAILED and "acknowledgement" in self.text and "timed out" in self.text

    def is_about(self, queue: str) -> bool:
        """Tell whether the broker closed it for that queue: one with other arguments, on a node that is down, ..."""
        return f"'{queue}'" in self.text
