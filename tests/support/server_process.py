"""The server as a process of its own, which can be killed and started again on the same port and data."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
PROGRAM = os.environ.get("CITYCHAT_TEST_PROGRAM", "")  # the one file of `make binary`, in place of the sources
COMMAND = "citychat" if PROGRAM else "python -m citychat"  # as the program calls itself
OURS = ("citychat",)


def becoming(program: Sequence[str]) -> str:
    """The last step of a child, which becomes the program: a line of Python."""
    words = repr(PROGRAM) if PROGRAM and program == OURS else f'sys.executable, "-m", *{[*program]}'
    return f"words = [{words}, *sys.argv[1:]]; os.execv(words[0], words)"


def tethered(program: Sequence[str] = OURS) -> str:
    """The same, of one that ends with who has started it. Linux only."""
    return f"import ctypes, os, sys\nctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL\n{becoming(program)}"


def citychat(*arguments: str, program: Sequence[str] = OURS) -> list[str]:
    """The command line of ``python -m citychat`` (or of another ``program``: its module and first words); on Linux
    nothing started so outlives a test that was killed.

    By a first step and not by preexec_fn, of which Python warns in a process that has threads.
    """
    last = tethered(program) if sys.platform == "linux" else f"import os, sys\n{becoming(program)}"
    return [sys.executable, "-S", "-c", last, *arguments]


class ServerProcess:
    """``async with`` starts it and ends it. Everything it prints is kept in ``output``."""

    def __init__(self, data: Path, *flags: str, program: Sequence[str] = OURS) -> None:
        self.data, self.flags, self.program = data, flags, program
        self.port = 0
        self.output: list[str] = []
        self._process: asyncio.subprocess.Process
        self._reader: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def start(self) -> None:
        """Start, on the same port as before if there was one. Raises RuntimeError with what the process said."""
        self._process = await asyncio.create_subprocess_exec(
            *citychat("--port", str(self.port), "--data", str(self.data), *self.flags, program=self.program),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=ROOT,
        )
        ready = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(self._process, ready))
        try:
            async with asyncio.timeout(PATIENCE_S):
                self.port = await ready
        except BaseException:
            await self.kill()
            raise

    async def _read(self, process: asyncio.subprocess.Process, ready: "asyncio.Future[int]") -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode().rstrip("\n")
            self.output.append(line)
            if not ready.done() and (port := re.search(r"http://localhost:(\d+)", line)):
                ready.set_result(int(port[1]))
        if not ready.done():
            ready.set_exception(RuntimeError("the server did not start:\n" + "\n".join(self.output)))

    async def kill(self) -> None:
        """kill -9."""
        await self._signalled(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit status. Raises TimeoutError."""
        return await self._signalled(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait until it has ended by itself, or by a signal; the exit status."""
        status = await self._process.wait()
        await self._reader
        return status

    async def _signalled(self, number: signal.Signals) -> int:
        if self.running:
            os.kill(self.pid, number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.ended()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.running:
            await self.kill()
