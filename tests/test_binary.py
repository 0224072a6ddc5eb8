"""The one file of `make binary`: with nothing in its environment, in an empty folder, without any Python.

That it is the same program is what the tests of servers, clients and hosts say, which `make binary-tests` runs with it.
"""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.server.host import LAST_LINE
from tests.support.ending import communicated
from tests.support.live_page import LivePage, meet
from tests.support.patience import PATIENCE_S
from tests.support.server_process import PROGRAM

__test__ = bool(PROGRAM)

# All that it takes from the system: the C library.
C_LIBRARY = re.compile(r"(ld-linux[\w-]*|libc|libm|libdl|librt|libpthread|libresolv|libnss_\w+|libutil)([.-][\d.so]+)+")
PIPE = asyncio.subprocess.PIPE


class BareServer:
    """Started with this environment only, and a folder of its own that is empty before."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder, self.environ, self.out = folder, environ, list[str]()

    async def __aenter__(self) -> "BareServer":
        self.folder.mkdir()
        self.child = await asyncio.create_subprocess_exec(
            PROGRAM, "--port", "0", "--data", "data", cwd=self.folder, env=self.environ, stdout=PIPE
        )
        assert self.child.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while not self.out or self.out[-1] != LAST_LINE:
                line = await self.child.stdout.readline()
                assert line, self.out
                self.out.append(line.decode().rstrip("\n"))
        found = re.search(r"http://localhost:(\d+)", "\n".join(self.out))
        assert found
        self.url = f"http://127.0.0.1:{found[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.child.returncode is None:
            self.child.kill()
        await communicated(self.child)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[BareServer]:
    async with BareServer(tmp_path / "empty", TMPDIR=str(tmp_path)) as started:
        yield started


async def test_it_serves_the_page_and_two_people_talk(server: BareServer) -> None:
    a, b = LivePage(server.url, Random(1)), LivePage(server.url, Random(2))
    await meet(a, b)
    a.say("from one file")
    await a.screen.until(lambda: list(a.screen.states.values()) == ["delivered"])
    await a.done()
    await b.done()
    assert sorted(path.name for path in server.folder.iterdir()) == ["data"]


async def test_it_takes_nothing_from_the_system_but_the_c_library(server: BareServer, tmp_path: Path) -> None:
    if sys.platform == "linux":
        mapped = {
            line.split()[5] for line in Path(f"/proc/{server.child.pid}/maps").read_text().splitlines() if "/" in line
        }
        foreign = {path for path in mapped if not path.startswith((str(tmp_path), "/dev/", "anon_inode:"))}
        assert {path for path in foreign if not C_LIBRARY.fullmatch(Path(path).name)} == set()
        assert any("libpython" in path for path in mapped - foreign)


async def test_it_is_one_process_and_a_kill_leaves_nothing_of_it(server: BareServer) -> None:
    if sys.platform == "linux":
        assert Path(f"/proc/{server.child.pid}/task/{server.child.pid}/children").read_text() == ""
    server.child.send_signal(signal.SIGKILL)
    await communicated(server.child)
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))


async def test_a_stop_ends_it_with_status_0(server: BareServer) -> None:
    server.child.send_signal(signal.SIGTERM)
    await communicated(server.child)
    assert server.child.returncode == 0


async def test_what_it_starts_gets_the_environment_as_it_was(tmp_path: Path) -> None:
    """npm is not led to the libraries in the file."""
    npm, seen = tmp_path / "bin" / "npm", tmp_path / "seen"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\nenv > {seen}\nkill -9 $PPID\n")
    npm.chmod(0o755)
    path = f"{npm.parent}:{Path(shutil.which('env') or '').parent}"
    for given in ({}, {"LD_LIBRARY_PATH": "/mine"}):
        child = await asyncio.create_subprocess_exec(
            PROGRAM, "geoip", "fetch", "--data", str(tmp_path / "data"), stderr=PIPE,
            env={"PATH": path, "TMPDIR": str(tmp_path), **given},
        )  # fmt: skip
        await communicated(child)
        names = dict(line.split("=", 1) for line in seen.read_text().splitlines())
        assert names.get("LD_LIBRARY_PATH") == given.get("LD_LIBRARY_PATH")
