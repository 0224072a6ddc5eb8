"""Hours as a host writes them: what is read, and what is wrong about the others."""

import pytest

from citychat.hours import overlap, weekly


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Thu 20:00-21:00", "Thu 20:00-21:00"),
        (" thursday 20:00 – 21:00 ", "Thu 20:00-21:00"),
        ("Sun 23:00-01:00", "Sun 23:00-01:00"),
        ("1:00-7:30", "01:00-07:30"),
        ("Sat 18:00-24:00", "Sat 18:00-24:00"),
        ("22:00-00:00", "22:00-24:00"),
    ],
)
def test_hours_are_read_and_written_in_one_manner(written: str, read: str) -> None:
    assert str(weekly(written)) == read == str(weekly(read))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Thu", "hours such as"),
        ("Thu 20-21", "hours such as"),
        ("Don 20:00-21:00", "the days are Mon, Tue"),
        ("T 20:00-21:00", "hours such as"),
        ("Thu 20:60-21:00", "from 00:00 to 24:00"),
        ("Thu 20:00-24:01", "from 00:00 to 24:00"),
        ("Thu 24:00-25:00", "from 00:00 to 24:00"),
        ("Thu 24:00-01:00", "begins before 24:00"),
        ("Thu 20:00-20:00", "does not end when it begins"),
        (20, "hours such as"),
    ],
)
def test_what_is_no_hour_is_refused_with_what_was_expected(written: object, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        weekly(written)


@pytest.mark.parametrize(
    ("some", "others", "found"),
    [
        ("Thu 20:00-21:00", "Thu 21:00-22:00", False),
        ("Thu 20:00-21:00", "Fri 20:00-21:00", False),
        ("Thu 20:00-21:00", "20:59-21:30", True),
        ("Sun 23:00-01:00", "Mon 00:30-02:00", True),
        ("22:00-07:00", "Thu 06:00-06:30", True),
    ],
)
def test_hours_that_share_a_minute_are_found_also_over_midnight_and_the_end_of_the_week(
    some: str, others: str, found: bool
) -> None:
    both = overlap([weekly(some)], [weekly(others)])
    assert both == ((weekly(some), weekly(others)) if found else None)
