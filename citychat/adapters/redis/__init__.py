"""Bus and lobby over Redis."""

from citychat.adapters.redis.bus import RedisBus
from citychat.adapters.redis.connection import Redis
from citychat.adapters.redis.earlier_lobbies import EarlierLobbies
from citychat.adapters.redis.host_settings import HostSettingsCheck
from citychat.adapters.redis.lobby import RedisLobby
from citychat.adapters.redis.shared_keys import SharedKeyCheck

__all__ = ["EarlierLobbies", "HostSettingsCheck", "Redis", "RedisBus", "RedisLobby", "SharedKeyCheck"]
