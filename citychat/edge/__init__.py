"""The edge: all that bends Tornado, python-engineio and python-socketio (docs/architecture.md, What the libraries
do)."""

from citychat.edge.connection import Connection, Reply
from citychat.edge.edge import Edge
from citychat.edge.socketio_server import Door
from citychat.edge.transport import Bounds

__all__ = ["Bounds", "Connection", "Door", "Edge", "Reply"]
