"""Notifications for systemd (Type=notify): listening, alive, stopping. Without systemd nothing happens.

The protocol of sd_notify(3): one datagram a state, to the Unix socket that $NOTIFY_SOCKET names.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import closing, suppress

BEATS = 4  # signs of life in one watchdog period, so that three may be lost or late


class SystemdNotifier:
    """Tells systemd. ``beat_s``: seconds between two signs of life, 0 when nobody waits for them (WATCHDOG_USEC,
    WATCHDOG_PID)."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + name[1:] if name.startswith("@") else name  # @ stands for the abstract namespace
        period_us = environ.get("WATCHDOG_USEC", "")
        for_us = environ.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.beat_s = int(period_us) / 1_000_000 / BEATS if name and for_us and period_us.isdecimal() else 0.0

    def ready(self) -> None:
        """The port is open: whoever starts after us may come."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Give a sign of life: all that must go on has gone on since the last time."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """Tell that the stop has begun: only its time limit counts from here on."""
        self._tell("STOPPING=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        # A sign that cannot be given is a sign not given: systemd's own patience decides.
        with suppress(OSError), closing(socket.socket(socket.AF_UNIX, kind)) as there:
            there.sendto(state.encode(), self._address)
