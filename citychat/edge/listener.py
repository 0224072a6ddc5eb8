"""Taking TCP connections in: as many as there is room for, few of one network, and none while the system has no more.

Tornado's own way in raises when the process or the system has no open file left. The listening socket stays readable,
so it is called again at once: 20,000 times and log lines a second, until somebody leaves.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from citychat.edge.client_address import ConnectionLimiter
from citychat.edge.redaction import RateLimitedLog, RefusalLog
from citychat.limits import Shares

_REST_S = 0.1
_AT_ONCE = 16  # some 5 ms; then the pages have their turn
_TAKEN_WITHIN_S = 60.0  # the largest answer has 41 kB, most of which the system takes at once


@dataclass(frozen=True)
class Capacity:
    """The room that a ``BoundedServer`` has.

    ``files``: open files the process may have; ``spare`` of them are not for connections. ``seats`` counts connections
    that are no WebSocket (yet) for each network, ``arrivals`` those that come; ``source`` names the network of a peer's
    address ("": no limit, for a proxy comes for everybody).
    """

    files: int
    spare: int
    seats: ConnectionLimiter
    arrivals: Shares
    source: Callable[[str], str]
    refusals: RefusalLog
    troubles: RateLimitedLog
    logger: logging.Logger


class BoundedServer(HTTPServer):
    """Tornado's server with another way in. A refused connection is closed without an answer: it has asked nothing."""

    def initialize(self, *args: Any, capacity: Capacity, **options: Any) -> None:  # type: ignore[override]
        """Tornado's constructor, with a ``capacity``."""
        super().initialize(*args, **options)
        self._capacity = capacity
        self._listeners: list[_Listener] = []
        self._sources: dict[IOStream, str] = {}  # of the streams that are no WebSockets; "": holds no seat
        self._writing = set[IOStream]()  # those whose client had not taken an answer when they were last looked at
        self._look: asyncio.TimerHandle | None = None

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Let connections in at these sockets until ``stop``, which closes them."""
        self._listeners += [_Listener(each, self._accepted, self._failed) for each in sockets]
        if self._look is None:
            self._cut_slow_readers()

    def stop(self) -> None:
        """Let nobody in any more; idempotent."""
        super().stop()
        while self._listeners:
            self._listeners.pop().close()
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def _cut_slow_readers(self) -> None:
        """Close whoever has not taken an answer for so long: else the seats would be theirs for ever."""
        writing = {stream for stream in self._sources if stream.writing()}
        for stream in writing & self._writing:
            self._capacity.refusals.note(self._sources[stream], "a client that does not take its answer")
            stream.close()
        self._writing = writing
        self._look = asyncio.get_running_loop().call_later(_TAKEN_WITHIN_S, self._cut_slow_readers)

    def _failed(self, error: OSError) -> None:
        if (more := self._capacity.troubles.take(type(error).__name__)) is not None:
            reason = error.strerror or "unknown"
            self._capacity.logger.error("No connection can be accepted, trying again: %s%s", reason, more)

    def _accepted(self, connection: socket.socket, address: Any) -> None:
        capacity = self._capacity
        # A new connection has the lowest number that is free, so its number says how many are taken.
        if connection.fileno() >= capacity.files - capacity.spare:
            connection.close()
            why = f"a connection, for there may be {capacity.files} open files: raise LimitNOFILE or ulimit -n"
            capacity.refusals.note("", why)
            return
        source = capacity.source(address[0] if address else "")  # who comes by a path has none
        if source and capacity.arrivals.take("", source):
            connection.close()
            capacity.refusals.note(source, "connections of one network that came too fast")
            return
        if not capacity.seats.free(source):
            connection.close()
            capacity.refusals.note(source, "too many connections of one network that are no pages")
            return
        stream = IOStream(connection, max_buffer_size=self.max_buffer_size, read_chunk_size=self.read_chunk_size)
        self._sources[stream] = source
        if source:
            capacity.seats.take(source)
        self.handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        """Tornado is done with HTTP on a connection: it is closed, or a WebSocket from now on."""
        super().on_close(server_conn)
        # tornado 6.5–6.6, undocumented: the stream of an HTTP1ServerConnection.
        if source := self._sources.pop(server_conn.stream, ""):  # type: ignore[attr-defined]
            self._capacity.seats.give_back(source)


class _Listener:
    """A listening socket: ``accepted`` gets every connection, ``failed`` why there was none; then it rests."""

    def __init__(
        self,
        listening: socket.socket,
        accepted: Callable[[socket.socket, Any], None],
        failed: Callable[[OSError], None],
    ) -> None:
        self._listening = listening
        self._accepted = accepted
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._rest: asyncio.TimerHandle | None = None
        self._watch()

    def _watch(self) -> None:
        self._rest = None
        self._loop.add_reader(self._listening.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # it left before its turn
                continue
            except OSError as error:  # EMFILE, ENFILE, ENOBUFS, ENOMEM; at once helps against no other either
                self._loop.remove_reader(self._listening.fileno())
                self._rest = self._loop.call_later(_REST_S, self._watch)
                self._failed(error)
                return
            self._accepted(connection, address)

    def close(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        else:
            self._loop.remove_reader(self._listening.fileno())
        self._listening.close()
