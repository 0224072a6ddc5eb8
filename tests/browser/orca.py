"""Debian's screen reader Orca on a screen of its own: keys are pressed as hands press them, what it says is kept."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.support.patience import PATIENCE_S

ENDS_S = 5.0  # Orca may wait for a bus that has ended before it
PROGRAMS = ("Xvfb", "openbox", "xdotool", "dbus-daemon", "orca")
PACKAGES = "xvfb openbox xdotool dbus at-spi2-core orca"
# Orca reads it as Python when it starts. No speech engine: what would go to one is written down, and the echo of keys,
# which is Orca's own, is left out
CUSTOM = """
import json, logging
from orca import settings

class Kept(logging.Handler):
    def emit(self, record):
        with open({said!r}, "a", encoding="utf-8") as file:
            file.write(json.dumps(record.getMessage()) + "\\n")

logging.getLogger("speech").addHandler(Kept())
logging.getLogger("speech").setLevel(logging.INFO)
settings.enableKeyEcho = False
settings.speechServerFactory = "none"
settings.speechFactoryModules = []
"""
SPOKEN = re.compile(r"SPEECH OUTPUT: '(.*)'(?: voice=\w+| \{.*\})?", re.DOTALL)
# Left out: the browser's own frame speaks as often as it likes, and the figure of the lobby comes when it comes
WHENEVER = {
    "Loading. Please wait.", "Finished loading Omnibox Popup.", "Selection deleted.",
    "Nobody else is free in Lyon right now.", "A few people are free right now.",
}  # fmt: skip


class Orca:
    """A screen, a bus and a window manager, with Orca running; ``environment`` is what a browser there needs."""

    def __init__(self, folder: Path) -> None:
        missing = [program for program in PROGRAMS if not shutil.which(program)]
        assert not missing, f"not installed: {' '.join(missing)}; apt-get install --no-install-recommends {PACKAGES}"
        folder.mkdir()
        self._folder, self._said = folder, folder / "said.jsonl"
        self._said.touch()
        self._taken = 0
        self._running = ExitStack()
        self.environment: dict[str, str] = {
            **os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder),
            "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder), "LC_ALL": "C.UTF-8", "LANGUAGE": "en",
            "ACCESSIBILITY_ENABLED": "1", "GSETTINGS_BACKEND": "memory", "NO_AT_BRIDGE": "0",
        }  # fmt: skip
        self.environment.pop("WAYLAND_DISPLAY", None)

    def __enter__(self) -> "Orca":
        with ExitStack() as started:
            self._running = started
            self._start()
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start(self) -> None:
        number = self._told("Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp")
        self.environment["DISPLAY"] = f":{number}"
        bus = self._told("dbus-daemon", "--session", "--nofork", "--print-address=1")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = bus
        self._run("openbox", "--sm-disable")
        prefs = self._folder / "prefs"
        prefs.mkdir()
        (prefs / "orca-customizations.py").write_text(CUSTOM.format(said=str(self._said)), "utf-8")
        orca = self._run("orca", "--user-prefs", str(prefs))
        self.wait(lambda: orca.poll() is not None or "Screen reader on." in self.said())
        assert orca.poll() is None, f"Orca ended, as it does when another one runs: see {self._folder}/orca.log"

    def _told(self, *command: str) -> str:
        """Start it; the first line that it writes, once it can be used."""
        process = self._run(*command, stdout=subprocess.PIPE)
        assert process.stdout
        line: bytes = process.stdout.readline()
        assert line, f"{command[0]} ended: see {self._folder}"
        return line.decode().strip()

    def _run(self, *command: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        log = self._running.enter_context((self._folder / f"{command[0]}.log").open("wb"))
        process = subprocess.Popen(command, env=self.environment, stdout=stdout or log, stderr=log)
        self._running.callback(_end, process)
        return process

    def wait(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, f"Orca said: {self.said()[-20:]}"
            time.sleep(0.05)

    def said(self) -> list[str]:
        """Everything it has said so far, sentence by sentence."""
        lines = self._said.read_text("utf-8").splitlines()
        found = [SPOKEN.fullmatch(json.loads(line)) for line in lines]
        said = [" ".join(one[1].split()) for one in found if one and one[1].strip()]
        return [one for one in said if one not in WHENEVER]

    def new(self) -> list[str]:
        """What was said since `take` or `skip`."""
        return self.said()[self._taken :]

    def take(self, count: int) -> list[str]:
        """The new sentences among the first ``count``; they are not new any more."""
        taken = self.new()[:count]
        self._taken += len(taken)
        return taken

    def skip(self) -> None:
        self._taken = len(self.said())

    def press(self, *keys: str) -> None:
        subprocess.run(["xdotool", "key", "--clearmodifiers", *keys], env=self.environment, check=True)

    def write(self, text: str) -> None:
        subprocess.run(["xdotool", "type", "--delay", "60", text], env=self.environment, check=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
