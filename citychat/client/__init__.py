"""A page without a browser, twin of the one in ``citychat/static/``."""

from citychat.client.declines import PendingDeclines
from citychat.client.outbox import Outbox, Row
from citychat.client.page import HeadlessPage
from citychat.client.socket_link import SocketLink

__all__ = ["HeadlessPage", "Outbox", "PendingDeclines", "Row", "SocketLink"]
