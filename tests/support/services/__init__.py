"""Private instances of the real servers, for tests: started on free ports, ended with the test run.

Each module here knows one server. All of them can be killed, frozen and started again on the same port and folder.
"""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.patience import PATIENCE_S

PORTS = range(20_000, 29_000)  # below the ephemeral range, so that no outgoing connection takes one meanwhile
ANSWER_S = 30.0  # to a question that is asked again and again until PATIENCE_S


class MissingServer(Exception):
    """The program is not on this machine; the text says how to get it."""


def free_port() -> int:
    """A port nobody listens on, given to nobody else while this process lives, nor by another run on this machine:
    until its server has started, a socket of UDP on the same number says that it is taken."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(PORTS)
        with socket.socket() as trial, socket.socket(type=socket.SOCK_DGRAM) as claim:
            try:
                trial.bind(("127.0.0.1", port))
                claim.bind(("127.0.0.1", port))
            except OSError:
                continue
            claim.detach()  # open until this process ends
            return port


def _die_with_parent() -> None:
    """Linux: a test run that is killed leaves no server behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Child:
    """A server process that can be started again and again with the same command."""

    def __init__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._command, self._environ = list(command), environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool]) -> None:
        """Start and wait until ``ready``. Raises RuntimeError with the end of its log when it exits instead."""
        with (self.folder / "log").open("ab") as log:
            # A session of its own: Ctrl+C is for whoever started it, who then ends it in order, and it has no terminal
            self._process = subprocess.Popen(
                self._command, cwd=self.folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_die_with_parent, start_new_session=True,
            )  # fmt: skip
        try:
            self._wait_until(ready)
        except BaseException:
            self.kill()
            raise

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        assert self._process is not None
        end = time.monotonic() + PATIENCE_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                tail = (self.folder / "log").read_text("utf-8", "replace")[-2_000:]
                raise RuntimeError(f"{self._command[0]} did not start (status {self._process.returncode}):\n{tail}")
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9, and wait."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait; killed when it does not go."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(signal.SIGCONT)  # a frozen process hears nothing else
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as trial:
        trial.settimeout(ANSWER_S)
        return trial.connect_ex(("127.0.0.1", port)) == 0
