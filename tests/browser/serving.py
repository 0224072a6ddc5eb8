"""The server as a process of its own, and the browser's flags: what tests and screenshots share."""

import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.patience import PATIENCE_S
from tests.support.server_process import OURS, citychat

BROWSER = os.environ.get("CITYCHAT_TEST_BROWSER", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP chat.example 127.0.0.1",  # plain http under a name: an insecure context
]


class Served:
    """One server process on a data folder of its own; it can be killed and started again on the same port."""

    def __init__(self, data: Path, *flags: str, program: Sequence[str] = OURS) -> None:
        self.data, self.flags, self.program = data, flags, program
        self.log = data.with_name(f"{data.name}.log")
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def twin(self) -> str:
        """The same server under the name that counts as another person."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        named = ("--origins", "http://chat.example")  # it is served to this machine by its addresses and localhost only
        where = ("--port", str(self.port), "--data", str(self.data))
        command = citychat(*where, *named, *self.flags, program=self.program)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(r"http://localhost:(\d+)", self.log.read_text("utf-8"))):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError("the server did not start:\n" + self.log.read_text("utf-8"))
            time.sleep(0.05)
        self.port = int(found[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(PATIENCE_S)
