"""Handlers of what pages ask: the events of both namespaces, and the page and its files over HTTP."""

from citychat.handlers.chat import ChatEvents
from citychat.handlers.dispatcher import AtOnce, Dispatcher, Event, Namespace
from citychat.handlers.host_texts import built_in, contact_url
from citychat.handlers.notices import NoticeDesk, NoticeHandler
from citychat.handlers.pages import TEXTS, Credit, Pages, Readiness
from citychat.handlers.sharing import ShareDesk, sharing_routes
from citychat.handlers.user import UserEvents

__all__ = [
    "TEXTS",
    "AtOnce",
    "ChatEvents",
    "Credit",
    "Dispatcher",
    "Event",
    "Namespace",
    "NoticeDesk",
    "NoticeHandler",
    "Pages",
    "Readiness",
    "ShareDesk",
    "UserEvents",
    "built_in",
    "contact_url",
    "sharing_routes",
]
