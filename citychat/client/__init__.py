"""A page without a browser, twin of the one in ``citychat/static/``."""

from citychat.client.declines import PendingDeclines
from citychat.client.outbox import Outbox
from citychat.client.page import HeadlessPage
from citychat.client.shapes import CONSENT, LANGUAGE, LIFTED, QUESTION, SPOKEN, TOWNS, Row, read, thrown_away
from citychat.client.socket_link import SocketLink

__all__ = [
    "CONSENT",
    "LANGUAGE",
    "LIFTED",
    "QUESTION",
    "SPOKEN",
    "TOWNS",
    "HeadlessPage",
    "Outbox",
    "PendingDeclines",
    "Row",
    "SocketLink",
    "read",
    "thrown_away",
]
