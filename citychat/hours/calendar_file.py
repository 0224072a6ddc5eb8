"""A calendar file (RFC 5545) of meeting hours: they repeat, and the phone reminds five minutes before.

Times are those of a zone that stands in the file with its changes, so that the hour stays the same on both sides of a
change of the clock; the calendars of Google and Apple know the zone by its name.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from citychat.hours.hours import Hours, zone_named
from citychat.hours.weekly import Weekly

LINE_BYTES = 75
DAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
YEARS = 10  # whose changes of the clock stand in the file, or are by the rule that does


class _Change(NamedTuple):
    """A change of the clock. ``local``: by the clock before it; ``before``, ``after``: what was and is added to UTC."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str
    is_summer: bool


def calendar_file(hours: Hours, now_ms: int, *, name: str, title: str, text: str, url: str) -> bytes:
    """Return the file. ``name``: of the site; ``title``, ``text``: of each entry; ``url``: what it leads to."""
    zone, now = zone_named(hours.zone), hours.at(now_ms)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//CityChat//{_escaped(name)}//EN", "METHOD:PUBLISH"]
    lines += _zone_lines(hours.zone, zone, now.year - 1)
    for one in hours.meeting:
        lines += _event_lines(one, hours, now, title, text, url)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"]).encode()


def _event_lines(one: Weekly, hours: Hours, now: datetime, title: str, text: str, url: str) -> list[str]:
    today = now.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    day = next(day for n in range(7) if one.begins((day := today + timedelta(days=n)).weekday()))
    begin, end = (day + timedelta(minutes=minutes) for minutes in (one.begin_min, one.end_min))
    rule = "FREQ=DAILY" if one.day is None else f"FREQ=WEEKLY;BYDAY={DAY_CODES[one.day]}"
    uid = "".join(c for c in str(one).lower() if c.isalnum())  # the same each time: it replaces, and is not doubled
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@{url.partition('//')[2].partition('/')[0] or 'citychat'}",
        f"DTSTAMP:{_stamp(now.astimezone(UTC))}Z",
        f"DTSTART;TZID={hours.zone}:{_stamp(begin)}",
        f"DTEND;TZID={hours.zone}:{_stamp(end)}",
        f"RRULE:{rule}",
        f"SUMMARY:{_escaped(title)}",
        f"DESCRIPTION:{_escaped(text)} {url}",
        f"URL:{url}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escaped(title)}",
        "TRIGGER:-PT5M",
        "END:VALARM",
        "END:VEVENT",
    ]


def _zone_lines(name: str, zone: ZoneInfo, year: int) -> Iterator[str]:
    """The zone with its changes from ``year`` on: as yearly rules where ten years go by them, else one by one."""
    yield from ("BEGIN:VTIMEZONE", f"TZID:{name}")
    first = datetime(year, 1, 1, tzinfo=UTC).astimezone(zone)
    changes = list(_changes(zone, year))
    offset = first.utcoffset() or timedelta()
    begin = first.replace(tzinfo=None)
    yield from _observance(_Change(begin, offset, offset, first.tzname() or name, bool(first.dst())), "")
    for kind in sorted({(change.before, change.after) for change in changes}):
        alike = [change for change in changes if (change.before, change.after) == kind]
        rule = _rule(alike)
        for change in alike[:1] if rule else alike:
            yield from _observance(change, rule)
    yield "END:VTIMEZONE"


def _observance(change: _Change, rule: str) -> Iterator[str]:
    kind = "DAYLIGHT" if change.is_summer else "STANDARD"
    yield from (f"BEGIN:{kind}", f"DTSTART:{_stamp(change.local)}")
    yield from (f"TZOFFSETFROM:{_offset(change.before)}", f"TZOFFSETTO:{_offset(change.after)}")
    yield f"TZNAME:{change.name}"
    yield from [f"RRULE:{rule}"] if rule else []
    yield f"END:{kind}"


def _rule(changes: list[_Change]) -> str:
    """The yearly rule by which these come, or ""."""
    local = [change.local for change in changes]
    if len(local) != YEARS or len({(at.month, at.weekday(), at.time()) for at in local}) != 1:
        return ""
    month, day = local[0].month, DAY_CODES[local[0].weekday()]
    if all((at + timedelta(days=7)).month != at.month for at in local):
        return f"FREQ=YEARLY;BYMONTH={month};BYDAY=-1{day}"
    weeks = {(at.day - 1) // 7 + 1 for at in local}
    return f"FREQ=YEARLY;BYMONTH={month};BYDAY={weeks.pop()}{day}" if len(weeks) == 1 else ""


def _changes(zone: ZoneInfo, year: int) -> Iterator[_Change]:
    at, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + YEARS, 1, 1, tzinfo=UTC)
    step = timedelta(days=1)
    while at < end:
        before, after = (moment.astimezone(zone) for moment in (at, at + step))
        if before.utcoffset() != after.utcoffset():
            was, now = before.utcoffset() or timedelta(), after.utcoffset() or timedelta()
            local = (_moved_at(zone, at, at + step) + was).replace(tzinfo=None)
            yield _Change(local, was, now, after.tzname() or "", bool(after.dst()))
        at += step


def _moved_at(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second between the two at which the clock is moved."""
    was = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) // 2).replace(microsecond=0)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == was else (low, middle)
    return high


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S}"


def _offset(offset: timedelta) -> str:
    minutes = round(abs(offset).total_seconds() / 60)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}{minutes % 60:02}"


def _escaped(text: str) -> str:
    for sign in ("\\", ";", ","):
        text = text.replace(sign, "\\" + sign)
    return " ".join(text.split())


def _folded(line: str) -> str:
    """No line is longer than 75 bytes, and no letter is cut."""
    parts, length = [""], 0
    for letter in line:
        size = len(letter.encode())
        if length + size > LINE_BYTES:
            parts.append(" ")
            length = 1
        parts[-1] += letter
        length += size
    return "\r\n".join(parts)
