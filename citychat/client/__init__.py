"""A page without a browser, twin of the one in ``citychat/static/``."""

from citychat.client.declines import PendingDeclines
from citychat.client.outbox import Outbox
from citychat.client.page import HeadlessPage, Link, View

__all__ = ["HeadlessPage", "Link", "Outbox", "PendingDeclines", "View"]
