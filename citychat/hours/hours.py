"""Meeting hours and quiet hours as they come, by the clock of one time zone; what a page is told of them.

Nothing here is kept: all is computed from what the host has written, each time that somebody asks.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from citychat.hours.weekly import DAY_NAMES, Weekly

DAYS = tuple(name.lower() for name in DAY_NAMES)
DAY = timedelta(days=1)
TOLD_DAYS = 15  # so long may a page stay open without a reload and still know the next hour


class Span(NamedTuple):
    """One hour as it comes: milliseconds since 1970."""

    begin: int
    end: int


class Hours(NamedTuple):
    """The host's hours. ``zone``: name of the city's time zone; ``city``: what its time is called after."""

    meeting: tuple[Weekly, ...] = ()
    quiet: tuple[Weekly, ...] = ()
    zone: str = "UTC"
    city: str = ""

    def spans(self, hours: Iterable[Weekly], now_ms: int) -> list[Span]:
        """Return those that run or come within the next fifteen days, in order; what touches is one."""
        zone = zone_named(self.zone)
        whole: list[Span] = []
        for span in sorted(_spans(hours, zone, now_ms)):
            if whole and span.begin <= whole[-1].end:
                whole[-1] = Span(whole[-1].begin, max(span.end, whole[-1].end))
            else:
                whole.append(span)
        return [span for span in whole if span.end > now_ms]

    def next_meeting(self, now_ms: int) -> Span | None:
        """Return the meeting hour that runs, or the next one."""
        return next(iter(self.spans(self.meeting, now_ms)), None)

    def next_quiet(self, now_ms: int) -> Span:
        """Return the quiet hours that run, or the next ones; Span(0, 0) where there are none."""
        return next(iter(self.spans(self.quiet, now_ms)), Span(0, 0))

    def told(self, now_ms: int) -> dict[str, object]:
        """Return what a page is told: empty where there are no hours."""
        if not self.meeting and not self.quiet:
            return {}
        meeting, quiet = self.spans(self.meeting, now_ms), self.spans(self.quiet, now_ms)
        return {"zone": self.zone, "city": self.called(), "meeting": meeting, "quiet": quiet}

    def called(self) -> str:
        """Return whose time it is: the host's city, else the one that the zone is named after."""
        return self.city or self.zone.rpartition("/")[2].replace("_", " ")

    def clock(self, ms: int) -> str:
        """Return the time of day by the city's clock: 20:00."""
        return f"{self.at(ms):%H:%M}"

    def day(self, ms: int) -> str:
        """Return the day of the week by the city's calendar, as ``DAYS`` name it."""
        return DAYS[self.at(ms).weekday()]

    def at(self, ms: int) -> datetime:
        """Return a moment by the city's clock."""
        return datetime.fromtimestamp(ms / 1000, zone_named(self.zone))


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone of the IANA database. Raises ValueError, worded to follow "expected"."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, such as Europe, is an OSError
        raise ValueError("the name of a time zone, such as Europe/Paris") from None


def _spans(hours: Iterable[Weekly], zone: tzinfo, now_ms: int) -> Iterator[Span]:
    """From the day before yesterday on: quiet hours of neighbouring days may be one, and yesterday's may run."""
    today = datetime.fromtimestamp(now_ms / 1000, zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    days = [today + n * DAY for n in range(-2, TOLD_DAYS + 1)]
    for one in hours:
        for day in (day for day in days if one.begins(day.weekday())):
            begin, end = (_ms(day + timedelta(minutes=minutes), zone) for minutes in (one.begin_min, one.end_min))
            if begin < end:  # else all of it lies in the hour that a change of the clock leaves out
                yield Span(begin, end)


def _ms(local: datetime, zone: tzinfo) -> int:
    return round(local.replace(tzinfo=zone).astimezone(UTC).timestamp() * 1000)
