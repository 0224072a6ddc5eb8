"""Every message to the page it is for, or to somewhere durable (protocol §2)."""

from citychat.delivery.delivery import BUSY_MS, Delivery
from citychat.delivery.endpoint import Endpoint
from citychat.delivery.history_writer import HistoryWriter

__all__ = ["BUSY_MS", "Delivery", "Endpoint", "HistoryWriter"]
