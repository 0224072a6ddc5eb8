"""One connection to Redis: opened by redis-py, then read and written by the turn of the loop."""

import asyncio
from typing import cast

import hiredis
from redis import exceptions
from redis._parsers.base import BaseParser  # redis-py 8.1, private: the exception for each error that Redis names
from redis.asyncio.connection import Connection, ConnectionPool

from citychat.adapters.redis.resp import Answer, Word, packed

_NOTHING = object()


class Wire(asyncio.Protocol):
    """A connection of redis-py's (address, TLS, password, version), and then a protocol: redis-py's own reader and
    writer wait with a future for each packet, and a publish was a third dearer (docs/performance.md). ``heard`` is told
    each reply, error replies as exceptions."""

    def __init__(self, pool: ConnectionPool, heard: Answer) -> None:
        self._connection: Connection = pool.make_connection()  # type: ignore[no-untyped-call]
        self._heard = heard
        self._replies = hiredis.Reader(
            protocolError=exceptions.InvalidResponse, replyError=BaseParser.parse_error, notEnoughData=_NOTHING
        )
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._first: asyncio.Future[object] | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def unsent(self) -> int:
        """Return how many bytes the system has not taken yet."""
        return self._out_bytes + (self._transport.get_write_buffer_size() if self._transport is not None else 0)

    async def connect(self) -> str:
        """The server's version. Raises what redis-py raises."""
        await self._connection.connect()  # type: ignore[no-untyped-call]
        await self._connection.send_command("INFO", "server", check_health=False)
        facts = (await self._connection.read_response()).decode("utf-8", "replace")
        writer = self._connection._writer
        if writer is None:
            raise exceptions.ConnectionError
        self._transport = cast(asyncio.Transport, writer.transport)
        self._transport.set_protocol(self)  # nobody has subscribed yet: nothing comes before it is asked for
        return str(facts.partition("redis_version:")[2].partition("\r")[0])

    async def may(self, *command: Word) -> None:
        """Send a command before all others. Raises NoPermissionError when the user may not; what else is wrong shows
        when it is sent again."""
        self._first = asyncio.get_running_loop().create_future()
        self.send(packed(command))
        answer = await self._first
        if isinstance(answer, exceptions.NoPermissionError):
            raise answer

    async def life(self) -> None:
        """Wait for ever. Raises what the connection ends of."""
        await self._ended

    def send(self, command: bytes) -> None:
        """Send a command, in one write with all others of this turn of the loop."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._write)
        self._out.append(command)
        self._out_bytes += len(command)

    def _write(self) -> None:
        commands = b"".join(self._out)
        self._out.clear()
        self._out_bytes = 0
        if self._transport is None or self._transport.is_closing():
            return
        try:
            self._transport.write(commands)
        except (OSError, RuntimeError) as error:  # uvloop's, of a write after the end
            self._end(error)

    def data_received(self, data: bytes) -> None:
        """Take what Redis says (asyncio.Protocol)."""
        try:
            self._replies.feed(data)
            while (reply := self._replies.gets()) is not _NOTHING:
                # What was the primary is a replica now: connect again, to the new one
                if isinstance(reply, exceptions.ReadOnlyError | exceptions.ConnectionError):
                    raise reply
                self._told(reply)
        except Exception as error:
            self._end(error)

    def _told(self, reply: object) -> None:
        if self._first is None:
            self._heard(reply)
        else:
            first, self._first = self._first, None
            if not first.done():
                first.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take it that the connection is gone (asyncio.Protocol)."""
        self._end(exc or exceptions.ConnectionError())

    def _end(self, error: Exception) -> None:
        for waits in (self._first, self._ended):
            if waits is not None and not waits.done():
                waits.set_exception(error)

    async def close(self) -> None:
        """Close at once, whatever is still unsent: a stalled server would never take it."""
        if not self._ended.cancel() and not self._ended.cancelled():
            self._ended.exception()  # whoever waited for it may have heard of the other connection's end first
        if self._transport is not None:
            self._transport.abort()
        await self._connection.disconnect(nowait=True)
