"""python-socketio bent to one door: no dispatch by event name, no binary packets, no tasks per event.

Everything private of python-socketio and python-engineio that CityChat touches is in this file, each with the versions
it was read in; tests/server/test_edge_library.py fails when one of them changes.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from citychat.edge.connection import NAMESPACES, Connection, Reply
from citychat.edge.library import packet, socketio
from citychat.edge.packets import Packet, read
from citychat.edge.redaction import nowhere

Door = Callable[[Connection, str, object, Reply | None], Awaitable[None] | None]
"""Called for every event: connection, event, payload as decoded (None when there was none), the way to answer. What it
returns is awaited before the next event of the connection; None: all is done."""

OF_THE_OTHER = {"/user": "chat-", "/chat": "user-"}  # how the names of the other namespace's events begin

NO_ENVIRON: dict[str, object] = {}  # one for all: only the library's connect reads it


class SocketIOServer(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """The library keeps namespaces and packets; events go to the door and transport is ours (``Wire``)."""

    def __init__(self, door: Door) -> None:
        silent = nowhere()
        super().__init__(
            async_mode="tornado",
            serializer=Packet,
            namespaces=list(NAMESPACES),
            async_handlers=False,  # True reorders the events of one client
            monitor_clients=False,  # wires ping by themselves; the library's task wakes once per client
            transports=["websocket"],
            logger=silent,
            engineio_logger=silent,
        )
        self.manager_initialized = True  # what _handle_eio_connect would do at the first client; memory needs nothing
        self.connections: dict[str, Connection] = {}
        self._door = door

    def new_id(self) -> str:
        """A fresh Engine.IO session id."""
        return str(self.eio.generate_id())

    def enter(self, connection: Connection) -> None:
        """Put a connection into the library's tables. It never sees the request: its driver calls every client
        127.0.0.1 and keeps some 4 kB of environ for each."""
        self.connections[connection.eio_sid] = connection
        self.environ[connection.eio_sid] = NO_ENVIRON
        self.eio.sockets[connection.eio_sid] = connection.transport

    def leave(self, connection: Connection) -> None:
        """Take a connection out of the library's tables; idempotent."""
        self.connections.pop(connection.eio_sid, None)
        self.environ.pop(connection.eio_sid, None)
        self.eio.sockets.pop(connection.eio_sid, None)
        for namespace, sid in connection.sids.items():
            self.manager.basic_disconnect(sid, namespace)

    def dispatch(self, connection: Connection, text: str) -> Awaitable[None] | None:
        """Take one Socket.IO packet of a connection; return what of it is to be awaited, None when it is done. Raises
        Malformed. In place of the library's reader, which awaits four coroutines for each packet."""
        kind, namespace, number, data = read(text)
        if kind == packet.CONNECT:
            return self._handle_connect(connection.eio_sid, namespace, None)
        if kind == packet.DISCONNECT:
            connection.close("left")  # a page has both namespaces or none
        elif kind == packet.ACK:
            connection.transport.strike("an ack that nobody asked for")  # receipts are events here
        elif namespace is None or namespace not in connection.sids:
            connection.transport.strike("an event to a namespace that is not connected")
        else:
            connection.spoke = True
            event, *rest = data
            if event.startswith(OF_THE_OTHER[namespace]):
                event = ""  # of the other namespace: here it is none (protocol §1), and the door knows none without one
            payload = (rest[0] if rest else None) if len(rest) < 2 else rest
            reply = None if number is None else connection.reply(namespace, number)
            return self._door(connection, event, payload, reply)
        return None

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        # python-socketio 5.16–5.18, private: refuses unknown namespaces and second CONNECTs, answers the others.
        connection = self.connections.get(eio_sid)
        if connection is None:
            return
        if namespace in connection.sids:
            connection.transport.strike("a namespace connected twice")
            return
        await super()._handle_connect(eio_sid, namespace, None)
        if namespace not in NAMESPACES:
            connection.transport.strike("a namespace that does not exist")
            return
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace)
        # The room of its own that every sid gets makes each disconnect walk through the rooms of all.
        self.manager.basic_leave_room(sid, namespace, sid)
        connection.opened(namespace, sid)

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> None:
        # python-socketio 5.16–5.18, private: would call handlers by name, also those called connect and disconnect with
        # whatever a client's event of that name carried. Here the library calls it for its own connects only.
        return None
