"""Bus and lobby over Redis."""

from citychat.adapters.redis.bus import RedisBus
from citychat.adapters.redis.connection import Redis
from citychat.adapters.redis.lobby import RedisLobby
from citychat.adapters.redis.shared_keys import SharedKeyCheck

__all__ = ["Redis", "RedisBus", "RedisLobby", "SharedKeyCheck"]
