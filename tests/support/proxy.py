"""A TCP proxy that can break a connection in the ways networks do: between pages and processes, processes and services.

Each direction has toxics of its own. What ``blackhole`` has swallowed is gone, and a connection that lost something
never works again, not even when the hole is closed: its ends must find out by themselves. ``stall`` only holds
everything back, as a network does that comes back: nothing is lost. So a test can keep bytes at a chosen place.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from tests.support.stream_server import StreamServer

CHUNK_BYTES = 16 * 1024
SLOW_STEP_S = 0.05
QUEUE_CHUNKS = 64  # on the way, in one direction of one connection; then the proxy reads no more
LINGER_0 = struct.pack("ii", 1, 0)  # close by RST


@dataclass
class Flow:
    """One direction. ``cut_after_bytes``: of each connection, from now on; 0: never. ``bytes_per_s`` 0: unlimited."""

    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    cut_after_bytes: int = 0
    swallows: bool = False
    open: asyncio.Event = field(default_factory=asyncio.Event)
    held_bytes: int = 0  # waiting in the proxy now
    passed_bytes: int = 0
    swallowed_bytes: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    def heal(self) -> None:
        self.latency_s = self.bytes_per_s = 0.0
        self.cut_after_bytes, self.swallows = 0, False
        self.open.set()


class _Connection:
    """A client, the server it was connected to, and the two directions between them."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.proxy, self.writers = proxy, (client, server)
        self.dead = False  # something was swallowed: no byte may pass any more
        self._broken = asyncio.Event()

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        client, server = self.writers
        pumps: list[asyncio.Task[object]] = [
            asyncio.create_task(self._pump(from_client, server, self.proxy.to_server)),
            asyncio.create_task(self._pump(from_server, client, self.proxy.to_client)),
            asyncio.create_task(self._broken.wait()),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in self.writers:
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow) -> None:
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE_CHUNKS)
        sending = asyncio.create_task(self._send(chunks, writer, flow))
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(CHUNK_BYTES):
                if flow.swallows or self.dead:
                    self.dead = True
                    flow.swallowed_bytes += len(data)
                    continue
                flow.held_bytes += len(data)
                await chunks.put((loop.time() + flow.latency_s, data))
            await chunks.put((0.0, b""))
            await sending
            if flow.swallows or self.dead:
                await asyncio.Event().wait()  # the end of the connection is swallowed too
        except OSError:
            return
        finally:
            sending.cancel()
            while not chunks.empty():
                flow.held_bytes -= len(chunks.get_nowait()[1])

    async def _send(
        self, chunks: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter, flow: Flow
    ) -> None:
        passed, loop = 0, asyncio.get_running_loop()
        while True:
            due_s, data = await chunks.get()
            try:
                await asyncio.sleep(due_s - loop.time())
                await flow.open.wait()
                if not data:
                    return
                if flow.cut_after_bytes and passed + len(data) >= flow.cut_after_bytes:
                    writer.write(data[: flow.cut_after_bytes - passed])
                    await writer.drain()
                    await asyncio.sleep(0.05)  # a RST discards what the other side has not read yet
                    self.reset()
                    return
                await self._write(data, writer, flow)
                passed += len(data)
                flow.passed_bytes += len(data)
            except OSError:
                return
            finally:
                flow.held_bytes -= len(data)

    async def _write(self, data: bytes, writer: asyncio.StreamWriter, flow: Flow) -> None:
        while data:
            step = max(1, int(flow.bytes_per_s * SLOW_STEP_S)) if flow.bytes_per_s else len(data)
            if not (self.dead or flow.swallows):
                writer.write(data[:step])
                await writer.drain()
            data = data[step:]
            if flow.bytes_per_s:
                await asyncio.sleep(SLOW_STEP_S)

    def reset(self) -> None:
        self._broken.set()
        for writer in self.writers:
            sock = writer.get_extra_info("socket")
            if sock is not None and not writer.transport.is_closing():
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
            writer.transport.abort()


class Proxy:
    """``async with`` listens on ``port`` (0: any). ``targets`` answers the ports to try, in order, for each new
    connection."""

    def __init__(self, targets: Callable[[], Sequence[int]], port: int = 0) -> None:
        self.targets, self.port = targets, port
        self.to_server, self.to_client = Flow(), Flow()
        self.accepted = 0
        self._server = StreamServer(self._accept)
        self._connections: dict[_Connection, None] = {}

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.down()
        await self._server.close()

    @property
    def flows(self) -> tuple[Flow, Flow]:
        return self.to_server, self.to_client

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    async def up(self) -> None:
        """Listen, on the same port as before."""
        if not self._server.is_open:
            self.port = self._server.open(self.port)

    async def down(self) -> None:
        """Refuse new connections, reset all there are."""
        self._server.refuse()
        self.reset()

    def reset(self) -> None:
        """RST to both ends of every connection."""
        for connection in list(self._connections):
            connection.reset()

    async def emptied(self) -> None:
        """Wait until no connection is left."""
        await self._server.emptied()

    def blackhole(self) -> None:
        """Accept, forward nothing. Connections that lose something in it stay dead."""
        for flow in self.flows:
            flow.swallows = True
        for connection in self._connections:
            connection.dead = True

    def stall(self) -> None:
        """Hold everything back in both directions."""
        for flow in self.flows:
            flow.open.clear()

    async def heal(self) -> None:
        """No toxics any more, and listening."""
        for flow in self.flows:
            flow.heal()
        await self.up()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        for port in self.targets():
            try:
                from_server, server = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            break
        else:
            writer.transport.abort()
            return
        connection = _Connection(self, writer, server)
        self._connections[connection] = None
        try:
            await connection.run(reader, from_server)
        finally:
            self._connections.pop(connection, None)
