"""Telling the host of reports: once, whichever process does it, and once a day while one is open.

A report is told when a minute has passed since it was first seen, so that several are one message. Processes take
turns at the history: whoever has the turn reads anew what nobody has told, sends it, and notes it. A way that fails is
tried again after waits that grow to a day.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from random import Random

from citychat.alerts.alert import Alert, NotSent, Way, of_new, of_open
from citychat.model import new_id
from citychat.ports import Clock, History
from citychat.rules import CLOCK_TOLERANCE_MS, DAY_MS
from citychat.tasks import beside

COLLECT_S = 60.0
TURN_MS = 2 * CLOCK_TOLERANCE_MS  # clocks of two processes may differ by half of it, and a message takes a minute
WAITS_S = (60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)
TELL, REMIND = "tell", "remind"

log = logging.getLogger(__name__)


class Teller:
    """One per process, named ``name``. ``now_ms``: the date to compare with that of others; ``retry`` does a step until
    the history is there; ``trouble``: why the host could not be told, "" while all is well."""

    def __init__(
        self,
        name: str,
        history: History,
        clock: Clock,
        random: Random,
        now_ms: Callable[[], int],
        ways: Sequence[Way],
        retry: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]],
    ) -> None:
        self._name, self._reports, self._house = name, history.reports, history.house
        self._clock, self._random, self._now_ms, self._ways, self._retry = clock, random, now_ms, ways, retry
        self._seen_s: float | None = None  # when something was first there to be told
        self._rests_until_s = 0.0
        self._failures = 0
        self.trouble = ""

    async def look(self) -> None:
        """Tell what is to be told (every 15 s). Raises Unavailable."""
        now_s = self._clock.monotonic_s()
        if now_s < self._rests_until_s:
            return
        if not await self._reports.untold():
            self._seen_s = None
            await self._remind()
        elif self._seen_s is None:
            self._seen_s = now_s
        elif now_s - self._seen_s >= COLLECT_S:
            await self._tell()

    async def _tell(self) -> None:
        now = self._now_ms()
        if not await self._house.take_turn(TELL, self._name, now, now + TURN_MS):
            return
        untold = await self._reports.untold()  # whoever had the turn before may have told some
        if untold and await self._sent(of_new(untold, await self._reports.open())):
            await self._retry(partial(self._reports.told, [each.code for each in untold]))
            await self._house.take_turn(REMIND, new_id(self._random), now, now + DAY_MS)

    async def _remind(self) -> None:
        """Of what is open, once a day; a day begins with the last reminder, or with what was first told."""
        if not (waiting := await self._reports.open()):
            return
        now, who = self._now_ms(), new_id(self._random)
        if await self._house.take_turn(REMIND, who, now, now + DAY_MS) and not await self._sent(of_open(waiting)):
            await self._house.take_turn(REMIND, who, now, now)  # given back

    async def _sent(self, alert: Alert) -> bool:
        """Send by every way, and tell whether one of them took it."""
        failed = [why for why in [await beside(partial(_try, way, alert), "alert") for way in self._ways] if why]
        if failed and not self.trouble:
            log.warning("The host was not told of reports, which is tried again: %s", "; ".join(failed))
        elif self.trouble and not failed:
            log.info("The host is told of reports again")
        self.trouble = "; ".join(failed)
        if len(failed) < len(self._ways):
            self._failures = 0
            return True
        self._rests_until_s = self._clock.monotonic_s() + WAITS_S[min(self._failures, len(WAITS_S) - 1)]
        self._failures += 1
        return False


def _try(way: Way, alert: Alert) -> str:
    """Return why it was not sent, or ""."""
    try:
        way.send(alert)
    except NotSent as error:
        return str(error)
    except Exception as error:  # a fault of ours must not stop the others
        return f"{way.place}: {type(error).__name__}"
    return ""
