"""``python -m citychat guest`` as a process with pipes, and a proxy that makes its guest come from elsewhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Self

from tests.support.patience import PATIENCE_S
from tests.support.server_process import ROOT, citychat
from tests.support.stream_server import listening


class TerminalGuest:
    """``async with`` starts it and ends it. ``lines`` is what it has printed, errors too."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.lines: list[str] = []
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *citychat("guest", *self.arguments), stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT, cwd=ROOT
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            self.lines.append(raw.decode().rstrip("\n"))
            self._news.set()
        self._news.set()

    def type(self, *lines: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("".join(line + "\n" for line in lines).encode())

    def end_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def ended(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the end; the exit status."""
        async with asyncio.timeout(patience_s):
            return await self._process.wait()

    async def sees(self, part: str, times: int = 1) -> str:
        """Wait for a line with ``part``; the last of so many. Raises AssertionError with all lines."""
        return await self._until(lambda line: part in line, times, part)

    async def _until(self, fits: Callable[[str], bool], times: int, wanted: str) -> str:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while len(found := [line for line in self.lines if fits(line)]) < times:
                    assert not self._reader.done(), f"never printed {wanted!r}:\n" + "\n".join(self.lines)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"has not printed {wanted!r}:\n" + "\n".join(self.lines)) from None
        return found[times - 1]


@contextlib.asynccontextmanager
async def coming_from(address: str, port: int) -> AsyncIterator[str]:
    """The URL of a proxy to the server at ``port`` that names ``address`` as the client's, as nginx would."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection: the page closes after it, a WebSocket stays."""
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        request = await reader.readuntil(b"\r\n")
        up_writer.write(request + f"X-Forwarded-For: {address}\r\n".encode())
        try:
            await asyncio.gather(pipe(reader, up_writer), pipe(up_reader, writer))
        finally:
            up_writer.close()

    async with listening(serve) as listened:
        yield f"http://127.0.0.1:{listened}"
