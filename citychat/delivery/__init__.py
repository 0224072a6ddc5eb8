"""Every message to the page it is for, or to somewhere durable (protocol §2)."""

from citychat.delivery.delivery import Delivery
from citychat.delivery.endpoint import Endpoint
from citychat.delivery.history_writer import HistoryWriter
from citychat.delivery.transcript import as_shown, newest_rows, rows_back_to
from citychat.delivery.voices import Voices, voices

__all__ = ["Delivery", "Endpoint", "HistoryWriter", "Voices", "as_shown", "newest_rows", "rows_back_to", "voices"]
