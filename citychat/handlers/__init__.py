"""Handlers of what pages ask: the events of both namespaces, and the page and its files over HTTP."""

from citychat.handlers.chat import ChatEvents
from citychat.handlers.dispatcher import Answer, Dispatcher, Event, Namespace, Reply
from citychat.handlers.user import UserEvents

__all__ = ["Answer", "ChatEvents", "Dispatcher", "Event", "Namespace", "Reply", "UserEvents"]
