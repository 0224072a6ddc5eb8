"""How long a start takes: ``python -m bench.start``; exits 1 when the first page costs more than it may (Linux only).

The server from nothing to the last byte of its page, with embedded storage in a fresh folder, and the short commands to
their end; beside them Python alone, which nobody can be quicker than. All in turn, again and again: what else the
machine does falls on all of them. CPU is that of the process with all its threads; what it waited for a processor that
others had is told, and not held against it.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import NamedTuple

from tests.support.server_process import ROOT

CPU_LIMIT_S, WALL_LIMIT_S = 0.4, 0.6
PATIENCE_S = 120.0
COMMANDS = {
    "Python alone": ["-c", "pass"],
    "--version": ["-m", "citychat", "--version"],
    "--help": ["-m", "citychat", "--help"],
    "--print-settings": ["-m", "citychat", "--print-settings"],
    "guest --help": ["-m", "citychat", "guest", "--help"],
    "geoip status": ["-m", "citychat", "geoip", "status"],
}


class Start(NamedTuple):
    """What one start took. ``waited_s``: ready, and without a processor; ``peak_mb``: of the whole process so far. Of a
    command that has ended both are 0."""

    cpu_s: float
    wall_s: float
    waited_s: float = 0.0
    peak_mb: float = 0.0


def command(arguments: list[str], folder: Path) -> Start:
    """Run one command to its end."""
    before, started = os.times(), monotonic()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, env=_environment(folder), check=True, capture_output=True)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Start(cpu_s, monotonic() - started)


def first_page(folder: Path) -> Start:
    """Start a server, ask for its page until it comes, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = monotonic()
    flags = ["-m", "citychat", "--port", str(port), "--data", str(folder / "data")]
    server = subprocess.Popen(
        [sys.executable, *flags], cwd=ROOT, env=_environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _ask(port, started + PATIENCE_S)
        wall_s, (cpu_s, waited_s) = monotonic() - started, _scheduled_s(server.pid)
        return Start(cpu_s, wall_s, waited_s, _peak_mb(server.pid))
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=PATIENCE_S)


def _ask(port: int, until_s: float) -> None:
    """Raises RuntimeError when what answers is not the page."""
    while True:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)) as page:
            page.settimeout(PATIENCE_S)
            page.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: page.recv(65_536), b""))
            if not (answer.startswith(b"HTTP/1.1 200") and answer.rstrip().endswith(b"</html>")):
                raise RuntimeError(f"no page: {answer[:200]!r}")
            return
        if monotonic() > until_s:
            raise RuntimeError("the server did not start")
        sleep(0.002)


def _environment(folder: Path) -> dict[str, str]:
    """Nobody's own settings, of Python neither: an installed program has its modules compiled."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("CITYCHAT_", "PYTHON"))}
    return mine | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}


def _scheduled_s(pid: int) -> tuple[float, float]:
    """(seconds that all its threads ran, seconds that its first one was ready and did not), exact: the counters of
    /proc/PID/stat have a grain of 10 ms."""
    threads = {file.parent.name: file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/schedstat")}
    return sum(int(ran) for ran, *_ in threads.values()) / 1e9, int(threads[str(pid)][1]) / 1e9


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024


def rounds(runs: int) -> dict[str, list[Start]]:
    """Each start so many times, by its name."""
    found: dict[str, list[Start]] = {}
    for at in range(-1, runs):  # the first round reads the files from the disk, and is not counted
        for name, measure in _measures():
            with tempfile.TemporaryDirectory() as folder:
                took = measure(Path(folder))
            if at >= 0:
                found.setdefault(name, []).append(took)
    return found


def _measures() -> Iterator[tuple[str, Callable[[Path], Start]]]:
    yield "first page", first_page
    for name, arguments in COMMANDS.items():
        yield name, lambda folder, arguments=arguments: command(arguments, folder)  # type: ignore[misc]


def figures(values: list[float]) -> str:
    return f"{median(values):6.3f}  {min(values):6.3f} – {max(values):6.3f}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs
    found = rounds(runs)
    print(f"{runs} starts of each; median, least and most    load of the machine: {os.getloadavg()[0]:.1f}")
    for name, starts in found.items():
        cpu, wall = figures([start.cpu_s for start in starts]), figures([start.wall_s for start in starts])
        print(f"{name:18} CPU s {cpu}    wall s {wall}")
    page = found["first page"]
    cpu_s, wall_s = median(start.cpu_s for start in page), median(start.wall_s - start.waited_s for start in page)
    peak_mb = median(start.peak_mb for start in page)
    print(f"first page: CPU {cpu_s:.2f} s, wall without waiting for a processor {wall_s:.2f} s, peak {peak_mb:.0f} MB")
    slow = cpu_s > CPU_LIMIT_S or wall_s > WALL_LIMIT_S
    if slow:
        print(f"too slow: the first page may take {CPU_LIMIT_S} s of a processor and {WALL_LIMIT_S} s")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
