"""The program as a host runs it: what its start prints, what its log says, how it ends."""

import asyncio
import contextlib
import re
import sys
from pathlib import Path
from typing import NamedTuple, Self

from tests.server.rawclient import Raw
from tests.support.ending import communicated
from tests.support.patience import PATIENCE_S
from tests.support.server_process import OURS, ROOT, becoming, tethered
from tests.support.server_process import citychat as command_line

LAST_LINE = "Ctrl+C stops it."

JOIN = '42/user,1["user-join",{"v":1,"consent":"1","adult":true,"available":true,"visible":true}]'

# First steps of a child, before it becomes the program. Root, too, is held to the modes of files without these two.
AS_ANYBODY = """import ctypes, os
if os.getuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP"""


def with_files(soft: int, hard: int) -> str:
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"


def command(*words: str, first: str = "") -> list[str]:
    """The command line of ``python -m citychat`` behind a first step."""
    if not first:
        return command_line(*words)
    last = tethered() if sys.platform == "linux" else f"import os, sys\n{becoming(OURS)}"
    return [sys.executable, "-S", "-c", f"{first}\n{last}", *words]


class Ended(NamedTuple):
    status: int
    out: list[str]
    err: list[str]


async def run(*words: str, first: str = "") -> Ended:
    """A command that ends by itself."""
    child = await asyncio.create_subprocess_exec(
        *command(*words, first=first), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await communicated(child)
    assert child.returncode is not None
    return Ended(child.returncode, out.decode().splitlines(), err.decode().splitlines())


async def refusal(*words: str, status: int = 1, first: str = "") -> str:
    """The one line with which a start is refused."""
    ended = await run(*words, first=first)
    assert (ended.status, ended.out, len(ended.err)) == (status, [], 1), ended
    assert ended.err[0].startswith("citychat: ")
    return ended.err[0].removeprefix("citychat: ")


class Host:
    """A server that runs: ``out`` is what its start printed, ``err`` its log."""

    def __init__(self, data: Path, *flags: str, port: int = 0, first: str = "") -> None:
        self.words = ("--port", str(port), "--data", str(data), *flags)
        self.first = first
        self.out: list[str] = []
        self.err = ""
        self.pages: list[Raw] = []
        self.child: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        self.child = await asyncio.create_subprocess_exec(
            *command(*self.words, first=self.first), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.child.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self.out or self.out[-1] != LAST_LINE:
                    line = (await self.child.stdout.readline()).decode()
                    assert line, (await self._rest())[1]
                    self.out.append(line.rstrip("\n"))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.child.returncode is None:
            self.child.kill()
            await self._rest()
        for page in self.pages:
            await page.close()

    @property
    def port(self) -> int:
        found = re.search(r"^You +http://\S+:(\d+)$", "\n".join(self.out), re.MULTILINE)
        assert found is not None
        return int(found[1])

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    async def end(self) -> tuple[int, str]:
        """Wait for its end: status, and what it printed after its start on both ways."""
        async with asyncio.timeout(PATIENCE_S):
            out, self.err = await self._rest()
        assert out == "", "nothing is printed after the start"
        assert "Traceback" not in self.err, self.err
        assert self.child.returncode is not None
        return self.child.returncode, self.err

    async def _rest(self) -> tuple[str, str]:
        out, err = await self.child.communicate()
        return out.decode(), err.decode()

    async def get(self, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
        reader, writer = await asyncio.open_connection(host, self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), body

    async def refuses(self) -> None:
        """Wait until nobody can connect any more. Who had connected and was not accepted yet is reset before that."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionRefusedError):
                while True:
                    with contextlib.suppress(ConnectionResetError):
                        await (await Raw.tcp(self.port)).close()

    async def lets_in(self) -> bool:
        """Whether somebody new is answered."""
        with contextlib.suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(f"GET /live HTTP/1.1\r\nHost: localhost:{self.port}\r\nConnection: close\r\n\r\n".encode())
                return bool(await reader.read())
            finally:
                writer.close()
        return False

    async def page(self) -> Raw:
        """A page that has joined. It is closed with the server, however the test ends."""
        page = await Raw.page(self.port)
        self.pages.append(page)
        await page.send(JOIN)
        assert (await page.packet())[1][0]["ok"]
        return page


def texts(folder: Path) -> dict[str, bytes]:
    """Every file in the folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
