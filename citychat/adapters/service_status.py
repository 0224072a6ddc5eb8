"""The status of one service, as a process sees it: for /ready, for the log, and how long to wait between attempts."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from citychat.rules import CLOCK_TOLERANCE_MS

WAIT_MIN_S = 0.5
CLOCK_APART_MS = 30_000  # NTP keeps clocks within a second; so much shows that nobody does
# Full jitter between attempts. A port that nobody listens on is cheap to try, and ready is wanted within 5 s of the
# service's return; a server that answers and says no (password, limit) is left alone for longer.
SILENT_MAX_S, REFUSED_MAX_S = 4.0, 30.0

log = logging.getLogger(__name__)


class ServiceStatus:
    """The status of one service as one process sees it.

    ``service``: its name for the host ("Redis"). ``end_with`` is called with one line when the server can never serve
    (too old) or its clock is not this process's: the process then stops with status 1. ``clock``: "" when both clocks
    agree, else how far apart they are. No line here may hold a URL or a password.
    """

    def __init__(self, service: str, random: Random, end_with: Callable[[str], None]) -> None:
        self.service, self.trouble, self.version = service, "not reached yet", ""
        self.degradation = self.clock = self.advice = ""
        self._random, self._end_with = random, end_with
        self._attempts = 0

    @property
    def up(self) -> bool:
        """Tell whether it answers: then it is asked, also while it does not do all it must."""
        return not self.trouble

    @property
    def state(self) -> str:
        """Return what keeps guests from being served, in a few words; "" when nothing does."""
        return self.trouble or self.degradation

    def on_up(self, version: str, least: tuple[int, int]) -> bool:
        """The server answers; False when it is older than ``least`` (major, minor), which ends the process."""
        self.version, self._attempts = version, 0
        if _major_minor(version) < least:
            what = f"{version} is too old" if version else "does not tell its version"
            self.trouble = f"{self.service} {what}: {least[0]}.{least[1]} or newer is needed"
            self._end_with(self.trouble)
            return False
        if self.trouble:
            log.info("%s %s answers", self.service, version)
        self.trouble = self.degradation = ""
        return True

    def degraded(self, degradation: str) -> None:
        """Note in a few words what a service that answers does not give guests; "" when that works again."""
        if degradation and not self.degradation:
            log.error("%s answers, but %s", self.service, degradation)
        elif self.degradation and not degradation:
            log.info("%s does again what guests need", self.service)
        self.degradation = degradation

    def on_clock(self, here_ms: int, there_ms: int, unsure_ms: int) -> None:
        """The service's clock says ``there_ms`` when this process's says ``here_ms``, give or take ``unsure_ms``. Too
        far apart ends the process: chats, tokens and networks would have other days here than elsewhere."""
        apart_ms = max(0, abs(here_ms - there_ms) - unsure_ms)
        if apart_ms > CLOCK_TOLERANCE_MS:
            self._end_with(
                f"the clock of this process ({_date(here_ms)}) and that of {self.service} ({_date(there_ms)}) are more "
                f"than {CLOCK_TOLERANCE_MS // 60_000} minutes apart: let NTP set both"
            )
        apart, apart_s = apart_ms > CLOCK_APART_MS, apart_ms // 1_000
        if apart and not self.clock:
            log.error("The clocks of this process and of %s are %d s apart: let NTP set both", self.service, apart_s)
        elif self.clock and not apart:
            log.info("The clocks of this process and of %s agree again", self.service)
        side = "behind" if there_ms < here_ms else "ahead of"
        self.clock = f"{apart_s} s {side} that of this process" if apart else ""

    def advise(self, advice: str) -> None:
        """It serves, but its host should set something otherwise; "" when nothing."""
        if advice and advice != self.advice:
            log.warning("%s is not set as it should be: %s", self.service, advice)
        elif self.advice and not advice:
            log.info("%s is set as it should be", self.service)
        self.advice = advice

    def on_down(self, trouble: str) -> None:
        """Note that it does not answer, or not as it should: ``trouble`` in a few words."""
        if trouble != self.trouble:
            log.warning("%s is away: %s", self.service, trouble)
        self.trouble = trouble or "away"

    def wait_s(self, refused: bool = False) -> float:
        """Return the seconds to wait before the next attempt."""
        most_s = REFUSED_MAX_S if refused else SILENT_MAX_S
        delay_s = min(most_s, WAIT_MIN_S * 2.0 ** min(self._attempts, 10))
        self._attempts += 1
        return self._random.uniform(0, delay_s)


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _major_minor(version: str) -> tuple[int, int]:
    """The first two numbers of a version; (0, 0) for what is none."""
    parts = version.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return 0, 0
