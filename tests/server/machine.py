"""A machine in a folder: its /etc, /opt and /var, and the little of systemd that starts and stops our services."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.patience import PATIENCE_S
from tests.support.server_process import PROGRAM
from tests.support.services import Child, free_port
from tools.binary.packing import write_checksum

ROOT = Path(__file__).parents[2]
MOVED = re.compile(r"(?<![\w.-])/(opt/citychat|etc|var/lib|tmp/citychat-drill)\b")


class InstalledMachine:
    """``port`` answers for the port that the documents name; ``service`` plays one of our units."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ports: dict[str, int] = {}
        self.services: dict[str, InstalledService] = {}
        self.watchdog_s = 0.0  # in place of the unit's, when set: a test has no minute to wait
        for folder in (
            "opt/citychat",
            "etc/systemd/system",
            "etc/nginx/sites-available",
            "etc/nginx/sites-enabled",
            "etc/caddy",
        ):
            (root / folder).mkdir(parents=True)
        (root / "opt/citychat/src").symlink_to(ROOT)
        self._write_program(root / "citychat")
        write_checksum(root / "citychat")
        shutil.copy("/etc/nginx/nginx.conf", root / "etc/nginx")
        self.state.mkdir(mode=0o700, parents=True)
        self.cache.mkdir(mode=0o700, parents=True)

    @property
    def state(self) -> Path:
        return self.root / "var/lib/citychat"

    @property
    def cache(self) -> Path:
        return self.root / "var/cache/citychat"

    def port(self, named: str) -> int:
        return self._ports.setdefault(named, free_port())

    def moved(self, text: str) -> str:
        """A command or a line of a unit as it must read here."""
        here = MOVED.sub(lambda found: f"{self.root}/{found[1]}", text)
        return re.sub(r"((?://|@|\")127\.0\.0\.1:)(\d+)", lambda found: f"{found[1]}{self.port(found[2])}", here)

    def take_port(self, named: str, port: int) -> None:
        """What the documents call ``named`` is this one here."""
        self._ports[named] = port

    def shim(self, program: str, words: Sequence[str]) -> None:
        """Commands that begin with ``program`` are for these words from now on."""
        path = self.root / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        path.chmod(0o755)

    def run(self, command: str) -> str:
        """What it printed. Raises AssertionError when it fails."""
        if venv := re.fullmatch(r"python3 -m venv (\S+)|(\S+)/bin/pip install /opt/citychat/src", command):
            return self._installs(Path(self.moved(venv[1] or venv[2])))
        environ = os.environ | {"PATH": f"{self.root}/bin:{os.environ['PATH']}"}
        words = ["sh", "-c", self.moved(command)]
        done = subprocess.run(words, cwd=self.root, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def _installs(self, venv: Path) -> str:
        """The program in its place; that pip really installs it is what tests/test_package.py is about."""
        program = venv / "bin" / "citychat"
        program.parent.mkdir(parents=True, exist_ok=True)
        self._write_program(program)
        return ""

    def _write_program(self, path: Path) -> None:
        """In place of the one file as well, unless it is there."""
        if PROGRAM:
            shutil.copy(PROGRAM, path)
            return
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m citychat "$@"\n')
        path.chmod(0o755)

    def start(self, unit: str) -> None:
        """As ``systemctl start``: returns when the service has said that it is ready."""
        self.services[unit] = InstalledService(self, unit)
        self.services[unit].start()

    def stop(self, unit: str) -> None:
        self.services.pop(unit).stop()

    def close(self) -> None:
        for unit in list(self.services):
            self.stop(unit)


class InstalledService:
    """One unit of ours, started as its installed file says: command, credentials, state, notifications.

    ``heard``: what it has said to systemd, once ``listen`` was called.
    """

    def __init__(self, machine: InstalledMachine, unit: str) -> None:
        name, at, self.port_named = unit.partition("@")
        self._unit, self._machine = unit, machine
        text = (machine.root / "etc/systemd/system" / f"{name}{at}.service").read_text("utf-8").replace("\\\n", "")
        self._settings = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
        self._folder = machine.root / "run" / unit
        self._folder.mkdir(parents=True, exist_ok=True)
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.setblocking(False)
        self.heard: list[str] = []

    def start(self) -> None:
        settings, credentials = dict(self._settings), self._credentials()
        command = self._machine.moved(settings["ExecStart"]).replace("%d", str(credentials))
        port = self._machine.port(self.port_named or "8888")
        words = [*shlex.split(command.replace("%i", str(port))), *([] if self.port_named else ["--port", str(port)])]
        address = self._folder / "notify"
        address.unlink(missing_ok=True)
        self._notified.bind(str(address))
        environ = {
            "PATH": os.environ["PATH"],
            "STATE_DIRECTORY": str(self._machine.state),
            "CACHE_DIRECTORY": str(self._machine.cache),
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": str(int((self._machine.watchdog_s or int(settings["WatchdogSec"])) * 1_000_000)),
        }
        self._child = Child(words, self._folder, environ)
        self._child.start(lambda: "READY=1" in self.listen())

    def _credentials(self) -> Path:
        folder = self._folder / "credentials"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for key, value in self._settings:
            if key == "LoadCredential":
                name, _, source = value.partition(":")
                shutil.copy(self._machine.moved(source), folder / name)
                (folder / name).chmod(0o400)
        return folder

    def listen(self) -> list[str]:
        """All that the service has said to systemd so far."""
        while True:
            try:
                self.heard.append(self._notified.recv(4096).decode())
            except BlockingIOError:
                return self.heard

    def signal(self, number: signal.Signals) -> None:
        self._child.signal(number)

    def reload(self) -> None:
        """As systemd does it."""
        command = dict(self._settings)["ExecReload"].replace("$MAINPID", str(self._child.pid))
        subprocess.run(shlex.split(command), check=True, timeout=PATIENCE_S)

    def log(self) -> str:
        return (self._folder / "log").read_text("utf-8")

    def stop(self) -> None:
        self._child.stop()
        self.listen()
        self._notified.close()
