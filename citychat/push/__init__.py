"""Push: the host's keys for Web Push, and the push services that carry a sign (RFC 8030, RFC 8292)."""

from citychat.push.command import main
from citychat.push.keys import KeysUnreadable, PushKeys, load_push_keys
from citychat.push.services import PushServices

__all__ = ["KeysUnreadable", "PushKeys", "PushServices", "load_push_keys", "main"]
