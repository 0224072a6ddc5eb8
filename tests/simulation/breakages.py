"""The protocol with one rule left out. Each must be caught: a checker that never fails proves nothing.

A breakage is (class, method, what it becomes); the test puts it in place for one run.
"""

from collections.abc import Callable
from typing import Any

from citychat.delivery.desk import Desk
from citychat.delivery.ledger import Ledger
from citychat.delivery.receiving import Receiving, Stream
from citychat.model import Message, by_stream
from citychat.records import Receipt

Breakage = tuple[type, str, Callable[..., Any]]


async def _no_fence(self: Ledger) -> None:
    """Receipts leave for whoever has drawn, whether or not a newer page has taken over."""
    unsure, self.unsure = self.unsure, []
    for (drawer, message), is_gap in unsure:
        self.bytes -= message.size_bytes
        drawer.settled(*(([], [message]) if is_gap else ([message], [])))


def _no_hold(self: Receiving, stream: Stream, message: Message) -> bool:
    """Whatever comes goes to the page."""
    return message.n > stream.sent


def _no_link(self: Receiving, stream: Stream, message: Message) -> bool:
    """A new stream does not wait for the end of the one before."""
    return message.n == stream.sent + 1 and not stream.skipping and len(self.out) < 32


def _ack_first(self: Desk, message: Message) -> None:
    """The mailbox forgets a message as soon as the page has drawn it."""
    self._forget(*self.receiving.take_tags([message.key]))
    self.engines.ledger.add(self, message)


def _receipt_first(self: Desk, message: Message) -> None:
    """The sender hears "delivered" as soon as the page has drawn it."""
    for st, ranges in by_stream([message.key]).items():
        self.engines.bus.publish(self.sessions[message.s].partner(self.guest), Receipt(message.s, st, ranges))
    self.engines.ledger.add(self, message)


BREAKAGES: dict[str, Breakage] = {
    "no fence": (Ledger, "_fence", _no_fence),
    "no hold": (Receiving, "_is_next", _no_hold),
    "stream without link": (Receiving, "_is_next", _no_link),
    "ack before history": (Desk, "_drawn", _ack_first),
    "receipt before commit": (Desk, "_drawn", _receipt_first),
}
