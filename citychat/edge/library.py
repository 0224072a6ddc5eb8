"""python-socketio, imported without what only its clients and its brokers need."""

from citychat.leaving_out import leaving_out

with leaving_out("aiohttp", "requests", "redis"):
    import socketio
    from socketio import packet

__all__ = ["packet", "socketio"]
