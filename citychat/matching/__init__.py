"""Matching: wishes of a page, the lobby's word told to pages, how chats begin and end (protocol §3)."""

from citychat.matching.date_check import DateCheck
from citychat.matching.matching import Matching
from citychat.matching.moderation import Moderation, Reason
from citychat.matching.sessions import Sessions, newest

__all__ = ["DateCheck", "Matching", "Moderation", "Reason", "Sessions", "newest"]
