"""What systemd hears of a process: at a real socket of its kind."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from citychat.server.systemd import BEATS, SystemdNotifier

ABSTRACT = [f"@citychat-test-{os.getpid()}"] if sys.platform == "linux" else []


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    one = Systemd(str(tmp_path / "notify"))
    yield one
    one.socket.close()


def test_each_state_is_one_datagram(systemd: Systemd) -> None:
    notifier = SystemdNotifier({"NOTIFY_SOCKET": systemd.name})
    assert systemd.heard() == []
    notifier.ready()
    notifier.alive()
    notifier.stopping()
    assert systemd.heard() == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_an_abstract_name_begins_with_an_at_sign() -> None:
    for name in ABSTRACT:
        one = Systemd(name)
        SystemdNotifier({"NOTIFY_SOCKET": name}).ready()
        assert one.heard() == ["READY=1"]
        one.socket.close()


@pytest.mark.parametrize(
    ("pid", "period_us", "beat_s"),
    [
        ("", "20000000", 20 / BEATS),
        ("own", "20000000", 20 / BEATS),
        ("1", "20000000", 0),  # meant for another process
        ("", "", 0),
        ("", "soon", 0),
    ],
)
def test_signs_of_life_are_due_four_times_a_period_and_only_from_who_is_asked(
    systemd: Systemd, pid: str, period_us: str, beat_s: float
) -> None:
    given = {"WATCHDOG_PID": str(os.getpid()) if pid == "own" else pid, "WATCHDOG_USEC": period_us}
    assert SystemdNotifier({"NOTIFY_SOCKET": systemd.name, **given}).beat_s == beat_s
    assert SystemdNotifier(given).beat_s == 0


def test_without_systemd_and_after_its_socket_is_gone_or_full_nothing_happens(systemd: Systemd) -> None:
    SystemdNotifier({}).ready()
    SystemdNotifier({"NOTIFY_SOCKET": f"{systemd.name}-gone"}).ready()
    notifier = SystemdNotifier({"NOTIFY_SOCKET": systemd.name})
    for _ in range(10_000):  # nobody reads: never wait for it
        notifier.alive()
    assert "WATCHDOG=1" in systemd.heard()
