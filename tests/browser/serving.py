"""The server as a process of its own, and the browser's flags: what tests and screenshots share."""

import os
import re
import subprocess
import sys
from pathlib import Path

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
STOP_S = 15


class Served:
    """One server process on a data folder of its own; it can be killed and started again on the same port."""

    def __init__(self, data: Path, *flags: str) -> None:
        self.data, self.flags = data, flags
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
        command = [sys.executable, "-m", "citychat", "--port", str(self.port), "--data", str(self.data), *self.flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if found := re.search(r"http://localhost:(\d+)", line):
                self.port = int(found[1])
                return
        raise RuntimeError("the server did not start:\n" + "".join(lines))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(STOP_S)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(STOP_S)
