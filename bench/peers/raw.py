"""The limit: what the sockets of a message cost, with no protocol and no work: ``python raw.py PORT``.

A frame that comes from one of two connections goes to the other as it is. Which are two, the first line of each says.
"""

import asyncio
import re
import socket
import sys
from functools import partial

import uvloop

HANDSHAKE = re.compile(rb"me=(\w+)&mate=(\w+) HTTP")
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x020{\x81\x0240"
here: dict[bytes, socket.socket] = {}


def read(mate: bytes, sock: socket.socket) -> None:
    """Hand on what has come, with the mask bit taken off: each frame is short, masked with zeros, and whole."""
    data = sock.recv(65_536)
    if not data:
        asyncio.get_running_loop().remove_reader(sock)
        sock.close()
        return
    at, out = 0, b""
    while at < len(data):
        long = data[at + 1] == 0xFE
        size = int.from_bytes(data[at + 2 : at + 4], "big") if long else data[at + 1] & 0x7F
        begin = at + (8 if long else 6)
        out += data[at : at + 1] + (b"\x7e" + data[at + 2 : at + 4] if long else bytes((size,)))
        out += data[begin : begin + size]
        at = begin + size
    here[mate].send(out)


async def accept(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        sock, _ = await loop.sock_accept(listener)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if (found := HANDSHAKE.search(await loop.sock_recv(sock, 65_536))) is None:
            sock.close()  # who only wanted to know whether we listen
            continue
        here[found[1]] = sock
        sock.send(ANSWER)
        loop.add_reader(sock, partial(read, found[2], sock))


def main() -> None:
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1_024)
    listener.setblocking(False)
    uvloop.run(accept(listener))


main()
