"""When hours are: in the city's zone, over midnight, over a change of the clock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from citychat.hours import Hours, Span, weekly, zone_named

HOUR_MS = 3_600_000
PARIS = ZoneInfo("Europe/Paris")


def at(text: str, zone: ZoneInfo = PARIS) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def hours(meeting: str = "", quiet: str = "", zone: str = "Europe/Paris") -> Hours:
    of_meeting, of_quiet = (tuple(weekly(one) for one in text.split(",") if one) for text in (meeting, quiet))
    return Hours(of_meeting, of_quiet, zone, "Lyon")


def test_the_next_hour_is_that_of_the_city_whatever_the_season() -> None:
    weekly_meeting = hours("Thu 20:00-21:00,Sun 18:00-19:00")
    assert weekly_meeting.next_meeting(at("2026-12-01T12:00")) == Span(at("2026-12-03T20:00"), at("2026-12-03T21:00"))
    assert weekly_meeting.next_meeting(at("2026-12-03T20:59")) == Span(at("2026-12-03T20:00"), at("2026-12-03T21:00"))
    assert weekly_meeting.next_meeting(at("2026-12-03T21:00")) == Span(at("2026-12-06T18:00"), at("2026-12-06T19:00"))
    before, after = at("2026-03-26T20:00"), at("2026-04-02T20:00")  # the clock goes forward in between
    assert weekly_meeting.next_meeting(at("2026-03-30T00:00")) == Span(after, after + HOUR_MS)
    assert after - before == (7 * 24 - 1) * HOUR_MS


def test_the_clock_of_the_zone_counts_and_not_that_of_the_machine() -> None:
    paris, tokyo = hours("Thu 20:00-21:00"), hours("Thu 20:00-21:00", zone="Asia/Tokyo")
    now = at("2026-12-01T12:00")
    assert tokyo.next_meeting(now) == Span(*(ms - 8 * HOUR_MS for ms in paris.next_meeting(now) or ()))
    assert (tokyo.clock(now), tokyo.day(now)) == ("20:00", "tue")


def test_what_goes_over_midnight_runs_on_the_next_day_and_what_touches_is_one() -> None:
    night = hours(quiet="Sat 22:00-24:00,Sun 00:00-07:00")
    assert night.next_quiet(at("2026-12-06T03:00")) == Span(at("2026-12-05T22:00"), at("2026-12-06T07:00"))
    daily = hours(quiet="23:00-07:00")
    assert daily.next_quiet(at("2026-12-06T03:00")) == Span(at("2026-12-05T23:00"), at("2026-12-06T07:00"))
    assert hours("Sun 23:00-01:00").next_meeting(at("2026-12-07T00:30")) == Span(
        at("2026-12-06T23:00"), at("2026-12-07T01:00")
    )


def test_an_hour_that_the_clock_leaves_out_does_not_come_and_one_it_repeats_comes_once() -> None:
    spring, autumn = hours("Sun 02:15-02:45"), hours("Sun 02:15-02:45")
    lost = spring.next_meeting(at("2026-03-28T12:00"))
    assert lost is not None and (lost.end - lost.begin) == HOUR_MS // 2
    spans = autumn.spans(autumn.meeting, at("2026-10-24T12:00"))
    assert [autumn.at(span.begin).day for span in spans] == [25, 1, 8]


def test_who_has_no_hours_is_told_nothing_and_who_has_is_told_two_weeks() -> None:
    now = at("2026-12-01T12:00")
    assert Hours().told(now) == {} and Hours().next_meeting(now) is None and Hours().next_quiet(now) == Span(0, 0)
    told = hours("Thu 20:00-21:00").told(now)
    assert (told["zone"], told["city"], told["quiet"]) == ("Europe/Paris", "Lyon", [])
    assert told["meeting"] == [Span(at(f"2026-12-{day:02}T20:00"), at(f"2026-12-{day:02}T21:00")) for day in (3, 10)]


def test_a_zone_without_a_city_is_called_by_its_own_name() -> None:
    assert Hours(zone="America/New_York").called() == "New York"


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "../etc/passwd", "/etc/localtime", "Lyon"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="such as Europe/Paris"):
        zone_named(name)
