"""Time from the start of the one file to its first page, as a host waits for it."""

import http.client
import os
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROUNDS, PATIENCE_S = 5, 60.0
TICKS_S = os.sysconf("SC_CLK_TCK")


class Start(NamedTuple):
    """How long a start took."""

    wall_s: float
    cpu_s: float


def described(file: Path) -> str:
    """Starts that unpack and starts that find it unpacked: least and median of a few rounds."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        for kind in ("first start, it unpacks", "later starts"):
            found = []
            for n in range(ROUNDS):
                cache = Path(name, f"cache-{n}" if kind.startswith("first") else "cache-0")
                evict(file)
                found.append(start(file, cache, Path(name, "data")))
            wall, cpu = ([start[at] for start in found] for at in (0, 1))
            lines.append(
                f"First page, {kind}: {min(wall):.2f} s, median {statistics.median(wall):.2f} s; "
                f"CPU {min(cpu):.2f} s, median {statistics.median(cpu):.2f} s"
            )
    return "\n".join(lines)


def start(file: Path, cache: Path, data: Path) -> Start:
    """Start it with an empty environment, ask for the page, stop it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    began = time.monotonic()
    words = [str(file), "--port", str(port), "--data", str(data)]
    with subprocess.Popen(
        words, env={"CACHE_DIRECTORY": str(cache)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            while not asked(port):
                if child.poll() is not None or time.monotonic() - began > PATIENCE_S:
                    raise RuntimeError("it did not start")
                time.sleep(0.005)
            return Start(time.monotonic() - began, spent_s(child.pid))
        finally:
            child.terminate()


def asked(port: int) -> bool:
    """Whether the page came."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/")
        return bool(connection.getresponse().read())
    except ConnectionError:
        return False
    finally:
        connection.close()


def spent_s(pid: int) -> float:
    """CPU time of the process and of those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_S


def evict(file: Path) -> None:
    """Let the system forget what it has read of the file."""
    with file.open("rb") as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
