"""A private Redis: in memory, on a free port, without a file on disk."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.support.patience import PATIENCE_S
from tests.support.services import Child, MissingServer, free_port, listens

PROGRAM = "redis-server"
HOW_TO_GET = "redis-server is not on the PATH: apt-get install redis-server, or your system's package of Redis"


class RedisServer:
    """``folder`` gets its log. ``options`` are more words for its command line (``--requirepass``, …)."""

    def __init__(self, folder: Path, port: int | None = None, options: tuple[str, ...] = ()) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            raise MissingServer(HOW_TO_GET)
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.version = _version(program)
        words = [
            program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(folder), "--daemonize", "no", *options,
        ]  # fmt: skip
        self._child = Child(words, folder)

    @property
    def running(self) -> bool:
        return self._child.running

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        """Returns when it answers."""
        self._child.start(lambda: listens(self.port))

    def stop(self) -> None:
        self._child.stop()

    def kill(self) -> None:
        """kill -9: with it goes everything that was in it."""
        self._child.kill()

    def freeze(self) -> None:
        self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._child.signal(signal.SIGCONT)

    def lose_data(self) -> None:
        """Forget every key; connections and subscriptions stay."""
        assert self.tell("FLUSHALL") == "+OK"

    def tell(self, command: str) -> str:
        """The first line of the answer to an inline command, over a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            connection.sendall(command.encode() + b"\r\n")
            with connection.makefile("rb") as answer:
                return answer.readline().decode().rstrip("\r\n")


def _version(program: str) -> str:
    """``7.0.15`` out of "Redis server v=7.0.15 sha=…"."""
    line = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    return line.partition("v=")[2].partition(" ")[0]
