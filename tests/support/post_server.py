"""A web server of the tests that takes posts: real sockets, and the answer that a test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.support.stream_server import listening


class Posted(NamedTuple):
    path: str
    head: dict[str, str]
    body: bytes
    method: str = "POST"


class PostServer:
    """``taken``: what was posted; ``status``: what it answers; ``silent``: it takes and never answers."""

    def __init__(self) -> None:
        self.taken: list[Posted] = []
        self.status, self.silent = 200, False
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["PostServer"]:
        """Listen on a port that is free."""
        async with listening(self._answer) as self.port:
            yield self

    def answered(self, post: Posted) -> int:
        """The status for it."""
        return self.status

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        body = await reader.readexactly(int(head.get("content-length", "0")))
        method, path, _ = lines[0].split()
        post = Posted(path, head, body, method)
        self.taken.append(post)
        if self.silent:
            await reader.read()
        status = self.answered(post)
        writer.write(
            f"HTTP/1.1 {status} so\r\nContent-Length: 0\r\nLocation: /else\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()
