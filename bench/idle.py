"""What a guest costs who has joined and says nothing: ``python -m bench.idle``; Linux only.

Starts a server of its own with embedded storage, lets so many guests join over real sockets, and looks at the process:
memory for each when all are in, and processor time for each ping while they only answer pings.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from citychat.server.listeners import raise_file_limit
from tests.support.patience import PATIENCE_S
from tests.support.server_process import ServerProcess

TICK_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1024
WARM, AT_ONCE = 100, 8  # guests before the first look at the memory; guests who join together
SETTLED_S = 7.0  # by then no deadline of a join runs any more
JOIN = {"v": 1, "consent": "1", "adult": True, "available": True, "visible": True}
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r\n"
    "Accept-Language: en-GB,en;q=0.9,fr;q=0.8\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)


def frame(text: str) -> bytes:
    """A text frame with a mask of zeros."""
    raw = text.encode()
    size = bytes((0x80 | len(raw),)) if len(raw) < 126 else b"\xfe" + len(raw).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + raw


class IdleGuest(asyncio.Protocol):
    """A page that joins and answers pings. ``pings`` counts those of all."""

    pings = 0
    _transport: asyncio.Transport

    def __init__(self) -> None:
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        join = frame("42/user,1" + json.dumps(["user-join", JOIN]))
        transport.write(HANDSHAKE.encode() + frame("40/user,") + frame("40/chat,") + join)

    def data_received(self, data: bytes) -> None:
        if b"\x81\x012" in data:
            IdleGuest.pings += 1
            self._transport.write(frame("3"))
        if not self.joined.done() and b"43/user,1" in data:
            if b'"ok":true' in data:
                self.joined.set_result(None)
            else:
                self.joined.set_exception(RuntimeError(f"a join was refused: {data[:300]!r}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.joined.done():
            self.joined.set_exception(RuntimeError("a guest was closed before the join"))


def memory_kb(pid: int) -> float:
    """What the process has in memory of its own."""
    resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    return (int(resident) - int(shared)) * PAGE_KB


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK_PER_S


async def enter(server: ServerProcess, guests: int) -> None:
    """Let so many join. Raises RuntimeError."""
    loop = asyncio.get_running_loop()
    for start in range(0, guests, AT_ONCE):
        made = [
            await loop.create_connection(IdleGuest, "127.0.0.1", server.port)
            for _ in range(min(AT_ONCE, guests - start))
        ]
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(guest.joined for _, guest in made))


async def measure(guests: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="citychat-idle-") as folder:
        async with ServerProcess(Path(folder)) as server:
            await enter(server, WARM)
            await asyncio.sleep(SETTLED_S)
            before_kb, before_s = memory_kb(server.pid), cpu_s(server.pid)
            await enter(server, guests)
            joined_s = cpu_s(server.pid) - before_s
            await asyncio.sleep(SETTLED_S)
            kb = (memory_kb(server.pid) - before_kb) / guests
            pings, since_s = IdleGuest.pings, cpu_s(server.pid)
            await asyncio.sleep(seconds)
            pings, idle_s = IdleGuest.pings - pings, cpu_s(server.pid) - since_s
    joined_ms, ping_us = joined_s / guests * 1e3, idle_s / max(1, pings) * 1e6
    print(f"{guests:,} guests joined and idle: {kb:.1f} KB a guest; {joined_ms:.2f} ms CPU to connect and join")
    print(f"{pings:,} pings in {seconds:g} s: {ping_us:.0f} µs CPU each, {idle_s / seconds:.1%} of a core")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--guests", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=40.0, help="of pings, one in 20 s of each guest")
    given = parser.parse_args(argv)
    raise_file_limit()
    asyncio.run(measure(given.guests, given.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
