"""The host's console: cases, pauses, the house, the trail and how the server goes, in a browser, on a listener that no
guest reaches. Loaded only when ``--console`` is given."""

from citychat.console.application import application
from citychat.console.backroom import Backroom
from citychat.console.curve import STEP_S, DayCurve
from citychat.console.doorway import LINK_S, Doorway

__all__ = ["LINK_S", "STEP_S", "Backroom", "DayCurve", "Doorway", "application"]
