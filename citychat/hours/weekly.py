"""An hour that comes back every week, or every day, as a host writes it: "Thu 20:00-21:00", "01:00-07:00"."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MIN, WEEK_MIN = 24 * 60, 7 * 24 * 60
WRITTEN = re.compile(r"(?:([A-Za-z]{2,9})\s+)?(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)")
EXPECTED = 'hours such as "Thu 20:00-21:00", or "01:00-07:00" for every day, several with a comma between'


class Weekly(NamedTuple):
    """``day``: 0 is Monday, None every day. ``begin_min``, ``end_min``: minutes since that day's midnight by the
    city's clock; what ends on the next day ends after more than 24 hours."""

    day: int | None
    begin_min: int
    end_min: int

    def __str__(self) -> str:
        hours = f"{_written(self.begin_min)}-{_written(self.end_min % DAY_MIN or DAY_MIN)}"
        return hours if self.day is None else f"{DAY_NAMES[self.day]} {hours}"

    def begins(self, day: int) -> bool:
        """Tell whether it begins on this day of the week."""
        return self.day in (None, day)


def weekly(value: object) -> Weekly:
    """Read one hour. Raises ValueError, worded to follow "expected"."""
    found = WRITTEN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(EXPECTED)
    begin, end = _minutes(found[2], found[3]), _minutes(found[4], found[5])
    if begin >= DAY_MIN or begin == end:
        raise ValueError(f"{EXPECTED}, which begins before 24:00 and does not end when it begins")
    return Weekly(_day(found[1]) if found[1] else None, begin, end if end > begin else end + DAY_MIN)


def overlap(some: Iterable[Weekly], others: Iterable[Weekly]) -> tuple[Weekly, Weekly] | None:
    """Return the first two of these that share a minute of the week."""
    return next(((one, other) for one in some for other in others if _minutes_of(one) & _minutes_of(other)), None)


def _minutes_of(one: Weekly) -> set[int]:
    days: Iterator[int] = (day for day in range(7) if one.begins(day))
    return {(day * DAY_MIN + minute) % WEEK_MIN for day in days for minute in range(one.begin_min, one.end_min)}


def _day(written: str) -> int:
    for number, name in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")):
        if name.lower().startswith(written.lower()):
            return number
    raise ValueError(f"{EXPECTED}; the days are {', '.join(DAY_NAMES)}")


def _minutes(hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > DAY_MIN:
        raise ValueError(f"{EXPECTED}, from 00:00 to 24:00")
    return minutes


def _written(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
