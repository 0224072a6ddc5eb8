"""The badge: what it says to everybody, and what it tells of nobody."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from citychat.face import Face, accent
from citychat.hours import Hours, weekly
from citychat.languages import words
from citychat.sharing import Crowd, badge
from citychat.sharing.badge import Level

NOW = round(datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp() * 1000)
HOURS = Hours((weekly("Thu 20:00-21:00"),), (), "Europe/Paris", "Lyon")
WHITE = {"few": "A few people are here", "many": "Many people are here", "none": "Not many here right now"}


class Counted:
    """A count that a test sets, a clock too."""

    def __init__(self) -> None:
        self.here = self.asked = 0
        self.now_s = 0.0

    async def ask(self) -> int:
        self.asked += 1
        return self.here


@pytest.mark.parametrize(
    ("here", "level"),
    [(0, "none"), (1, "none"), (4, "none"), (5, "few"), (19, "few"), (20, "many"), (100_000, "many")],
)
async def test_fewer_than_five_are_the_same_as_nobody(here: int, level: str) -> None:
    counted = Counted()
    counted.here = here
    assert await Crowd(counted.ask, lambda: counted.now_s).level() == level


async def test_who_looks_every_minute_sees_nobody_come_or_go_between_two_looks() -> None:
    counted = Counted()
    crowd = Crowd(counted.ask, lambda: counted.now_s)
    seen = []
    for minute in range(21):
        counted.now_s, counted.here = 60.0 * minute, (4, 5)[minute % 2]  # one of five comes and goes
        seen.append(await crowd.level())
    assert seen == ["none"] * 21 and counted.asked == 3


def texts(level: Level = "few", hours: Hours = HOURS, now_ms: int = NOW, face: Face | None = None) -> list[str]:
    drawn = ElementTree.fromstring(badge(face or Face(), words("en"), level, hours, now_ms))
    return [found.text or "" for found in drawn.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("level", ["none", "few", "many"])
def test_it_says_how_many_in_a_word_and_when_people_meet(level: Level) -> None:
    assert texts(level) == ["CityChat", WHITE[level], "Meeting hour: Thursday 20:00–21:00 (Lyon)"]


def test_during_the_hour_it_says_until_when_and_without_hours_what_this_is() -> None:
    during = NOW + (2 * 24 + 7) * 3_600_000 + 60_000
    assert texts(now_ms=during)[2] == "Meeting hour now, until 21:00 (Lyon)"
    assert texts(hours=Hours())[2] == "Talk with someone in your city. No account, no name."


def test_a_name_that_is_too_wide_is_drawn_narrower_and_none_is_markup() -> None:
    drawn = badge(Face("<b>" + "W" * 27, accent("#0b6e4f")), words("en"), "few", HOURS, NOW)
    assert b"&lt;b&gt;WW" in drawn and b'textLength="252"' in drawn and b"#0b6e4f" in drawn
    assert ElementTree.fromstring(drawn) is not None


def test_where_one_writes_from_right_to_left_it_is_the_other_way_round() -> None:
    mirrored, straight = (badge(Face(), words(code), "few", HOURS, NOW) for code in ("ar", "en"))
    assert b'direction="rtl"' in mirrored and b'<text x="272"' in mirrored and b"translate(284 26)" in mirrored
    assert b'direction="ltr"' in straight and b'<text x="68"' in straight
