"""Bundle of all that one process works with."""

from random import Random

from msgspec import Struct

from citychat.ports.bus import Bus
from citychat.ports.clock import Clock
from citychat.ports.history import History
from citychat.ports.lobby import Lobby
from citychat.ports.mailbox import Mailbox


class Engines(Struct, frozen=True):
    """The four engines of one process, its clock and its chance."""

    bus: Bus
    lobby: Lobby
    mailbox: Mailbox
    history: History
    clock: Clock
    random: Random
