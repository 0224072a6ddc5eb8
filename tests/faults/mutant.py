"""CityChat with one rule left out: ``python -m tests.faults.mutant "ack before history" --port 0 …``.

For the test of the checker, which must notice each of them. The patches stand here and nowhere in the program.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from citychat.__main__ import main
from citychat.adapters.rabbitmq.connection import AmqpChannel
from citychat.delivery.inbox import Inbox
from citychat.ports import Mail
from tests.simulation.breakages import BREAKAGES, Breakage

SOON_S = 2.0
_declare, _publish, _mail = AmqpChannel.declare, AmqpChannel._send, Inbox._mail
_opened_s: dict[object, float] = {}


def _declare_nothing(self: AmqpChannel, queue: str, arguments: Mapping[str, object]) -> None:
    """Whoever reads the mailbox will have made it."""


def _never_mandatory(self: AmqpChannel, method: str, *values: object, **named: Any) -> None:
    """What has no queue is confirmed, and gone."""
    if "mandatory" in named:
        named["mandatory"] = False
    _publish(self, method, *values, **named)


def _only_at_connect(self: Inbox, opening: Any, mail: Mail) -> None:
    """Only what lay in the mailbox when its reader came is taken out of it."""
    opened_s = _opened_s.setdefault(opening, time.monotonic())
    if time.monotonic() - opened_s < SOON_S:
        _mail(self, opening, mail)


def _put_blindly() -> list[Breakage]:
    return [(AmqpChannel, "declare", _declare_nothing), (AmqpChannel, "_send", _never_mandatory)]


MUTANTS: dict[str, Callable[[], list[Breakage]]] = {
    "ack before history": lambda: [BREAKAGES["ack before history"]],
    "receipt before commit": lambda: [BREAKAGES["receipt before commit"]],
    "put without declare and mandatory": _put_blindly,
    "mailbox read at connect only": lambda: [(Inbox, "_mail", _only_at_connect)],
}

if __name__ == "__main__":
    for owner, name, what in MUTANTS[sys.argv[1]]():
        setattr(owner, name, what)
    sys.exit(main(sys.argv[2:]))
