"""Telling the host that a report came: by mail, webhook or ntfy, with never a word of what was said in a chat."""

from citychat.alerts.command import main
from citychat.alerts.teller import Teller
from citychat.alerts.ways import ways

__all__ = ["Teller", "main", "ways"]
