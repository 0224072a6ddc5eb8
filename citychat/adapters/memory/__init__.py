"""The embedded bus and lobby: memory of one process."""

from citychat.adapters.memory.bus import MemoryBus
from citychat.adapters.memory.lobby import MemoryLobby

__all__ = ["MemoryBus", "MemoryLobby"]
