"""Every message to the page it is for, or to somewhere durable (protocol §2)."""

from citychat.delivery.delivery import Delivery
from citychat.delivery.endpoint import Endpoint
from citychat.delivery.history_writer import HistoryWriter
from citychat.delivery.transcript import newest_rows
from citychat.delivery.voices import who_wrote

__all__ = ["Delivery", "Endpoint", "HistoryWriter", "newest_rows", "who_wrote"]
