"""A private RabbitMQ: one node with an epmd of its own, everything it writes in one folder, loopback only."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Self
from urllib.request import Request, urlopen

from tests.support.services import ANSWER_S, Child, MissingServer, free_port, listens

# Debian's /usr/sbin/rabbitmq-server changes user and writes to system folders; the script inside does neither.
DEBIAN = "/usr/lib/rabbitmq/bin/rabbitmq-server"
HEADER = b"AMQP\x00\x00\x09\x01"
VERSION = re.compile(rb"\x07versionS....([0-9.]+)", re.DOTALL)  # in the first frame's table of server properties
CONFIG = """\
listeners.tcp.default = 127.0.0.1:{port}
loopback_users.guest = true
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 1GB
log.console = true
log.console.level = warning
log.file = false
"""
MANAGEMENT = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {port}
management_agent.disable_metrics_collector = true
"""


class RabbitServer:
    """Debian's RabbitMQ (or the one on the PATH), with user and password "guest". Durable queues outlive ``kill``."""

    def __init__(self, folder: Path, port: int | None = None, *, managed: bool = False) -> None:
        """``managed``: ``manage`` works, and a start takes longer. Raises MissingServer."""
        program = DEBIAN if os.access(DEBIAN, os.X_OK) else shutil.which("rabbitmq-server")
        epmd = shutil.which("epmd")
        if program is None or epmd is None:
            raise MissingServer("rabbitmq-server is not on this machine: apt-get install rabbitmq-server")
        self.port = port or free_port()
        self.version = ""
        self._epmd_port = free_port()
        folder = folder.absolute()
        self._program, self._environ = program, self._environ_of(folder)
        self._epmd = Child([epmd, "-port", str(self._epmd_port)], folder / "epmd", self._environ)
        self._node = Child([program], folder, self._environ)
        self._managed_port = free_port() if managed else 0
        (folder / "plugins").write_text("[rabbitmq_management].\n" if managed else "[].\n", "utf-8")
        more = MANAGEMENT.format(port=self._managed_port) if managed else ""
        (folder / "rabbitmq.conf").write_text(CONFIG.format(port=self.port) + more, "utf-8")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    @property
    def running(self) -> bool:
        return self._node.running

    @property
    def pid(self) -> int:
        """The Erlang machine itself: the scripts before it have replaced themselves."""
        return self._node.pid

    def start(self) -> None:
        """Returns when it talks AMQP (the port opens earlier)."""
        if not listens(self._epmd_port):
            self._epmd.start(lambda: listens(self._epmd_port))
        self._node.start(self._answers)

    def stop(self) -> None:
        self._node.stop()
        self._epmd.stop()

    def kill(self) -> None:
        self._node.kill()

    def freeze(self) -> None:
        self._node.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._node.signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def control(self, *words: str) -> str:
        """``rabbitmqctl``; takes half a second. Answers what it printed. Raises CalledProcessError."""
        return subprocess.run([*self.control_words(), *words], check=True, stdout=subprocess.PIPE, text=True).stdout

    def manage(self, method: str, path: str, **said: object) -> None:
        """Ask its management, which costs a thousandth of ``control``. Raises URLError."""
        request = Request(f"http://127.0.0.1:{self._managed_port}/api/{path}", json.dumps(said).encode(), method=method)
        request.add_header("Authorization", f"Basic {b64encode(b'guest:guest').decode()}")
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=ANSWER_S):
            pass

    def control_words(self) -> list[str]:
        """How ``rabbitmqctl`` is called for this node, from anywhere."""
        beside = Path(self._program).with_name("rabbitmqctl")
        needed = ("HOME", "ERL_EPMD_PORT", "RABBITMQ_NODENAME", "RABBITMQ_CONF_ENV_FILE")
        return [
            "env", *(f"{name}={self._environ[name]}" for name in needed),
            str(beside) if beside.exists() else "rabbitmqctl", "--quiet",
        ]  # fmt: skip

    def _environ_of(self, folder: Path) -> dict[str, str]:
        return os.environ | {
            "HOME": str(folder),  # of the cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"citychat{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # The script then becomes the server instead of watching it: signals and the parent's death reach it
            "RABBITMQ_ALLOW_INPUT": "1",
            # No busy waiting, which costs a core others test on; no port of the cluster protocol to the outside
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-noinput +sbwt none +sbwtdcpu none +sbwtdio none "
            "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S) as connection:
                connection.sendall(HEADER)
                first = connection.recv(4_096)
        except OSError:
            return False
        if found := VERSION.search(first):
            self.version = found[1].decode()
        return found is not None
