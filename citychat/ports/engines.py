"""Bundle of all that one process works with."""

from collections.abc import Callable
from random import Random

from msgspec import Struct

from citychat.ports.bus import Bus
from citychat.ports.clock import Clock
from citychat.ports.history import History
from citychat.ports.lobby import Lobby
from citychat.ports.mailbox import Mailbox


def always() -> bool:
    """Tell of engines that have room whatever comes: what a service keeps is its host's to watch."""
    return True


class Engines(Struct, frozen=True):
    """The four engines of one process, its clock and its chance. ``has_room``: whether what they keep has room for more
    chats."""

    bus: Bus
    lobby: Lobby
    mailbox: Mailbox
    history: History
    clock: Clock
    random: Random
    has_room: Callable[[], bool] = always
