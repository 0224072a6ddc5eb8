"""The calendar file, as a library that reads such files takes it: it repeats, reminds, and keeps its hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar

from citychat.hours import Hours, calendar_file, weekly, zone_named

NOW = round(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp() * 1000)
ZONES = [
    "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Africa/Casablanca", "Asia/Jerusalem",
    "Australia/Lord_Howe", "Pacific/Auckland", "America/Santiago", "UTC",
]  # fmt: skip


def made(zone: str, *written: str, name: str = "CityChat", title: str = "CityChat: meeting hour") -> bytes:
    hours = Hours(tuple(map(weekly, written)), (), zone)
    return calendar_file(hours, NOW, name=name, title=title, text="Talk, with someone.", url="https://chat.example/")


def events(content: bytes) -> list[Any]:
    return [part for part in Calendar.from_ical(content).walk() if part.name == "VEVENT"]


def test_an_hour_repeats_every_week_and_the_phone_reminds_five_minutes_before() -> None:
    first, second = events(made("Europe/Paris", "Thu 20:00-21:00", "23:30-00:30"))
    assert first["RRULE"].to_ical() == b"FREQ=WEEKLY;BYDAY=TH"
    assert (first["DTSTART"].dt.isoformat(), first["DTEND"].dt.isoformat()) == (
        "2026-12-03T20:00:00+01:00", "2026-12-03T21:00:00+01:00",
    )  # fmt: skip
    assert second["RRULE"].to_ical() == b"FREQ=DAILY"
    assert second["DTEND"].dt - second["DTSTART"].dt == timedelta(hours=1)
    for event in (first, second):
        (alarm,) = (part for part in event.walk() if part.name == "VALARM")
        assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", timedelta(minutes=-5))
    assert first["UID"] != second["UID"] and first["UID"].endswith("@chat.example")


@pytest.mark.parametrize("zone", ZONES)
def test_the_zone_that_stands_in_the_file_says_what_the_zone_says_for_years(zone: str) -> None:
    parts: list[Any] = Calendar.from_ical(made(zone, "Thu 20:00-21:00")).walk("VTIMEZONE")
    (written,) = parts
    by_file, by_name = written.to_tz(), zone_named(zone)
    local = datetime(2026, 12, 3, 20)
    for _ in range(52 * 6):
        offsets = [local.replace(tzinfo=one).utcoffset() for one in (by_file, by_name)]
        assert offsets[0] == offsets[1], local
        local += timedelta(days=7)


def test_a_zone_with_a_yearly_rule_is_short_and_the_hour_stays_over_a_change_of_the_clock() -> None:
    content = made("Europe/Paris", "Thu 20:00-21:00")
    assert content.count(b"RRULE:FREQ=YEARLY") == 2 and len(content) < 1_500
    (event,) = events(content)
    paris = zone_named("Europe/Paris")
    assert event["DTSTART"].params["TZID"] == "Europe/Paris"
    winter, summer = (event["DTSTART"].dt.replace(tzinfo=paris) + timedelta(days=days) for days in (0, 7 * 30))
    assert [at.astimezone(UTC).hour for at in (winter, summer)] == [19, 18]


def test_lines_are_short_and_end_as_they_must_whatever_the_site_is_called() -> None:
    content = made("Asia/Tokyo", "Thu 20:00-21:00", title="東京, 夜の会; 集まる\\時間" * 6, name="A;B,C\nBEGIN:X")
    lines = content.split(b"\r\n")
    assert lines[-1] == b"" and all(len(line) <= 75 and b"\n" not in line for line in lines)
    (event,) = events(content)
    assert event["SUMMARY"] == "東京, 夜の会; 集まる\\時間" * 6
    assert b"\r\nBEGIN:X" not in content
