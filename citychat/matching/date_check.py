"""Check of today's date, so that nothing is deleted or ended on one clock's word (protocol §2.8).

The second clock is the history: it knows when a guest was last seen, and from there the date goes on by the monotonic
clock. A wall that is more than a day off is in doubt, whichever of the two is wrong: a machine that was off for a month
looks like a clock that has jumped by one. The wall is believed again when it has gone evenly for a day, in which NTP or
the host would have put it right.
"""

import asyncio
import logging
from datetime import UTC, datetime

from citychat.ports import Clock, History, SteadyTime
from citychat.rules import DAY_MS

DOUBT_MS = DAY_MS  # pauses in which nobody comes are seldom longer, and nothing that is kept must go sooner
BELIEVED_AFTER_S = 86_400.0
STEP_MS = 30_000  # NTP corrects less without a jump

log = logging.getLogger(__name__)


class DateCheck:
    """One per process. ``doubt``: "" while the date is believed, else why not, in a few words."""

    def __init__(self, history: History, clock: Clock) -> None:
        self._history, self._clock = history, clock
        self._reading = asyncio.Lock()
        self._known: SteadyTime | None = None  # the date as the history has it, going on
        self._wall = SteadyTime(clock, clock.wall_ms())  # as it was at the last look, going on
        self._since_s = clock.monotonic_s()  # no jump since then that matters here
        self.doubt = ""

    async def trusted(self) -> bool:
        """Tell whether what is due by date may go. Asks the history once, before this process has written any date
        into it. Raises Unavailable."""
        async with self._reading:  # a second answer would know what the first to be let in has written
            if self._known is None:
                newest = await self._history.guests.newest_seen()
                self._known = SteadyTime(self._clock, newest or self._clock.wall_ms())
        self.look()
        return not self.doubt

    def now_ms(self) -> int:
        """Return the date to write down: the wall's, or the history's where that is in doubt and later. What bears too
        early a date is deleted too early; once the clock is right, that is at once."""
        now_ms = self._clock.wall_ms()
        return max(now_ms, self._known.now_ms()) if self._known and self.doubt else now_ms

    def likely_ms(self) -> int:
        """Return the date to compare with what is written down: the history's where the wall is in doubt."""
        return self._known.now_ms() if self._known and self.doubt else self._clock.wall_ms()

    def look(self) -> None:
        """Compare (every minute, and whenever the date matters); a step or a doubt is said once."""
        now_ms = self._clock.wall_ms()
        step_ms = now_ms - self._wall.now_ms()
        self._wall = SteadyTime(self._clock, now_ms)
        if abs(step_ms) > STEP_MS:
            way = "forward" if step_ms > 0 else "back"
            log.warning("The clock of this machine was set %s by %d s", way, abs(step_ms) // 1_000)
        if abs(step_ms) > DOUBT_MS:
            self._since_s = self._clock.monotonic_s()
        if self._known is None:
            return
        even = self._clock.monotonic_s() - self._since_s >= BELIEVED_AFTER_S
        if even or abs(now_ms - self._known.now_ms()) <= DOUBT_MS:
            self._known = SteadyTime(self._clock, now_ms)
            if self.doubt:
                log.info("The date is believed again")
            self.doubt = ""
        elif not self.doubt:
            self.doubt = f"the date {_date(now_ms)} is in doubt: the history goes to {_date(self._known.now_ms())}"
            log.warning("Nothing is deleted by date until clock and history agree, or for a day: %s", self.doubt)


def _date(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()
