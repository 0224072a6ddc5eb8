"""The connected guests of this process."""

from citychat.delivery import Voices
from citychat.registry.client import Client
from citychat.registry.match_state import MatchState
from citychat.registry.registry import Registry

__all__ = ["Client", "MatchState", "Registry", "Voices"]
