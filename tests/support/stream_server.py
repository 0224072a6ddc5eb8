"""A server that a test plays itself, and that leaves nothing open.

``asyncio.start_server`` does: a connection that it has accepted a moment before it is closed is never told to anybody,
and is found by whatever test runs when it is collected (CPython 3.11, ``BaseSelectorEventLoop._accept_connection2``).
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BACKLOG = 100


class StreamServer:
    """Hands each connection to ``serve``, as a task, until ``close``."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._new: set[socket.socket] = set()  # whose tasks have not begun

    @property
    def is_open(self) -> bool:
        return self._listening is not None

    def open(self, port: int = 0) -> int:
        """Listen at a port of this machine (0: any free one); the port."""
        self._listening = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._listening.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)
        return int(self._listening.getsockname()[1])

    def refuse(self) -> None:
        """Accept nobody any more. Who is connected stays."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """End all connections, and see their ends."""
        self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self._new:
            connection.close()
        await asyncio.sleep(0)  # a transport closes its socket in the next turn

    def _accept(self, listening: socket.socket) -> None:
        try:
            connection, _ = listening.accept()
        except OSError:  # it has gone already
            return
        task = asyncio.create_task(self._run(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._new.add(connection)

    async def _run(self, connection: socket.socket) -> None:
        self._new.discard(connection)
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        writer.close()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """The port of a server that is there until the end of the block."""
    server = StreamServer(serve)
    try:
        yield server.open()
    finally:
        await server.close()
