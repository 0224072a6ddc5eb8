"""A WebSocket client that sends whatever it is told, for frames that no honest client sends."""

import asyncio
import base64
import contextlib
import json
import os
import struct
from collections.abc import Mapping
from typing import Any, Self

TEXT, BINARY, CLOSE, PING = 0x1, 0x2, 0x8, 0x9
SOCKETIO = "/socket.io/?EIO=4&transport=websocket"


class Refused(Exception):
    """The server answered the handshake with something else than 101."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body


class Closed(Exception):
    """The connection is over; ``code`` is the close frame's, None when TCP just ended."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, masked: bool = True) -> bytes:
    """One client frame."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += struct.pack("!BH", bit | 126, size)
    else:
        head += struct.pack("!BQ", bit | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read one HTTP response."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
    length = int(headers.get("content-length", "0"))
    return status, headers, await reader.readexactly(length) if length else b""


class Raw:
    """One TCP connection to a server on this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.headers: dict[str, str] = {}

    @classmethod
    async def tcp(cls, port: int, own_address: str = "127.0.0.1") -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(own_address, 0)))

    @classmethod
    async def connect(
        cls, port: int, headers: Mapping[str, str] | None = None, path: str = SOCKETIO, own_address: str = "127.0.0.1"
    ) -> Self:
        """Upgrade to a WebSocket. Raises Refused."""
        self = await cls.tcp(port, own_address)
        fields = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            **(headers or {}),
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items() if value)]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        status, self.headers, body = await answer(self.reader)
        if status != 101:
            await self.close()
            raise Refused(status, self.headers, body)
        return self

    @classmethod
    async def page(cls, port: int, headers: Mapping[str, str] | None = None, own_address: str = "127.0.0.1") -> Self:
        """Connected with both namespaces."""
        self = await cls.connect(port, headers, own_address=own_address)
        assert (await self.text()).startswith("0{")
        for namespace in ("/user", "/chat"):
            await self.send(f"40{namespace},")
            assert (await self.text()).startswith(f'40{namespace},{{"sid":')
        return self

    async def send(self, text: str) -> None:
        await self.raw(frame(text.encode()))

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame. Raises Closed when there will be none."""
        try:
            first, size = await self.reader.readexactly(2)
            assert not size & 0x80, "servers do not mask"
            if size == 126:
                size = struct.unpack("!H", await self.reader.readexactly(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", await self.reader.readexactly(8))[0]
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed(None) from None
        if first & 0x0F == CLOSE:
            raise Closed(struct.unpack("!H", payload[:2])[0] if payload else 1005)
        return first, payload

    async def text(self) -> str:
        """The next text frame that is no ping. Raises Closed."""
        while True:
            first, payload = await self.receive()
            if first & 0x0F == TEXT and payload != b"2":
                return payload.decode()

    async def packet(self) -> tuple[str, Any]:
        """The next Socket.IO packet: what stands before its JSON, and the JSON."""
        text = await self.text()
        start = min(i for i in (text.find("["), text.find("{"), len(text)) if i >= 0)
        return text[:start], json.loads(text[start:]) if text[start:] else None

    async def until_closed(self) -> int | None:
        """Read on to the end; the close code, None when TCP just ended."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed.code

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()
