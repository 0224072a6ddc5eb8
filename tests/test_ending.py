"""A test that is stopped, by its limit or by Ctrl+C, leaves no process and no open transport for the next one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]
HANGING = r"""
import asyncio
import gc
from pathlib import Path
from random import Random

from tests.support.ending import communicated
from tests.support.proxy import Proxy
from tests.support.live_page import LivePage
from tests.support.server_process import ServerProcess

PIDS = Path(__file__).with_name("pids")


async def test_that_hangs(tmp_path):
    async with ServerProcess(tmp_path) as server, Proxy(lambda: [server.port]) as proxy:
        PIDS.write_text(f"{server.pid}\n")
        page = LivePage(f"http://127.0.0.1:{proxy.port}", Random(1))
        page.start()
        await page.screen.until(lambda: page.joined)
        other = await asyncio.create_subprocess_exec("sleep", "1000", stdout=asyncio.subprocess.PIPE)
        with PIDS.open("a") as pids:
            pids.write(f"{other.pid}\n")
        await communicated(other)


def test_that_comes_next():
    gc.collect()
"""


def begun(pids: Path) -> list[int]:
    """The processes that the test has begun so far; wherever a slow one is stopped, they must have ended."""
    return [int(line) for line in pids.read_text().splitlines()] if pids.exists() else []


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def hear_ctrl_c() -> None:
    """Undo what a script's background command inherits and hands down: it ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("stopped", ["by its limit", "by Ctrl+C"])
def test_what_is_stopped_leaves_nothing_behind(tmp_path: Path, stopped: str) -> None:
    file, pids = tmp_path / "test_hanging.py", tmp_path / "pids"
    file.write_text(HANGING, "utf-8")
    limit_s = 20 if stopped == "by its limit" else PATIENCE_S
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    command += ["-o", f"coroutine_timeout={limit_s}", str(file)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("CITYCHAT_", "PYTEST_"))}
    with subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, preexec_fn=hear_ctrl_c
    ) as run:
        try:
            end_s = time.monotonic() + PATIENCE_S
            while stopped == "by Ctrl+C" and len(begun(pids)) < 2:
                assert time.monotonic() < end_s and run.poll() is None
                time.sleep(0.05)
            if stopped == "by Ctrl+C":
                run.send_signal(signal.SIGINT)
            out, _ = run.communicate(timeout=PATIENCE_S)
        finally:
            run.kill()
    assert ("1 failed, 1 passed" if stopped == "by its limit" else "KeyboardInterrupt") in out, out
    assert "ResourceWarning" not in out and "was destroyed" not in out, out
    assert [pid for pid in begun(pids) if is_alive(pid)] == []
